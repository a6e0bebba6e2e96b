//! Whole configurations: what good ones become, and how bad ones are answered.

mod cookies;
mod environment;
mod keys;
mod messages;
mod options;
mod redis;
mod reference;
mod responses;
mod rules;
mod security_messages;
mod session_module;
mod tickets;
mod tls;
mod websocket;

use super::{Config, ConfigErrors, Loaded};

/// A space with as little as can be.
const SPACE: &str = r#"
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"#;

/// Reads `text` from a folder in which there are only empty `files`. The folder's name comes
/// along.
fn read(
    text: &str,
    files: &[&str],
    variables: &[(&str, &str)],
) -> (String, Result<Loaded, ConfigErrors>) {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = Config::new(text, folder.path().join("gatepass.toml"))
        .with_variables(variables)
        .read();
    (folder.path().display().to_string(), loaded)
}

/// The configuration `text`, which is good.
fn load(text: &str, files: &[&str]) -> Loaded {
    let (_, loaded) = read(text, files, &[]);
    loaded.unwrap_or_else(|errors| panic!("{errors}"))
}

/// The errors of the bad configuration `text`, with `$DIR` for its folder.
fn errors_of(text: &str, variables: &[(&str, &str)]) -> String {
    let (folder, loaded) = read(text, &["key.pem"], variables);
    let errors = loaded.expect_err("the configuration is bad");
    errors.to_string().replace(&folder, "$DIR")
}

/// That the bad configuration `text` is answered with exactly `expected`.
fn check(text: &str, expected: &str) {
    let errors = errors_of(text, &[]);
    assert_eq!(errors.trim_end(), expected.trim(), "\n{errors}");
}

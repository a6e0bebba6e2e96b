//! The table `admin.session_module`.

use super::{SPACE, load, read};

const FILES: [&str; 3] = ["site.pem", "site.key", "ca.pem"];

fn with(module: &str, client: &str) -> String {
    format!(
        "[admin.session_module]\n{module}\n[admin.tls]\n{client}\n\
         certificates = [{{ chain = \"site.pem\", key = \"site.key\" }}]\n{SPACE}"
    )
}

const CA: &str = "client_ca = \"ca.pem\"";

#[test]
fn it_names_a_space() {
    let options = load(&with("space = \"1001\"", CA), &FILES).options;
    let space = options.admin.session_module.unwrap();
    assert_eq!(space.as_str(), "1001");
    assert_eq!(load(SPACE, &[]).options.admin.session_module, None);
}

#[test]
fn s41_without_certificates_of_clients_or_its_space_it_is_an_error() {
    for (module, client, expected) in [
        (
            "space = \"1001\"",
            "",
            "only client certificates open it, and the side port asks for none",
        ),
        ("space = \"1002\"", CA, "there is no space `1002`"),
        (
            "space = \"a b\"",
            CA,
            "bad value for `admin.session_module.space`",
        ),
        ("", CA, "missing option `admin.session_module.space`"),
        (
            "name = \"1001\"",
            CA,
            "unknown key `admin.session_module.name`",
        ),
    ] {
        let (_, loaded) = read(&with(module, client), &FILES, &[]);
        let errors = loaded.expect_err(module).to_string();
        assert!(errors.contains(expected), "{errors}");
    }
}

//! `gatepass check`

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::command::run;
use crate::kit::{LOCAL, PORTS, house};

/// A folder with a configuration and the files it names.
fn folder(config: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let _ = house::furnish(folder.path());
    let config = config.replace("UPSTREAM", "http://127.0.0.1:3000");
    std::fs::write(folder.path().join("gatepass.toml"), config).unwrap();
    folder
}

#[tokio::test]
async fn a_good_configuration_is_good() {
    let folder = folder(&format!("{PORTS}{LOCAL}"));
    let done = run(folder.path(), &["check"]).await;
    assert_eq!(done.ok(), "gatepass.toml is good: spaces 1001\n");
    let json: Value =
        serde_json::from_str(run(folder.path(), &["check", "--json"]).await.ok()).unwrap();
    assert_eq!(json["spaces"][0], "1001");
}

#[tokio::test]
async fn s41_a_bad_one_is_shown_with_file_line_and_caret() {
    let config = format!("{PORTS}{LOCAL}")
        .replace("authn = [\"local\"]", "authn = [\"loca\"]\nidle = \"5m\"");
    let folder = folder(&config);
    for command in ["check", "serve"] {
        let done = run(folder.path(), &[command]).await;
        let said = done.failed(64);
        let line = config
            .lines()
            .position(|line| line.contains("\"loca\""))
            .unwrap()
            + 1;
        assert!(said.contains(&format!("gatepass.toml:{line}:")), "{said}");
        assert!(
            said.contains("gatepass.toml:") && said.contains('^'),
            "{said}"
        );
        // All of it at once, with what is allowed.
        assert!(
            said.contains("`local`") || said.contains("\"local\""),
            "{said}"
        );
        assert!(
            said.contains("unknown key") && said.contains("idle"),
            "{said}"
        );
        assert!(!said.contains('\u{1b}'), "colours in a file");
    }
    let done = run(folder.path(), &["check", "--config", "nowhere.toml"]).await;
    assert!(done.failed(64).contains("nowhere.toml"));
}

#[tokio::test]
async fn s41_what_cannot_be_built_is_found_too() {
    let jwt = crate::kit::tokens::JWT.replace("[\"EdDSA\"]", "[\"RS256\"]");
    let folder = folder(&format!("{PORTS}{jwt}"));
    let done = run(folder.path(), &["check"]).await;
    let said = done.failed(64);
    assert!(
        said.contains("space 1002") && said.contains("jwt"),
        "{said}"
    );
}

#[tokio::test]
async fn a_variable_that_sets_nothing_is_an_error() {
    let folder = folder(&format!("{PORTS}{LOCAL}"));
    let check = |name: &str, value: &str| {
        crate::kit::command::gatepass(folder.path(), &["check"])
            .env(name, value)
            .output()
    };
    let output = check("GATEPASS_EDGE__LISTENS", "127.0.0.1:1")
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("GATEPASS_EDGE__LISTENS"));
    let output = check("GATEPASS_SPACE__1001__SESSION__IDLE_TIMEOUT", "never")
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(
        check("GATEPASS_EDGE__LISTEN", "127.0.0.1:1")
            .await
            .unwrap()
            .status
            .success()
    );
}

#[tokio::test]
async fn a_request_is_explained() {
    let rule = "[[space.access]]\npath = \"/admin/**\"\nrequire = { attribute = \"group\", any_of = [\"admins\"] }\nidle_timeout = \"5m\"\n";
    let folder = folder(&format!("{PORTS}{LOCAL}{rule}"));
    let explain =
        async |request: &str| run(folder.path(), &["check", "--json", "--explain", request]).await;
    let json: Value = serde_json::from_str(
        explain("POST https://sales.example.com/x/%2e%2e//admin/a?b=c")
            .await
            .ok(),
    )
    .unwrap();
    assert_eq!(json["space"], "1001");
    assert_eq!(json["path"], "/admin/a");
    assert_eq!(json["forwardedPath"], "/admin/a");
    assert_eq!(
        json["accessRules"][0],
        "/admin/**: attribute group is one of admins; idle for less than 300s"
    );
    let text = run(
        folder.path(),
        &[
            "check",
            "--explain",
            "https://sales.example.com/.gatepass/login",
        ],
    )
    .await;
    assert!(text.ok().contains("by the gateway itself"), "{text:?}");
    explain("https://sales/a%2fb").await.failed(2);
    explain("nonsense").await.failed(2);
}

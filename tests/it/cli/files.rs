//! `gatepass user` and `gatepass key`

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::command::{gatepass, run, run_with};
use crate::kit::{Admin, House};

#[tokio::test]
async fn users_are_added_listed_and_removed() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let add = [
        "user",
        "add",
        "erin",
        "--directory",
        "DEMO",
        "--name",
        "Erin",
        "--group",
        "sales",
        "--group",
        "ops",
        "--attribute",
        "site=emea",
        "--password-file",
        "-",
    ];
    let done = run_with(folder, &add, "correct horse\n").await;
    assert_eq!(done.ok(), "DEMO\\erin was added to users.toml\n");
    let file = std::fs::read_to_string(folder.join("users.toml")).unwrap();
    assert!(
        file.contains("$argon2id$") && !file.contains("correct horse"),
        "{file}"
    );
    let list: Value =
        serde_json::from_str(run(folder, &["user", "list", "--json"]).await.ok()).unwrap();
    assert_eq!(list["users"][0]["userId"], "erin");
    assert_eq!(
        list["users"][0]["attributes"]["group"],
        serde_json::json!(["sales", "ops"])
    );
    assert_eq!(
        list["users"][0]["attributes"]["site"],
        serde_json::json!(["emea"])
    );
    let table = run(folder, &["user", "list"]).await;
    assert!(
        table.ok().contains("erin") && table.out.contains("DIRECTORY"),
        "{table:?}"
    );
    // Twice is once too often; nobody is removed who is not there.
    assert!(
        run_with(folder, &add, "x\n")
            .await
            .failed(1)
            .contains("erin")
    );
    run(folder, &["user", "remove", "erin"]).await.failed(1);
    run(folder, &["user", "remove", "erin", "--directory", "DEMO"])
        .await
        .ok();
    let list: Value =
        serde_json::from_str(run(folder, &["user", "list", "--json"]).await.ok()).unwrap();
    assert_eq!(list["users"], serde_json::json!([]));
    run(folder, &["user", "list", "--file", "nowhere.toml"])
        .await
        .failed(1);
    run(folder, &["user", "add"]).await.failed(2);
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked() {
    let house = House::local().await;
    let folder = house.folder.path();
    let done = run(
        folder,
        &[
            "key",
            "create",
            "--id",
            "ops",
            "--role",
            "space-admin",
            "--space",
            "1001",
            "--label",
            "Operations",
            "--json",
        ],
    )
    .await;
    let made: Value = serde_json::from_str(done.ok()).unwrap();
    let bearer = made["bearer"].as_str().unwrap();
    assert!(bearer.starts_with("ops."), "{bearer}");
    let secret = bearer.split_once('.').unwrap().1;
    let file = std::fs::read_to_string(house.file("keys.toml")).unwrap();
    assert!(!file.contains(secret), "the secret is in the file");
    let list = run(folder, &["key", "list"]).await;
    assert!(
        list.ok().contains("Operations") && !list.out.contains(secret),
        "{list:?}"
    );
    house.reload(&format!("{}{}", crate::kit::PORTS, crate::kit::LOCAL));
    let admin = Admin::new(house.gateway.admin_address(), bearer);
    assert!(admin.sessions("1001").await.is_empty());
    // A chosen secret works as a made one does.
    let chosen = run_with(
        folder,
        &[
            "key",
            "create",
            "--id",
            "chosen",
            "--role",
            "reader",
            "--secret-file",
            "-",
        ],
        "a-secret-of-my-own-choice\n",
    )
    .await;
    chosen.ok();
    run(folder, &["key", "revoke", "--id", "ops"]).await.ok();
    house.reload(&format!("{}{}", crate::kit::PORTS, crate::kit::LOCAL));
    assert_eq!(admin.get("/api/v1/spaces").await.status, 401);
    let admin = Admin::new(
        house.gateway.admin_address(),
        "chosen.a-secret-of-my-own-choice",
    );
    assert_eq!(admin.get("/api/v1/spaces").await.status, 200);
    run(folder, &["key", "revoke", "--id", "ops"])
        .await
        .failed(1);
    run(folder, &["key", "create", "--id", "x", "--role", "king"])
        .await
        .failed(2);
    run(
        folder,
        &[
            "key", "create", "--id", "x", "--role", "reader", "--space", "no/space",
        ],
    )
    .await
    .failed(2);
}

#[tokio::test]
async fn nobody_listening_is_no_reason_to_panic() {
    let house = House::local().await;
    for args in [
        &["user", "list"][..],
        &["key", "list"],
        &["key", "list", "--json"],
        &["token", "--demo", "--user", "carol"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ] {
        // A pipe whose other end is closed before anything is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = gatepass(house.folder.path(), args)
            .stdout(writer)
            .spawn()
            .unwrap();
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        assert_ne!(output.status.code(), Some(101), "{args:?}");
    }
}

//! `gatepass demo`

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::kit::command::{Running, run};
use crate::kit::{Admin, Browser, Script};

#[tokio::test]
async fn the_demo_is_for_this_machine_only() {
    let folder = TempDir::new().unwrap();
    for args in [
        ["--edge", "0.0.0.0:0"],
        ["--admin", "0.0.0.0:0"],
        ["--edge", "[::]:0"],
        ["--edge", "192.0.2.1:80"],
    ] {
        let done = run(folder.path(), &[&["demo"], &args[..]].concat()).await;
        assert!(done.failed(2).contains("loopback"), "{done:?}");
    }
}

#[tokio::test]
async fn what_the_demo_prints_works() {
    let folder = TempDir::new().unwrap();
    let mut demo = Running::start(
        folder.path(),
        &["demo", "--edge", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
    );
    demo.line("Stop").await;
    let between = |line: &str, before: &str, after: &str| -> String {
        let (_, rest) = line.split_once(before).unwrap_or_else(|| panic!("{line}"));
        rest.split(after).next().unwrap().to_owned()
    };
    let edge: SocketAddr = between(&demo.line("  Open").await, "http://", "/")
        .parse()
        .unwrap();
    let list = demo.line("  Sessions").await;
    let admin: SocketAddr = between(&list, "http://", "/").parse().unwrap();
    let mut alice = Browser::new(edge);
    alice
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "alice");
    let bearer = between(&list, "Bearer ", "'");
    let admin = Admin::new(admin, &bearer);
    assert_eq!(admin.session("1001").await["userId"], "alice");
    let token = run(folder.path(), &["token", "--demo", "--user", "carol"]).await;
    let echo = Script::new(edge)
        .bearer(token.ok().trim())
        .get("/jwt/echo")
        .await;
    assert!(echo.json(200).to_string().contains("carol"));
    let mut socket = alice.socket("/ws").await;
    admin
        .delete("/api/v1/spaces/1001/users/DEMO/alice/sessions")
        .await
        .json(200);
    assert_eq!(socket.close_code().await, 1008);
    alice.get("/").await.leads_to("/.gatepass/login?return=/");
    demo.signal("INT").await;
    assert_eq!(demo.end().await.code(), Some(0), "{:?}", demo.said());
}

//! The main story.

use crate::kit::{House, eventually, soon};

#[tokio::test]
async fn a_person_works_and_an_administrator_ends_it() {
    let house = House::local().await;
    let (mut alice, admin) = (house.browser(), house.admin());

    // She is sent to the login page, and back to where she was going.
    let page = alice
        .log_in("/reports?year=2026", "alice", "demo-password")
        .await;
    page.says(200, "upstream GET /reports?year=2026");
    assert!(alice.cookie("gatepass").is_some());
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("alice"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sales,admins"));

    // The administrator sees her, and sees that she is active.
    let session = admin.session("1001").await;
    assert_eq!(session["userDirectory"], "DEMO");
    assert_eq!(session["userId"], "alice");
    assert_eq!(session["authenticationMethod"], "local");
    assert_eq!(session["clientIp"], "127.0.0.1");
    assert_eq!(session["userAgent"], "Mozilla/5.0 (Test)");
    let groups = session["attributes"].as_array().unwrap();
    assert_eq!(groups[0]["values"], serde_json::json!(["sales", "admins"]));
    let before = session["lastActive"].clone();
    let after = eventually(async || {
        alice.clone().get("/again").await.says(200, "GET /again");
        let now = admin.session("1001").await["lastActive"].clone();
        (now != before).then_some(now)
    })
    .await;
    assert!(after.as_str() > before.as_str(), "{after} > {before}");

    // She opens a WebSocket, an event stream and a long download.
    let mut socket = alice.socket("/ws").await;
    socket.echo("hello").await;
    let mut events = house.wire().await;
    let head = house.script().with("cookie", &alice.cookie_header());
    events.send(head.head("GET", "/events", 0)).await;
    assert_eq!(events.head().await.unwrap().0, 200);
    assert_eq!(events.chunk().await.unwrap(), b"data: tick\n\n");
    assert_eq!(admin.sessions("1001").await.len(), 1);

    // The administrator ends her session: everything ends with it.
    let ended = admin.end("1001", &session).await;
    assert_eq!(ended["endReason"], "terminated");
    assert_eq!(ended["endedBy"], "site");
    assert_eq!(socket.close_code().await, 1008);
    soon(async { while let Ok(Some(_)) = events.try_chunk().await {} }).await;
    assert!(events.is_closed().await);
    let upstream = &house.upstream;
    eventually(async || (upstream.open_streams() == 0).then_some(())).await;
    assert!(admin.sessions("1001").await.is_empty());

    // Her next request leads to the login page; a program with her cookie gets a 401.
    let script = house.script().with("cookie", &alice.cookie_header());
    let asked = house.upstream.seen().len();
    script
        .get("/again")
        .await
        .says(401, "Authentication is needed");
    let answer = alice.get("/again").await;
    answer.leads_to("/.gatepass/login?return=/again");
    assert_eq!(house.upstream.seen().len(), asked);
}

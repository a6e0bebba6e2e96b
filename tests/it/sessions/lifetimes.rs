//! S19: how long a session lives.

use std::time::Duration;

use crate::kit::{House, PORTS, eventually};

/// A script that has the cookie of a session of `ann`, and nothing else.
async fn with_cookie(house: &House) -> crate::kit::Script {
    let answer = house.script_of("ann").get("/").await;
    house.script().with_cookie_of(&answer)
}

#[tokio::test]
async fn s19_an_idle_session_ends() {
    let house = House::header("[space.session]\nidle_timeout = \"400ms\"\n").await;
    let script = with_cookie(&house).await;
    script.get("/x").await.says(200, "GET /x");
    // Only looking, from the side port, keeps nothing alive.
    eventually(async || {
        house
            .admin()
            .sessions("1001")
            .await
            .is_empty()
            .then_some(())
    })
    .await;
    assert_eq!(script.get("/x").await.status, 401);
    let ended = house
        .admin()
        .get("/api/v1/spaces/1001/sessions?state=ended&view=full")
        .await
        .json(200);
    assert_eq!(ended["sessions"][0]["endReason"], "idle");
}

#[tokio::test]
async fn s19_use_does_not_outlast_the_absolute_limit() {
    let house =
        House::header("[space.session]\nidle_timeout = \"500ms\"\nabsolute_timeout = \"1200ms\"\n")
            .await;
    let script = with_cookie(&house).await;
    let mut uses = 0;
    while script.get("/x").await.status == 200 {
        uses += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // It was used for longer than it could have been idle, and yet ended.
    assert!(uses >= 8, "{uses}");
    assert_eq!(script.get("/x").await.status, 401);
    let ended = house
        .admin()
        .get("/api/v1/spaces/1001/sessions?state=ended&view=full")
        .await
        .json(200);
    assert_eq!(ended["sessions"][0]["endReason"], "expired");
}

#[tokio::test]
async fn s19_a_websocket_ends_with_the_lifetime_of_its_session() {
    let config = "[space.session]\nidle_timeout = \"500ms\"\nabsolute_timeout = \"1s\"\n";
    let house = House::header(config).await;
    let mut socket = crate::kit::Socket::open(house.edge(), "/ws", &[("hdr-usr", "ann")])
        .await
        .unwrap();
    socket.echo("hello").await;
    // Nothing is looked at but by the sweeper, which comes every ten seconds.
    assert_eq!(socket.close_code().await, 1008);
}

#[tokio::test]
async fn s19_a_shorter_limit_holds_for_open_sessions_too() {
    let house = House::header("").await;
    let script = with_cookie(&house).await;
    script.get("/x").await.says(200, "GET /x");
    let config = format!(
        "{PORTS}{}[space.session]\nidle_timeout = \"50ms\"\n",
        crate::kit::house::header_space()
    );
    house.reload(&config);
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(script.get("/x").await.status, 401);
}

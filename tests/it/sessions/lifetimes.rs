//! S19: how long a session lives.

use std::time::Duration;

use tokio::time::Instant;

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
    let opened = Instant::now();
    socket.echo("hello").await;
    // Nobody asks for anything: it is looked for, and long before the sweep of all sessions,
    // which comes every ten seconds.
    assert_eq!(socket.close_code().await, 1008);
    let took = opened.elapsed();
    assert!(took > Duration::from_millis(400), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn s19_an_idle_timeout_of_a_rule_holds_at_once_and_the_spaces_too() {
    let house = House::header("").await;
    let script = with_cookie(&house).await;
    script.get("/admin").await.says(200, "GET /admin");
    let ended = async || {
        let path = "/api/v1/spaces/1001/sessions?state=ended&view=full";
        let ended = house.admin().get(path).await.json(200);
        ended["sessions"][0]["endReason"].clone()
    };
    let config = |more: &str| format!("{PORTS}{}{more}", crate::kit::house::header_space());
    house.reload(&config(
        "[[space.access]]\npath = \"/admin/**\"\nidle_timeout = \"50ms\"\n",
    ));
    tokio::time::sleep(Duration::from_millis(120)).await;
    // Idle for too long for the one, not for the other.
    script.get("/x").await.says(200, "GET /x");
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(script.get("/admin").await.status, 401);
    assert_eq!(script.get("/x").await.status, 401);
    assert_eq!(ended().await, "idle");

    let script = with_cookie(&house).await;
    house.reload(&config(
        "[space.session]\nidle_timeout = \"100ms\"\n[[space.access]]\npath = \"/admin/**\"\nidle_timeout = \"100ms\"\n",
    ));
    tokio::time::sleep(Duration::from_millis(220)).await;
    assert_eq!(script.get("/x").await.status, 401);
    assert_eq!(ended().await, "idle");
}

#[tokio::test]
async fn s19_polling_keeps_no_session_alive_and_neither_does_its_websocket() {
    let config = "[space.session]\nidle_timeout = \"700ms\"\n[[space.access]]\npath = \"/ws\"\nactivity = false\n[[space.access]]\npath = \"/poll\"\nactivity = false\n";
    let house = House::header(config).await;
    let answer = house.script_of("ann").get("/").await;
    let script = house.script().with_cookie_of(&answer);
    let cookie = answer.header("set-cookie").split(';').next().unwrap();
    let mut socket = crate::kit::Socket::open(house.edge(), "/ws", &[("cookie", cookie)])
        .await
        .unwrap();
    let mut polls = 0;
    while script.get("/poll").await.status == 200 {
        if polls < 5 {
            socket.echo("beat").await;
        }
        polls += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(polls > 2, "{polls}");
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

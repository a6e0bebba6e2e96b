//! The stream of events.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{Side, request};
use crate::admin::keys::{ApiKeys, NewKey, Role};
use crate::admin::server::Shutdown;

const EVENTS: &str = "/api/v1/events";

/// A client that reads one piece after the other.
struct Client {
    body: Body,
}

impl Client {
    async fn open(side: &Side, path: &str, bearer: &str, last: Option<&str>) -> Self {
        let mut call = request("GET", path, Some(bearer), "");
        if let Some(last) = last {
            call.headers_mut()
                .insert("last-event-id", last.parse().unwrap());
        }
        let answer = side.router.clone().oneshot(call).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let mut client = Self {
            body: answer.into_body(),
        };
        assert!(client.piece().await.unwrap().starts_with(": waiting\nid: "));
        client
    }

    /// The next piece, or `None` at the end.
    async fn piece(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(Duration::from_secs(60), self.body.frame());
        let bytes = frame.await.expect("something comes")?.unwrap();
        Some(String::from_utf8(bytes.into_data().unwrap().to_vec()).unwrap())
    }

    /// Id, name and data of the next piece.
    async fn event(&mut self) -> (String, String, Value) {
        let piece = self.piece().await.expect("not the end");
        let mut lines = piece.lines();
        let mut next = |prefix: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(prefix));
            line.unwrap_or_else(|| panic!("{piece}")).to_owned()
        };
        let (id, name, data) = (next("id: "), next("event: "), next("data: "));
        assert!(piece.ends_with("\n\n"));
        (id, name, serde_json::from_str(&data).unwrap())
    }
}

#[tokio::test]
async fn starts_and_ends_come_as_they_happen() {
    let side = Side::new();
    let mut client = Client::open(&side, EVENTS, &side.bearers.reader, None).await;
    let (session, _) = side.open(&side.sales, "ann").await;
    let (id, name, data) = client.event().await;
    assert_eq!(name, "session.started");
    let started = json!({
        "at": "2026-01-01T00:00:00.001Z", "spaceId": "1001",
        "sessionId": session.id().to_string(), "userDirectory": "LAB", "userId": "ann",
        "userName": "Ann Adams",
    });
    assert_eq!(data, started);
    let path = format!("/api/v1/spaces/1001/sessions/{}", session.id());
    side.delete(&path, &side.bearers.site).await.json(200);
    let (later, name, data) = client.event().await;
    assert_eq!(name, "session.ended");
    assert_eq!(
        (&data["endReason"], &data["endedBy"]),
        (&json!("terminated"), &json!("site"))
    );
    // Who comes again with the id of the first is told the second, and nothing else.
    let mut again = Client::open(&side, EVENTS, &side.bearers.reader, Some(&id)).await;
    assert_eq!(again.event().await, (later, name, data));
}

#[tokio::test]
async fn s40_a_key_is_told_of_its_own_spaces_only() {
    let side = Side::new();
    let mut client = Client::open(&side, EVENTS, &side.bearers.sales, None).await;
    let path = format!("{EVENTS}?space=1001");
    let mut of_one = Client::open(&side, &path, &side.bearers.site, None).await;
    side.open(&side.other, "zoe").await;
    let (session, _) = side.open(&side.sales, "ann").await;
    for client in [&mut client, &mut of_one] {
        let (_, _, data) = client.event().await;
        assert_eq!(data["sessionId"], session.id().to_string());
    }
    side.get(&format!("{EVENTS}?space=1002"), &side.bearers.sales)
        .await
        .problem(403, "forbidden");
    side.get(&format!("{EVENTS}?space=no%20space"), &side.bearers.sales)
        .await
        .problem(403, "forbidden");
    side.send(request("GET", EVENTS, None, ""))
        .await
        .problem(401, "unauthenticated");
    side.get(&format!("{EVENTS}?spaces=1001"), &side.bearers.sales)
        .await
        .problem(400, "invalid-query");
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_of_a_gap() {
    let side = Side::new();
    let site = &side.bearers.site;
    side.open(&side.sales, "ann").await;
    let mut client = Client::open(&side, EVENTS, site, Some("0-0")).await;
    let (_, name, data) = client.event().await;
    assert_eq!((&*name, &data["from"]), ("gap", &json!("0-0")));
    let (id, name, _) = client.event().await;
    assert_eq!(name, "session.started");
    drop(client);
    // The feed of these tests keeps eight.
    for _ in 0..10 {
        side.open(&side.sales, "ann").await;
    }
    let mut client = Client::open(&side, EVENTS, site, Some(&id)).await;
    let (_, name, data) = client.event().await;
    assert_eq!((&*name, &data["from"]), ("gap", &json!(id)));
    let (first, ..) = client.event().await;
    assert_eq!(data["to"], first);
    for bad in ["x", "1", "1-", "-"] {
        let mut call = request("GET", EVENTS, Some(site), "");
        call.headers_mut()
            .insert("last-event-id", bad.parse().unwrap());
        side.send(call).await.problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn a_client_hears_something_every_15_seconds() {
    let side = Side::new();
    let mut client = Client::open(&side, EVENTS, &side.bearers.site, None).await;
    // From here on timers run without waiting: the key was checked by a thread before.
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    for _ in 0..3 {
        assert!(client.piece().await.unwrap().starts_with(": waiting\n"));
    }
    let passed = before.elapsed();
    assert!(
        passed > Duration::from_secs(44) && passed < Duration::from_secs(46),
        "{passed:?}"
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_with_the_server() {
    let side = Side::new();
    let mut client = Client::open(&side, EVENTS, &side.bearers.site, None).await;
    let (key, _) = NewKey::new("site", Role::SiteAdmin)
        .make(side.sessions.clock().wall())
        .unwrap();
    side.api_keys.replace([key]);
    side.open(&side.sales, "ann").await;
    assert_eq!(client.piece().await, None, "the event is not for it");

    let side = Side::new();
    let stop = CancellationToken::new();
    let mut call = request("GET", EVENTS, Some(&side.bearers.site), "");
    call.extensions_mut().insert(Shutdown(stop.clone()));
    let answer = side.router.clone().oneshot(call).await.unwrap();
    let mut client = Client {
        body: answer.into_body(),
    };
    assert!(client.piece().await.is_some());
    stop.cancel();
    assert_eq!(client.piece().await, None);
}

#[tokio::test]
async fn streams_are_limited_and_there_are_none_without_a_feed() {
    let side = Side::new();
    let site = &side.bearers.site;
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(Client::open(&side, EVENTS, site, None).await);
    }
    let answer = side.get(EVENTS, site).await;
    answer.problem(503, "busy");
    assert_eq!(answer.headers["retry-after"], "30");
    clients.pop();
    let mut opens = false;
    for _ in 0..100 {
        tokio::task::yield_now().await;
        let call = request("GET", EVENTS, Some(site), "");
        let answer = side.router.clone().oneshot(call).await.unwrap();
        opens |= answer.status() == 200;
    }
    assert!(opens, "one has gone");
    let (key, bearer) = NewKey::new("site", Role::SiteAdmin)
        .make(side.sessions.clock().wall())
        .unwrap();
    let router = crate::admin::router(side.sessions.clone(), ApiKeys::new([key]));
    let call = request("GET", EVENTS, Some(&bearer), "");
    assert_eq!(router.oneshot(call).await.unwrap().status(), 404);
}

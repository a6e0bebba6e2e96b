//! Messages as they are: streamed, whole, and over connections that are used again.

use crate::kit::{House, Wire, eventually, upstream};

async fn house() -> House {
    House::header("").await
}

#[tokio::test]
async fn a_response_is_passed_on_piece_by_piece() {
    let house = house().await;
    let mut wire = house.wire().await;
    wire.send(house.script_of("ann").head("GET", "/halves", 0))
        .await;
    assert_eq!(wire.head().await.unwrap().0, 200);
    assert_eq!(wire.chunk().await.unwrap(), b"first ");
    house.upstream.go_on();
    assert_eq!(wire.chunk().await.unwrap(), b"second");
    assert_eq!(wire.chunk().await, None);
}

#[tokio::test]
async fn a_request_is_passed_on_piece_by_piece() {
    let house = house().await;
    let mut wire = house.wire().await;
    let head = "POST /up HTTP/1.1\r\nHost: a\r\nhdr-usr: ann\r\nTransfer-Encoding: chunked\r\n\r\n";
    wire.send(format!("{head}5\r\nfirst\r\n")).await;
    // The upstream hears of it while most of it is still to come.
    eventually(async || (house.upstream.targets() == ["/up"]).then_some(())).await;
    wire.send("6\r\nsecond\r\n0\r\n\r\n").await;
    wire.response().await.says(200, "POST /up");
    assert_eq!(house.upstream.last().body, "firstsecond");
}

#[tokio::test]
async fn large_bodies_go_through_both_ways() {
    let house = house().await;
    let body = "0123456789abcdef".repeat(8 << 16);
    let script = house.script_of("ann");
    let mirrored = script.send("PUT", "/mirror", &body).await;
    assert!(mirrored.status == 200 && mirrored.body == body.as_bytes());
    let seen = house.upstream.last();
    assert_eq!(seen.body.len(), body.len());
    assert!(seen.body == body.as_bytes());
    assert_eq!(
        seen.header("content-length"),
        Some(&*body.len().to_string())
    );
}

#[tokio::test]
async fn responses_without_a_body_have_none() {
    let house = house().await;
    let mut wire = house.wire().await;
    let script = house.script_of("ann");
    for (method, path, status) in [
        ("HEAD", "/x", 200),
        ("GET", "/status/204", 204),
        ("GET", "/status/304", 304),
        ("HEAD", "/status/404", 404),
        ("DELETE", "/x", 200),
        ("OPTIONS", "/x", 200),
    ] {
        let answer = wire.ask(&script.head(method, path, 0)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(house.upstream.last().method.as_str(), method);
        if method == "HEAD" {
            assert_ne!(answer.header("content-length"), "", "{path}");
        }
    }
    for status in [201, 206, 301, 401, 404, 418, 500, 503] {
        wire.ask(&script.head("GET", &format!("/status/{status}"), 0))
            .await
            .says(status, "as asked");
    }
}

#[tokio::test]
async fn who_waits_for_100_gets_it() {
    let house = house().await;
    let mut wire = house.wire().await;
    wire.send("POST /up HTTP/1.1\r\nHost: a\r\nhdr-usr: ann\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    assert_eq!(wire.head().await.unwrap().0, 100);
    wire.send("body").await;
    wire.response().await.says(200, "POST /up");
    assert_eq!(house.upstream.last().body, "body");
    // Who may not pass is told so, and not to send the body first.
    let mut wire = house.wire().await;
    wire.send("POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.unwrap().0, 401);
}

#[tokio::test]
async fn upstream_connections_are_used_again() {
    let house = house().await;
    for _ in 0..5 {
        let mut wire = house.wire().await;
        for _ in 0..5 {
            wire.ask(&house.script_of("ann").head("GET", "/x", 0))
                .await
                .says(200, "GET /x");
        }
        wire.send(house.script_of("ann").head("POST", "/x", 3) + "abc")
            .await;
        wire.response().await.says(200, "POST /x");
    }
    assert_eq!(house.upstream.seen().len(), 30);
    assert_eq!(house.upstream.connections(), 1);
    // Also after a body in chunks, and trailers.
    let mut wire = house.wire().await;
    for path in ["/talkative", "/talkative", "/x"] {
        wire.send(
            house
                .script_of("ann")
                .with("te", "trailers")
                .with("connection", "te")
                .head("GET", path, 0),
        )
        .await;
        assert_eq!(wire.response().await.status, 200);
    }
    assert_eq!(
        upstream::distinct(house.upstream.seen().iter().map(|s| s.connection)),
        1
    );
}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed_upstream() {
    let house = house().await;
    let mut wire = Wire::connect(house.edge()).await;
    wire.send(house.script_of("ann").head("GET", "/events", 0))
        .await;
    assert_eq!(wire.head().await.unwrap().0, 200);
    wire.chunk().await.unwrap();
    assert_eq!(house.upstream.open_streams(), 1);
    drop(wire);
    eventually(async || (house.upstream.open_streams() == 0).then_some(())).await;
}

#[tokio::test]
async fn http_1_0_is_served_without_chunks() {
    let house = house().await;
    let mut wire = house.wire().await;
    house.upstream.go_on();
    wire.send("GET /halves HTTP/1.0\r\nhdr-usr: ann\r\n\r\n")
        .await;
    let answer = wire.rest().await;
    let text = String::from_utf8(answer).unwrap();
    assert!(
        text.starts_with("HTTP/1.0 200") || text.starts_with("HTTP/1.1 200"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\nfirst second"), "{text}");
    assert!(!text.to_ascii_lowercase().contains("chunked"), "{text}");
}

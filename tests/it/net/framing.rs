//! S34 and S36: where one request ends and the next begins, nobody can argue about.

use proptest::prelude::*;

use crate::kit::{House, LOCAL, PORTS, Seen, for_all, house};

async fn house() -> House {
    House::with(&format!("{PORTS}{}", house::header_space())).await
}

/// A request that must never be seen as one.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: sales\r\nhdr-usr: ann\r\n\r\n";

fn head(line: &str, fields: &str) -> String {
    format!("{line}\r\nHost: sales\r\nhdr-usr: ann\r\n{fields}\r\n")
}

/// Fields that make a head one that programs read differently.
const BAD_FIELDS: [&str; 38] = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5 \t6\r\n",
    "Content-Length:\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Content-Length : 5\r\n",
    "Content\tLength: 5\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, gzip\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding:\x0bchunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\r\n: chunked\r\n",
    "X: y\r\n Transfer-Encoding: chunked\r\n",
    "X: y\r\n\tz\r\n",
    "X: y\nTransfer-Encoding: chunked\r\n",
    "X: y\rTransfer-Encoding: chunked\r\n",
    "X: \0\r\n",
    "X\0: y\r\n",
    "X: y\r\r\n",
    ": y\r\n",
    "X\r\n",
    "X y: z\r\n",
    "X(y): z\r\n",
    "Host: evil\r\n",
    "X: \x7f\r\n",
    "X: \x01\r\n",
    "Transfer-Encoding: chunked\n",
];

/// First lines that are none.
const BAD_LINES: [&str; 12] = [
    "GET / HTTP/1.2",
    "GET / HTTP/2.0",
    "GET / http/1.1",
    "GET /",
    "GET  / HTTP/1.1",
    "GET / HTTP/1.1 x",
    " GET / HTTP/1.1",
    "G\0T / HTTP/1.1",
    "GET\t/ HTTP/1.1",
    "CONNECT evil:80 HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET / HTTP/1.1\nX: y",
];

fn bad_head() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(BAD_FIELDS.to_vec()).prop_map(|fields| head("POST / HTTP/1.1", fields)),
        1 => prop::sample::select(BAD_LINES.to_vec()).prop_map(|line| head(line, "")),
    ]
}

#[test]
fn s34_an_ambiguous_head_is_400_and_the_end() {
    let cut = prop::option::of(any::<prop::sample::Index>());
    let case = (bad_head(), 0..3_usize, cut);
    for_all(200, case, house, async |house, (bad, good, cut)| {
        let before = house.upstream.seen().len();
        let text = format!(
            "{}{bad}5\r\nhello\r\n0\r\n\r\n{SMUGGLED}",
            head("GET /good HTTP/1.1", "").repeat(good)
        );
        let mut wire = house.wire().await;
        let at = cut.map_or(text.len(), |cut| cut.index(text.len()));
        wire.send(&text[..at]).await;
        if at < text.len() {
            tokio::task::yield_now().await;
            wire.send(&text[at..]).await;
        }
        for _ in 0..good {
            wire.response().await.says(200, "GET /good");
        }
        assert_eq!(wire.response().await.status, 400, "{bad:?}");
        assert!(wire.is_closed().await, "{bad:?}: {:?}", wire.unread());
        let targets = house.upstream.targets();
        assert_eq!(targets.len(), before + good, "{bad:?}: {targets:?}");
    });
}

/// Chunks that end otherwise than they should.
const BAD_CHUNKS: [&str; 18] = [
    "5;a=b\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r\n0;x\r\n\r\n",
    "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "5\r\nhello\r\n0\r\nX-Forwarded-User: evil\r\n\r\n",
    "5\r\nhello\r\n0\r\nHost: evil\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: y\n\r\n",
    "5\r\nhello\r\n0\r\n X: y\r\n\r\n",
];

#[tokio::test]
async fn s34_an_ambiguous_body_ends_the_connection() {
    let house = house().await;
    for (number, chunks) in BAD_CHUNKS.iter().enumerate() {
        let target = format!("/chunks/{number}");
        let mut wire = house.wire().await;
        let line = format!("POST {target} HTTP/1.1");
        let head = head(&line, "Transfer-Encoding: chunked\r\n");
        wire.send(format!("{head}{chunks}{SMUGGLED}")).await;
        // At most one answer, no success, and then the end.
        if let Some((status, _)) = wire.head().await {
            assert!((400..=502).contains(&status), "{chunks:?}: {status}");
            let rest = wire.rest().await;
            assert!(!rest.windows(8).any(|w| w == b"HTTP/1.1"), "{chunks:?}");
        }
    }
    let seen = house.upstream.seen();
    for seen in &seen {
        assert!(seen.target.starts_with("/chunks/"), "{seen:?}");
        let same = |other: &&Seen| other.target == seen.target;
        assert_eq!(
            house.upstream.seen().iter().filter(same).count(),
            1,
            "{seen:?}"
        );
        // It never got to the end of a body that it could believe in.
        assert_eq!(seen.body, "", "{seen:?}");
        assert!(!seen.everything().contains("evil"), "{seen:?}");
    }
}

#[tokio::test]
async fn s34_http_1_0_has_no_chunks() {
    let house = house().await;
    let mut wire = house.wire().await;
    let head = head("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n");
    wire.send(format!("{head}0\r\n\r\n{SMUGGLED}")).await;
    assert_eq!(wire.response().await.status, 400);
    assert!(wire.is_closed().await);
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn s34_what_is_forwarded_is_written_anew() {
    let house = house().await;
    let mut wire = house.wire().await;
    let fields = "x-OWN:  \t spaced \t\r\nTransfer-Encoding: ChunKed\r\n";
    wire.send(format!(
        "\r\n{}00A\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\n",
        head("POST /a?b HTTP/1.1", fields)
    ))
    .await;
    wire.response().await.says(200, "POST /a?b");
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-own"), Some("spaced"));
    assert_eq!(seen.body, "0123456789x");
    assert_eq!(seen.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen.header("content-length"), None);
}

#[tokio::test]
async fn s34_requests_in_a_row_are_told_apart_whatever_their_bodies_say() {
    let house = house().await;
    let mut wire = house.wire().await;
    let body = SMUGGLED;
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    wire.send(format!(
        "{}{body}{}{chunked}{}",
        head("POST /1 HTTP/1.1", &length),
        head("PUT /2 HTTP/1.1", "Transfer-Encoding: chunked\r\n"),
        head("GET /3 HTTP/1.1", ""),
    ))
    .await;
    for target in ["POST /1", "PUT /2", "GET /3"] {
        wire.response().await.says(200, target);
    }
    assert_eq!(house.upstream.targets(), ["/1", "/2", "/3"]);
    assert_eq!(house.upstream.seen()[1].body, body.as_bytes());
}

/// S36, with a response that comes while the body is still on its way, from the application
/// or from the gateway itself: what is left of the body is no request.
#[tokio::test]
async fn s36_an_unread_body_is_drained_or_the_end() {
    let house = House::with(&format!(
        "{PORTS}{LOCAL}{}",
        house::header_space()
            .replace("1001", "1002")
            .replace("authn", "prefix = \"/h\"\nauthn")
    ))
    .await;
    for (target, status) in [
        ("/h/early", 200),
        ("/refused", 401),
        ("/.gatepass/login", 415),
        ("/.gatepass/nothing", 404),
        ("/h/a%2fb", 400),
    ] {
        for length in [100, 300_000] {
            let before = house.upstream.seen().len();
            let mut wire = house.wire().await;
            let fields = format!("Content-Length: {length}\r\nAccept: */*\r\n");
            let body = SMUGGLED.repeat(length / SMUGGLED.len() + 1);
            wire.send(head(&format!("POST {target} HTTP/1.1"), &fields))
                .await;
            let answer = wire.response().await;
            assert_eq!(answer.status, status, "{target}");
            wire.send(&body[..length]).await;
            wire.send(head("GET /h/after HTTP/1.1", "")).await;
            // Either the connection goes on behind the body, or it is over.
            if let Some((status, _)) = wire.head().await {
                assert_eq!(status, 200, "{target} {length}");
            }
            for target in house.upstream.targets().split_off(before) {
                assert!(target == "/early" || target == "/after", "{target}");
            }
        }
    }
}

//! The guard in front of hyper: what clients and services get to see.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Version};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use super::harness::{Script, Seen, serve_guarded};
use crate::net::Timeouts;
use crate::net::strict_h1::corpus::{attacks, good};
use crate::net::strict_h1::{Limits, StrictHttp1, Violation};

fn statuses(written: &str) -> Vec<&str> {
    written
        .split("HTTP/1.")
        .skip(1)
        .map(|response| &response[2..5])
        .collect()
}

#[test]
fn s34_hyper_answers_every_attack_and_closes() {
    for attack in attacks() {
        let bytes = &attack.bytes[..];
        let cuts = (1..bytes.len()).map(|cut| vec![&bytes[..cut], &bytes[cut..]]);
        let all = cuts.chain([vec![bytes], bytes.chunks(1).collect()]);
        for reads in all {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let served = serve_guarded(Limits::default(), reads);
            assert!(
                !format!("{:?}", served.seen).contains("smuggled"),
                "{text:?}"
            );
            let statuses = statuses(&served.written);
            if attack.in_head {
                let mut expected = vec!["200"; attack.good];
                expected.push("400");
                assert_eq!(statuses, expected, "{text:?}");
                assert_eq!(served.seen.len(), attack.good, "{text:?}");
            } else {
                assert_eq!(served.seen, [Seen::BodyFailed("/".to_owned())], "{text:?}");
                assert_eq!(statuses.len(), 1, "{text:?}");
            }
            // Hyper may find a broken line before it has ended; then it is not the guard's.
            if let Some(violation) = served.control.violation() {
                assert_eq!(violation, attack.violation, "{text:?}");
            }
        }
    }
}

#[test]
fn s34_good_requests_reach_the_service() {
    for (count, bytes) in good() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let cuts = (1..bytes.len()).map(|cut| vec![&bytes[..cut], &bytes[cut..]]);
        for reads in cuts.chain([vec![&bytes[..]], bytes.chunks(1).collect()]) {
            let served = serve_guarded(Limits::default(), reads);
            // Hyper closes after HTTP/1.0.
            let count = if text.contains("HTTP/1.0") { 1 } else { count };
            assert_eq!(statuses(&served.written), vec!["200"; count], "{text:?}");
            assert_eq!(served.control.violation(), None, "{text:?}");
        }
    }
}

#[test]
fn s37_limits_are_answered_with_431() {
    let limits = Limits {
        head: 10_000,
        request_line: 5_000,
        lines: 20,
    };
    let head = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    for (bytes, status) in [
        (head(&format!("A: {}\r\n", "x".repeat(9_000))), "200"),
        (head(&format!("A: {}\r\n", "x".repeat(12_000))), "431"),
        (head(&format!("A: {}\r\n", "x".repeat(120_000))), "431"),
        (head(&"A: b\r\n".repeat(19)), "200"),
        (head(&"A: b\r\n".repeat(20)), "431"),
        (head(&"A: b\r\n".repeat(900)), "431"),
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(5_000)),
            "400",
        ),
    ] {
        for size in [1, 7, 1_000, bytes.len()] {
            let served = serve_guarded(limits, bytes.as_bytes().chunks(size));
            assert_eq!(statuses(&served.written), [status], "{size} of {bytes:.80}");
            assert_eq!(served.seen.len(), usize::from(status == "200"));
        }
    }
    let default = head(&"A: b\r\n".repeat(100));
    let served = serve_guarded(Limits::default(), [default.as_bytes()]);
    assert_eq!(statuses(&served.written), ["431"]);
}

/// Reads everything through buffers of these sizes.
async fn read_all<IO: AsyncRead + Unpin>(io: IO, sizes: &[usize]) -> (Vec<u8>, bool) {
    let mut guard = StrictHttp1::new(io, Limits::default(), Timeouts::default());
    let mut all = Vec::new();
    for size in sizes.iter().cycle() {
        let mut buffer = vec![0; *size];
        let mut buffer = ReadBuf::new(&mut buffer);
        match poll_fn(|cx| Pin::new(&mut guard).poll_read(cx, &mut buffer)).await {
            Ok(()) if buffer.filled().is_empty() => return (all, false),
            Ok(()) => all.extend_from_slice(buffer.filled()),
            Err(_) => return (all, true),
        }
    }
    unreachable!("the sizes are repeated for ever")
}

proptest! {
    #[test]
    fn s34_nothing_is_read_behind_a_violation(
        which: prop::sample::Index, sizes in prop::collection::vec(1_usize..60, 1..6),
    ) {
        let attacks = attacks();
        let attack = which.get(&attacks);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (read, failed) = runtime.block_on(read_all(Script::new([&attack.bytes[..]]), &sizes));
        let (passed, failed_at_once) =
            runtime.block_on(read_all(Script::new([&attack.bytes[..]]), &[10_000]));
        prop_assert_eq!(&read, &passed);
        prop_assert_eq!(failed, !attack.in_head);
        prop_assert_eq!(failed_at_once, !attack.in_head);
        if attack.in_head {
            let start = read.strip_suffix(b"\0\r\n\r\n").unwrap();
            prop_assert!(attack.bytes.starts_with(start));
        } else {
            prop_assert!(attack.bytes.starts_with(&read));
        }
    }
}

const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

async fn read_some(guard: &mut StrictHttp1<DuplexStream>) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let count = guard.read(&mut buffer).await.unwrap();
    buffer[..count].to_vec()
}

/// Whether a read finds nothing to give, though the bytes had their chance to come.
async fn is_waiting(guard: &mut StrictHttp1<DuplexStream>) -> bool {
    let mut buffer = [0; 4096];
    let mut buffer = ReadBuf::new(&mut buffer);
    poll_fn(|cx| {
        Poll::Ready(
            Pin::new(&mut *guard)
                .poll_read(cx, &mut buffer)
                .is_pending(),
        )
    })
    .await
}

fn guarded() -> (StrictHttp1<DuplexStream>, DuplexStream) {
    let (server, client) = duplex(64 * 1024);
    let guard = StrictHttp1::new(server, Limits::default(), Timeouts::default());
    (guard, client)
}

fn upgrade_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("connection", HeaderValue::from_static("Upgrade"));
    headers.insert("upgrade", HeaderValue::from_static("x"));
    headers
}

#[tokio::test]
async fn s35_early_bytes_wait_for_the_tunnel() {
    let (mut guard, mut client) = guarded();
    let control = guard.control();
    assert!(!control.tunnel(), "nobody asked");
    client.write_all(UPGRADE).await.unwrap();
    client.write_all(b"early\0").await.unwrap();
    assert_eq!(read_some(&mut guard).await, UPGRADE);
    assert!(is_waiting(&mut guard).await);
    client.write_all(b" and more\n").await.unwrap();
    assert!(is_waiting(&mut guard).await);

    let waiting = tokio::spawn(async move {
        let mut read = Vec::new();
        while read.len() < b"early\0 and more\n".len() {
            read.extend(read_some(&mut guard).await);
        }
        (read, guard)
    });
    tokio::task::yield_now().await;
    assert!(control.tunnel(), "the waiting read is woken");
    assert!(!control.resume(), "decided is decided");
    let (read, mut guard) = waiting.await.unwrap();
    assert_eq!(read, b"early\0 and more\n");
    client.write_all(b"\n\n:\0").await.unwrap();
    assert_eq!(read_some(&mut guard).await, b"\n\n:\0");
}

#[tokio::test]
async fn s35_a_refused_upgrade_leaves_an_ordinary_connection() {
    let (mut guard, mut client) = guarded();
    let control = guard.control();
    let next = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    client
        .write_all(&[UPGRADE, next, UPGRADE, b"GET / HTTP/1.1\n"].concat())
        .await
        .unwrap();
    assert_eq!(read_some(&mut guard).await, UPGRADE);
    assert!(is_waiting(&mut guard).await);

    let pending = control
        .upgrade(Version::HTTP_11, &upgrade_headers())
        .unwrap();
    drop(pending);
    assert_eq!(read_some(&mut guard).await, [next, UPGRADE].concat());
    assert!(is_waiting(&mut guard).await);

    assert!(
        control
            .upgrade(Version::HTTP_11, &HeaderMap::new())
            .is_none()
    );
    assert!(
        control
            .upgrade(Version::HTTP_10, &upgrade_headers())
            .is_none()
    );
    assert!(is_waiting(&mut guard).await);
    assert!(control.resume());
    assert_eq!(read_some(&mut guard).await, b"GET / HTTP/1.1\0\r\n\r\n");
    assert_eq!(control.violation(), Some(Violation::BareLf));
    assert_eq!(read_some(&mut guard).await, b"");
}

#[tokio::test]
async fn s35_a_decision_before_the_body_has_ended_counts() {
    for tunnel in [false, true] {
        let (mut guard, mut client) = guarded();
        let control = guard.control();
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nhe";
        client.write_all(head).await.unwrap();
        assert_eq!(read_some(&mut guard).await, head);
        let pending = control
            .upgrade(Version::HTTP_11, &upgrade_headers())
            .unwrap();
        if tunnel {
            assert!(pending.tunnel());
        } else {
            drop(pending);
        }
        client.write_all(b"ll").await.unwrap();
        assert_eq!(read_some(&mut guard).await, b"ll");
        client.write_all(b"oGET\n").await.unwrap();
        assert_eq!(read_some(&mut guard).await, b"o");
        let next = read_some(&mut guard).await;
        assert_eq!(
            next,
            if tunnel {
                &b"GET\n"[..]
            } else {
                b"GET\0\r\n\r\n"
            }
        );
    }
}

#[tokio::test]
async fn s35_a_client_that_leaves_before_the_decision_is_noticed() {
    let (mut guard, client) = guarded();
    let mut client = client;
    client.write_all(UPGRADE).await.unwrap();
    assert_eq!(read_some(&mut guard).await, UPGRADE);
    assert!(is_waiting(&mut guard).await);
    drop(client);
    assert_eq!(read_some(&mut guard).await, b"");

    // With early bytes the end comes behind them.
    let (mut guard, mut client) = guarded();
    let control = guard.control();
    client
        .write_all(&[UPGRADE, b"early"].concat())
        .await
        .unwrap();
    drop(client);
    assert_eq!(read_some(&mut guard).await, UPGRADE);
    assert!(is_waiting(&mut guard).await);
    assert!(control.tunnel());
    assert_eq!(read_some(&mut guard).await, b"early");
    assert_eq!(read_some(&mut guard).await, b"");
}

#[tokio::test]
async fn s37_what_is_held_is_bounded() {
    let (mut guard, mut client) = guarded();
    let control = guard.control();
    client.write_all(UPGRADE).await.unwrap();
    assert_eq!(read_some(&mut guard).await, UPGRADE);
    let early = vec![b'x'; 60_000];
    client.write_all(&early).await.unwrap();
    assert!(is_waiting(&mut guard).await);
    let writing = tokio::spawn(async move {
        client.write_all(&vec![b'x'; 60_000]).await.unwrap();
    });
    tokio::task::yield_now().await;
    assert!(is_waiting(&mut guard).await);
    assert!(!writing.is_finished(), "the guard took all of it");
    assert!(control.tunnel());
    let mut read = 0;
    while read < 120_000 {
        read += read_some(&mut guard).await.len();
    }
    writing.await.unwrap();
    assert_eq!(read, 120_000);
}

#[tokio::test(start_paused = true)]
async fn s36_an_unclean_connection_lingers_and_a_clean_one_does_not() {
    let start = tokio::time::Instant::now();
    let (mut guard, mut client) = guarded();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_some(&mut guard).await;
    guard.shutdown().await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(1));

    for bytes in [
        &b"GET\n"[..],
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    ] {
        // The client ends: so does the wait.
        let (mut guard, mut client) = guarded();
        client.write_all(bytes).await.unwrap();
        read_some(&mut guard).await;
        let start = tokio::time::Instant::now();
        let closing = tokio::spawn(async move { guard.shutdown().await });
        client.write_all(&vec![0; 100_000]).await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        drop(client);
        closing.await.unwrap().unwrap();
        assert!(start.elapsed() < Duration::from_millis(1));

        // It does not: a second.
        let (mut guard, mut client) = guarded();
        client.write_all(bytes).await.unwrap();
        read_some(&mut guard).await;
        let start = tokio::time::Instant::now();
        guard.shutdown().await.unwrap();
        assert_eq!(start.elapsed().as_millis() / 100, 10);
    }
}

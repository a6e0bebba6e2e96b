//! What passes, byte by byte, and what of it counts as activity.

use super::*;
use crate::proxy::upgrade::Activity;

const PING: &[u8] = b"\x89\x84\x01\x02\x03\x04qjmc";
const PONG: &[u8] = b"\x8a\x84\x01\x02\x03\x04qjmc";
const TEXT: &[u8] = b"\x81\x82\0\0\0\0hi";

async fn sockets(activity: Activity) -> (Front, TcpStream, TcpStream) {
    let (url, mut upstream) = byte_upstream().await;
    let mut front = front(&url).await;
    front.activity = activity;
    let client = byte_client(front.serve().await).await;
    let upstream = soon(upstream.recv()).await.unwrap();
    (front, client, upstream)
}

/// Sends `bytes` and waits until they are on the other side.
async fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
    let mut seen = vec![0; bytes.len()];
    soon(to.read_exact(&mut seen)).await.unwrap();
    assert_eq!(seen, bytes);
}

#[tokio::test]
async fn pings_and_pongs_pass_as_they_are_and_nothing_is_added() {
    let (front, mut client, mut upstream) = sockets(Activity::ClientData).await;
    for _ in 0..2 {
        pass(&mut client, &mut upstream, PING).await;
        pass(&mut upstream, &mut client, b"\x8a\x04phew").await;
        pass(&mut upstream, &mut client, b"\x89\x00").await;
        pass(&mut upstream, &mut client, b"\x89\x7d").await;
        pass(&mut upstream, &mut client, &[b'p'; 125]).await;
        pass(&mut client, &mut upstream, PONG).await;
        // Nothing comes of silence, either.
        tokio::time::sleep(10 * TICK).await;
    }
    drop(client);
    let mut more = Vec::new();
    soon(upstream.read_to_end(&mut more)).await.unwrap();
    assert_eq!(more, b"");
    let report = front.report().await;
    let (received, sent) = (2 * (PING.len() + PONG.len()), 2 * (6 + 2 + 127));
    assert_eq!(
        (report.received, report.sent),
        (received as u64, sent as u64)
    );
}

#[tokio::test]
async fn activity_is_what_the_rule_says() {
    let data: &[u8] = b"\x82\x03abc";
    for (rule, upwards, downwards, counts) in [
        (Activity::ClientData, TEXT, &b""[..], true),
        (Activity::ClientData, PING, data, false),
        (Activity::Any, TEXT, b"", true),
        (Activity::Any, PING, b"", true),
        (Activity::Any, PONG, b"", true),
        (Activity::Any, b"", data, true),
        (Activity::Any, b"", b"\x89\x00", false),
        (Activity::Nothing, TEXT, data, false),
    ] {
        let (front, mut client, mut upstream) = sockets(rule).await;
        pass(&mut client, &mut upstream, upwards).await;
        pass(&mut upstream, &mut client, downwards).await;
        drop((client, upstream));
        front.report().await;
        let touched = front.touched.load(Ordering::SeqCst);
        assert_eq!(touched > 0, counts, "{rule:?} {upwards:?} {downwards:?}");
    }
}

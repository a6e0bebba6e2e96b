//! What a client is told when its session ends, byte by byte.

use super::*;
use crate::proxy::upgrade::frames::{close_frame, text_frame};
use crate::proxy::upgrade::notice;

/// A front that tells clients of their session's end, a client and an upstream.
async fn noticing() -> (Front, TcpStream, TcpStream) {
    with_limit(crate::proxy::front::SOON).await
}

/// As [`noticing`]; the upstream has `limit` to complete what it has begun.
async fn with_limit(limit: Duration) -> (Front, TcpStream, TcpStream) {
    let (url, mut upstream) = byte_upstream().await;
    let mut front = front(&url).await;
    front.end_notices = true;
    front.last_message = limit;
    let client = byte_client(front.serve().await).await;
    let upstream = soon(upstream.recv()).await.unwrap();
    (front, client, upstream)
}

/// What the upstream sends, once the client has it: so the front has it, too.
async fn passes(upstream: &mut TcpStream, client: &mut TcpStream, bytes: &[u8]) {
    upstream.write_all(bytes).await.unwrap();
    let mut seen = vec![0; bytes.len()];
    soon(client.read_exact(&mut seen)).await.unwrap();
    assert_eq!(seen, bytes);
}

/// All that comes until the front ends the connection, which it does once its close frame is
/// answered.
async fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = client.write_all(b"\x88\x80....").await;
    let _ = soon(client.read_to_end(&mut rest)).await;
    rest
}

fn notice_of(front: &Front) -> Vec<u8> {
    let end = front.session.end().expect("it has ended");
    text_frame(&notice::of_end(end))
}

fn closed() -> Vec<u8> {
    close_frame(1008, "session ended")
}

#[tokio::test]
async fn s17_whatever_ends_a_session_its_client_is_told_and_then_closed() {
    for reason in EndReason::ALL {
        let (front, mut client, _upstream) = noticing().await;
        let ended = front
            .sessions
            .end(&front.session, EndCause::because(reason))
            .await;
        assert!(ended.unwrap().session().is_some());
        let rest = rest(&mut client).await;
        assert_eq!(rest, [notice_of(&front), closed()].concat(), "{reason:?}");
        assert_eq!(front.report().await.end, TunnelEnd::SessionEnded);
    }
}

#[tokio::test]
async fn s17_a_real_client_reads_the_notice_and_the_close() {
    let (url, _told) = echo().await;
    let mut front = front(&url).await;
    front.end_notices = true;
    let mut socket = websocket(front.serve().await).await;
    end(&front).await;
    let text = soon(socket.next()).await.unwrap().unwrap();
    let text = text.into_text().unwrap();
    assert!(text.contains(r#""method":"OnSessionClosed""#), "{text}");
    assert_eq!(close_of(&mut socket).await.0, CloseCode::Policy);
    assert!(soon(socket.next()).await.is_none());
}

#[tokio::test]
async fn s17_a_notice_waits_for_the_end_of_the_message() {
    let (front, mut client, mut upstream) = noticing().await;
    // Compressed, as the RSV1 bit says.
    passes(&mut upstream, &mut client, b"\x41\x03abc").await;
    end(&front).await;
    for piece in [
        &b"\x89\x01p"[..],
        b"\x00\x02d",
        b"e\x80",
        b"\x01f\x81\x05never",
    ] {
        upstream.write_all(piece).await.unwrap();
        upstream.flush().await.unwrap();
    }
    let expected = [
        &b"\x89\x01p\x00\x02de\x80\x01f"[..],
        &notice_of(&front),
        &closed(),
    ];
    assert_eq!(rest(&mut client).await, expected.concat());
}

#[tokio::test]
async fn s17_a_notice_waits_for_the_end_of_the_frame() {
    let (front, mut client, mut upstream) = noticing().await;
    passes(&mut upstream, &mut client, b"\x82\x7f\0\0\0\0\0\x01\0\0ab").await;
    end(&front).await;
    let frame_left = vec![b'x'; 65_536 - 2];
    upstream.write_all(&frame_left).await.unwrap();
    upstream.write_all(b"\x81\x05never").await.unwrap();
    let expected = [frame_left, notice_of(&front), closed()];
    assert_eq!(rest(&mut client).await, expected.concat());
}

#[tokio::test]
async fn s17_within_a_message_that_does_not_end_there_is_a_close_and_no_notice() {
    let (front, mut client, mut upstream) = with_limit(TICK).await;
    passes(&mut upstream, &mut client, b"\x01\x03abc").await;
    end(&front).await;
    assert_eq!(rest(&mut client).await, closed());
}

#[tokio::test]
async fn s17_within_a_frame_that_does_not_end_there_is_nothing_to_say() {
    let (front, mut client, mut upstream) = with_limit(TICK).await;
    passes(&mut upstream, &mut client, b"\x81\x7e\xff\xffabc").await;
    end(&front).await;
    assert_eq!(rest(&mut client).await, b"");
    assert_eq!(front.report().await.end, TunnelEnd::SessionEnded);
}

#[tokio::test]
async fn s17_an_upstream_that_closes_within_a_message_does_not_have_the_last_word() {
    let (front, mut client, mut upstream) = noticing().await;
    passes(&mut upstream, &mut client, b"\x01\x03abc").await;
    end(&front).await;
    upstream.write_all(&close_frame(1000, "")).await.unwrap();
    assert_eq!(rest(&mut client).await, closed());

    let (front, mut client, mut upstream) = noticing().await;
    passes(&mut upstream, &mut client, b"\x01\x03abc").await;
    end(&front).await;
    drop(upstream);
    assert_eq!(rest(&mut client).await, closed());
}

#[tokio::test]
async fn s17_an_upstream_that_has_closed_already_has_the_last_word() {
    let (front, mut client, mut upstream) = noticing().await;
    passes(&mut upstream, &mut client, &close_frame(1000, "done")).await;
    end(&front).await;
    assert_eq!(rest(&mut client).await, b"");
}

#[tokio::test]
async fn shutting_down_sends_no_notice() {
    let (front, mut client, _upstream) = noticing().await;
    front.drain.cancel();
    let close = close_frame(1001, "going away");
    let mut seen = vec![0; close.len()];
    soon(client.read_exact(&mut seen)).await.unwrap();
    assert_eq!(seen, close);
}

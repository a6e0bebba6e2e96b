//! Through the whole front, with real WebSocket clients and servers.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Response;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::TunnelEnd;
use crate::domain::EndReason;
use crate::proxy::front::{
    Front, TICK, connect, exchange, http_upstream, raw_upstream, read_head, read_response,
    read_until, soon,
};
use crate::proxy::upstream::{PoolStats, UpstreamSettings};
use crate::sessions::EndCause;

mod notices;
mod relayed;

const GET: &str = "GET / HTTP/1.1\r\nhost: app\r\n\r\n";
const CHAT: &str = "GET /ws HTTP/1.1\r\nhost: app\r\nconnection: keep-alive, Upgrade\r\n\
                    upgrade: chat\r\n\r\n";
const SWITCH: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
                        upgrade: chat\r\n\r\n";

async fn front(url: &str) -> Front {
    Front::new(url, UpstreamSettings::default()).await
}

async fn end(front: &Front) {
    let cause = EndCause::because(EndReason::Terminated);
    let outcome = front.sessions.end(&front.session, cause).await.unwrap();
    assert!(outcome.session().is_some());
}

/// A WebSocket server that echoes, and tells what it was sent last.
async fn echo() -> (String, mpsc::Receiver<Result<Message, Error>>) {
    let (tell, told) = mpsc::channel(8);
    let (url, _) = raw_upstream(move |_, stream| {
        let tell = tell.clone();
        async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            while let Some(message) = socket.next().await {
                if let Ok(message @ (Message::Text(_) | Message::Binary(_))) = message {
                    socket.send(message).await.unwrap();
                } else {
                    let last = message.is_err();
                    let _ = tell.send(message).await;
                    if last {
                        break;
                    }
                }
            }
        }
    })
    .await;
    (url, told)
}

/// A WebSocket upstream whose frames the test writes as bytes.
async fn byte_upstream() -> (String, mpsc::Receiver<TcpStream>) {
    let (tell, told) = mpsc::channel(1);
    let (url, _) = raw_upstream(move |_, stream| {
        let tell = tell.clone();
        async move {
            let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            tell.send(socket.into_inner()).await.unwrap();
        }
    })
    .await;
    (url, told)
}

async fn websocket(address: SocketAddr) -> WebSocketStream<TcpStream> {
    let url = format!("ws://{address}/ws");
    let stream = connect(address).await;
    soon(tokio_tungstenite::client_async(url, stream))
        .await
        .unwrap()
        .0
}

/// A client that has shaken hands, as bytes.
async fn byte_client(address: SocketAddr) -> TcpStream {
    websocket(address).await.into_inner()
}

async fn close_of(socket: &mut WebSocketStream<TcpStream>) -> (CloseCode, String) {
    match soon(socket.next()).await {
        Some(Ok(Message::Close(Some(frame)))) => (frame.code, frame.reason.to_string()),
        other => panic!("no close but {other:?}"),
    }
}

#[tokio::test]
async fn a_websocket_passes_untouched() {
    let (url, mut told) = echo().await;
    let front = front(&url).await;
    let mut socket = websocket(front.serve().await).await;
    for text in ["hello", "", &"x".repeat(300_000)] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(
            soon(socket.next()).await.unwrap().unwrap(),
            Message::text(text)
        );
    }
    let touched = front.touched.load(Ordering::SeqCst);
    assert!(touched >= 1, "data of the client touches its session");
    let ping = Message::Ping(Bytes::from_static(b"p"));
    socket.send(ping.clone()).await.unwrap();
    assert_eq!(soon(told.recv()).await.unwrap().unwrap(), ping);
    let pong = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"p")));

    socket.close(None).await.unwrap();
    assert!(matches!(
        soon(socket.next()).await,
        Some(Ok(Message::Close(None)))
    ));
    assert!(soon(socket.next()).await.is_none());
    let report = front.report().await;
    assert_eq!(report.end, TunnelEnd::Finished);
    assert!(
        report.received > 300_000 && report.sent > 300_000,
        "{report:?}"
    );
    assert_eq!(front.sessions.tied(), 0);
}

#[tokio::test]
async fn s17_a_websocket_is_closed_with_1008_when_its_session_ends() {
    let (url, mut told) = echo().await;
    let front = front(&url).await;
    let mut socket = websocket(front.serve().await).await;
    socket.send(Message::text("hello")).await.unwrap();
    soon(socket.next()).await.unwrap().unwrap();

    end(&front).await;
    // Nothing has to come first: what follows is read while the client is silent.
    let closed = tokio::time::timeout(Duration::from_secs(1), close_of(&mut socket)).await;
    assert_eq!(closed.unwrap(), (CloseCode::Policy, "session ended".into()));
    match soon(told.recv()).await.unwrap() {
        Ok(Message::Close(Some(frame))) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("the upstream saw {other:?}"),
    }
    assert!(
        soon(socket.next()).await.is_none(),
        "the close is answered and TCP ends"
    );
    assert_eq!(front.report().await.end, TunnelEnd::SessionEnded);
    assert_eq!(front.sessions.tied(), 0);
}

#[tokio::test]
async fn s17_what_a_client_sends_after_the_end_reaches_nobody() {
    let (url, mut upstream) = byte_upstream().await;
    let front = front(&url).await;
    let mut client = byte_client(front.serve().await).await;
    let mut upstream = soon(upstream.recv()).await.unwrap();
    end(&front).await;
    client.write_all(b"\x81\x84....late").await.unwrap();
    let mut all = Vec::new();
    soon(upstream.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all[..2], [0x88, 0x82], "a masked close and nothing else");
    assert_eq!(all.len(), 2 + 4 + 2);
}

#[tokio::test]
async fn s17_a_close_waits_for_the_end_of_the_frame() {
    let (url, mut upstream) = byte_upstream().await;
    let front = front(&url).await;
    let mut socket = websocket(front.serve().await).await;
    let mut upstream = soon(upstream.recv()).await.unwrap();
    upstream.write_all(b"\x81\x0ahello").await.unwrap();
    // Until the first half is at the front.
    soon(socket.get_ref().readable()).await.unwrap();
    end(&front).await;
    upstream.write_all(b"world\x81\x05never").await.unwrap();
    assert_eq!(
        soon(socket.next()).await.unwrap().unwrap(),
        Message::text("helloworld")
    );
    assert_eq!(close_of(&mut socket).await.0, CloseCode::Policy);
    assert!(soon(socket.next()).await.is_none());
}

#[tokio::test]
async fn s17_a_frame_that_does_not_end_is_cut() {
    let (url, mut upstream) = byte_upstream().await;
    let mut front = front(&url).await;
    front.last_message = TICK;
    let mut client = byte_client(front.serve().await).await;
    let mut upstream = soon(upstream.recv()).await.unwrap();
    upstream.write_all(b"\x81\x0ahello").await.unwrap();
    let mut half = [0; 7];
    soon(client.read_exact(&mut half)).await.unwrap();
    end(&front).await;
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(3), client.read_to_end(&mut rest))
        .await
        .expect("cut in time");
    assert_eq!(rest, b"", "a close frame would be taken for payload");
    let mut farewell = [0; 8];
    soon(upstream.read_exact(&mut farewell)).await.unwrap();
    assert_eq!(farewell[..2], [0x88, 0x82], "a masked close");
    assert_eq!(front.report().await.end, TunnelEnd::SessionEnded);
}

#[tokio::test]
async fn s17_half_a_frame_of_the_client_is_not_completed() {
    let (url, mut upstream) = byte_upstream().await;
    let front = front(&url).await;
    let mut client = byte_client(front.serve().await).await;
    let mut upstream = soon(upstream.recv()).await.unwrap();
    client.write_all(b"\x81\x8a....hello").await.unwrap();
    let mut half = [0; 11];
    soon(upstream.read_exact(&mut half)).await.unwrap();
    end(&front).await;
    // The client's half of the closing handshake.
    client.write_all(b"world\x88\x80....").await.unwrap();
    let mut rest = Vec::new();
    let _ = soon(upstream.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
    let mut seen = Vec::new();
    let _ = soon(client.read_to_end(&mut seen)).await;
    assert_eq!(seen[..4], [0x88, 15, 0x03, 0xf0], "1008");
}

#[tokio::test]
async fn a_websocket_whose_client_does_not_answer_the_close_is_shut_down() {
    let (url, _told) = echo().await;
    let front = front(&url).await;
    let mut client = byte_client(front.serve().await).await;
    end(&front).await;
    let mut seen = Vec::new();
    tokio::time::timeout(Duration::from_secs(3), client.read_to_end(&mut seen))
        .await
        .expect("shut down in time")
        .unwrap();
    assert_eq!(seen.len(), 2 + 15);
}

#[tokio::test]
async fn shutting_down_tells_websockets_that_the_gateway_goes_away() {
    let (url, _told) = echo().await;
    let front = front(&url).await;
    let mut socket = websocket(front.serve().await).await;
    front.drain.cancel();
    assert_eq!(
        close_of(&mut socket).await,
        (CloseCode::Away, "going away".into())
    );
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(front.report().await.end, TunnelEnd::Draining);
}

#[tokio::test]
async fn a_websocket_on_which_nothing_moves_is_closed_where_there_is_a_limit() {
    let (url, _told) = echo().await;
    let mut front = front(&url).await;
    front.body_idle = 3 * TICK;
    let mut socket = websocket(front.serve().await).await;
    assert_eq!(close_of(&mut socket).await.0, CloseCode::Away);
    assert_eq!(front.report().await.end, TunnelEnd::Idle);
}

/// An upstream that switches to "chat" when the test says so; the test gets the stream.
async fn chat() -> (String, mpsc::Receiver<(String, TcpStream)>) {
    let (tell, told) = mpsc::channel(4);
    let (url, _) = raw_upstream(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            let head = read_head(&mut stream).await;
            tell.send((head, stream)).await.unwrap();
        }
    })
    .await;
    (url, told)
}

#[tokio::test]
async fn s17_another_protocol_is_cut_at_once() {
    let (url, mut upstream) = chat().await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    client.write_all(CHAT.as_bytes()).await.unwrap();
    let (head, mut upstream) = soon(upstream.recv()).await.unwrap();
    let lower = head.to_ascii_lowercase();
    assert!(lower.contains("connection: upgrade\r\n") && lower.contains("upgrade: chat\r\n"));
    upstream.write_all(SWITCH).await.unwrap();
    let head = read_head(&mut client).await.to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 101 ") && head.contains("upgrade: chat\r\n"),
        "{head}"
    );
    end(&front).await;
    let mut rest = Vec::new();
    let _ = soon(client.read_to_end(&mut rest)).await;
    let _ = soon(upstream.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn each_side_may_end_its_direction_first() {
    let (url, mut upstream) = chat().await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    client.write_all(CHAT.as_bytes()).await.unwrap();
    let (_, mut upstream) = soon(upstream.recv()).await.unwrap();
    upstream.write_all(SWITCH).await.unwrap();
    upstream.write_all(b"early").await.unwrap();
    read_head(&mut client).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut question = String::new();
    soon(upstream.read_to_string(&mut question)).await.unwrap();
    assert_eq!(question, "question");
    upstream.write_all(b" answer").await.unwrap();
    drop(upstream);
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "early answer");
    let report = front.report().await;
    assert_eq!(
        (report.end, report.received, report.sent),
        (TunnelEnd::Finished, 8, 12)
    );
}

#[tokio::test]
async fn s35_bytes_before_the_101_are_held_back_and_then_passed() {
    let (url, mut upstream) = chat().await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    client
        .write_all(format!("{CHAT}too early").as_bytes())
        .await
        .unwrap();
    let (_, mut upstream) = soon(upstream.recv()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), upstream.read_u8()).await;
    assert!(early.is_err(), "{early:?} came before the 101");
    upstream.write_all(SWITCH).await.unwrap();
    assert_eq!(read_until(&mut upstream, "early").await, "too early");
}

#[tokio::test]
async fn s35_a_refused_upgrade_leaves_ordinary_connections() {
    let (url, connections) = http_upstream(|request| {
        let asked = request.headers().contains_key("upgrade");
        Response::new(Full::from(if asked { "refused" } else { "page" }))
    })
    .await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    for _ in 0..2 {
        let (head, body) = exchange(&mut client, CHAT).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(body, "refused");
        assert_eq!(exchange(&mut client, GET).await.1, "page");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert!(front.reports.lock().unwrap().is_empty());
    assert_eq!(front.sessions.tied(), 0);
}

#[tokio::test]
async fn s35_a_tunnelled_connection_never_returns_to_a_pool() {
    let (url, mut upstream) = chat().await;
    let front = front(&url).await;
    let address = front.serve().await;
    let mut client = connect(address).await;
    client.write_all(CHAT.as_bytes()).await.unwrap();
    let (_, mut first) = soon(upstream.recv()).await.unwrap();
    first.write_all(SWITCH).await.unwrap();
    read_head(&mut client).await;
    assert_eq!(front.pool.stats()[0].1, PoolStats::default());
    drop((client, first));
    front.report().await;
    assert_eq!(front.pool.stats()[0].1, PoolStats::default());
    let mut other = connect(address).await;
    other.write_all(GET.as_bytes()).await.unwrap();
    let (head, mut second) = soon(upstream.recv()).await.unwrap();
    assert!(
        head.starts_with("GET / "),
        "on a connection of its own: {head}"
    );
    second
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        .await
        .unwrap();
    assert_eq!(read_response(&mut other).await.1, "ok");
}

#[tokio::test]
async fn s35_a_101_that_was_not_asked_for_is_no_tunnel() {
    let other =
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n";
    let bare = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    let websocket_of_body = "GET / HTTP/1.1\r\nhost: app\r\nconnection: upgrade\r\n\
                             upgrade: chat\r\ncontent-length: 1\r\n\r\nx";
    let h2c = "GET / HTTP/1.1\r\nhost: app\r\nconnection: upgrade, http2-settings\r\n\
               upgrade: h2c\r\nhttp2-settings: \r\n\r\n";
    let unnamed = "GET / HTTP/1.1\r\nhost: app\r\nupgrade: chat\r\n\r\n";
    for (request, asks, answer) in [
        (CHAT, true, &other[..]),
        (CHAT, true, &bare[..]),
        (GET, false, SWITCH),
        (websocket_of_body, false, SWITCH),
        (h2c, false, SWITCH),
        (unnamed, false, SWITCH),
    ] {
        let (url, mut upstream) = chat().await;
        let front = front(&url).await;
        let mut client = connect(front.serve().await).await;
        client.write_all(request.as_bytes()).await.unwrap();
        let (head, mut upstream) = soon(upstream.recv()).await.unwrap();
        assert_eq!(
            head.to_ascii_lowercase().contains("upgrade"),
            asks,
            "{head}"
        );
        upstream.write_all(answer).await.unwrap();
        let (head, _) = read_response(&mut client).await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{request}{head}");
        let _ = soon(upstream.read_to_end(&mut Vec::new())).await;
        assert_eq!(front.pool.stats()[0].1, PoolStats::default());
    }
}

//! WebSockets while they are open, and when their session ends.

use std::time::Duration;

use gatepass::domain::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::upgrade::WEBSOCKET;
use crate::kit::{Browser, House, LOCAL, PORTS, Socket, Wire, eventually, house, soon, upstream};

/// A house whose upstream reads Qlik's headers, with lines of its space's sessions.
async fn qlik(session: &str) -> House {
    let local = LOCAL.replace("\"x-forwarded\"", "\"qlik\"");
    House::with(&format!("{PORTS}{local}[space.session]\n{session}\n")).await
}

async fn signed_in(house: &House) -> Browser {
    let mut browser = house.browser();
    let page = browser.log_in("/", "alice", "demo-password").await;
    page.says(200, "GET /");
    browser
}

/// The notification that comes first, then the close: the method and the code.
async fn farewell(socket: &mut Socket) -> (String, u16) {
    let notice = socket.next().await.expect("a notice");
    let notice: Value = serde_json::from_str(&notice.into_text().unwrap()).unwrap();
    assert_eq!(notice["jsonrpc"], "2.0");
    assert_eq!(notice["params"]["severity"], "fatal");
    let timestamp = notice["params"]["timestamp"].as_str().unwrap();
    assert!(
        timestamp.ends_with('Z') && timestamp.len() == 24,
        "{notice}"
    );
    assert!(notice["params"]["message"].is_string());
    assert_eq!(notice.as_object().unwrap().len(), 3, "{notice}");
    let method = notice["method"].as_str().unwrap().to_owned();
    match socket.next().await {
        Some(Message::Close(Some(close))) => (method, close.code.into()),
        other => panic!("no close but {other:?}"),
    }
}

#[tokio::test]
async fn s17_a_client_of_the_qlik_profile_is_told_why_before_the_close() {
    let house = qlik("max_per_user = 1").await;
    for (way, method) in [
        ("terminated", "OnSessionClosed"),
        ("logged out", "OnSessionLoggedOut"),
        ("replaced", "OnSessionClosed"),
        ("displaced", "OnMaxParallelSessionsExceeded"),
    ] {
        let mut browser = signed_in(&house).await;
        let mut socket = browser.socket("/ws").await;
        socket.echo("hello").await;
        let admin = house.admin();
        match way {
            "terminated" => drop(admin.end("1001", &admin.session("1001").await).await),
            "logged out" => drop(browser.submit("/.gatepass/logout", &[]).await),
            "replaced" => {
                let fields = [
                    ("return", "/"),
                    ("username", "alice"),
                    ("password", "demo-password"),
                ];
                drop(browser.submit("/.gatepass/login", &fields).await);
            }
            _ => drop(signed_in(&house).await),
        }
        let told = farewell(&mut socket).await;
        assert_eq!(told, (method.to_owned(), 1008), "{way}");
    }
}

#[tokio::test]
async fn s17_a_client_is_told_that_its_time_is_up() {
    for limit in ["idle_timeout = \"1s\"", "absolute_timeout = \"1s\""] {
        let house = qlik(limit).await;
        let mut browser = signed_in(&house).await;
        let mut socket = browser.socket("/ws").await;
        // Longer than the limit; the next to look finds that the session is over.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert_ne!(browser.get("/").await.status, 200);
        let told = farewell(&mut socket).await;
        assert_eq!(told, ("OnSessionTimedOut".to_owned(), 1008), "{limit}");
    }
}

#[tokio::test]
async fn s19_what_comes_over_a_socket_too_late_ends_the_session() {
    let house = qlik("idle_timeout = \"1s\"").await;
    let mut socket = signed_in(&house).await.socket("/ws").await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // The echo, if it comes at all, comes before the end.
    socket.send(Message::text("too late")).await;
    let close = soon(async {
        loop {
            match socket.next().await {
                Some(Message::Text(_)) => {}
                other => return other,
            }
        }
    });
    match close.await {
        Some(Message::Close(Some(close))) => assert_eq!(u16::from(close.code), 1008),
        other => panic!("no close but {other:?}"),
    }
    assert!(house.admin().sessions("1001").await.is_empty());
}

#[tokio::test]
async fn s17_an_end_reaches_sockets_of_every_worker() {
    let ports = PORTS.replace("workers = 1", "workers = 3");
    let local = LOCAL.replace("\"x-forwarded\"", "\"qlik\"");
    let house = House::with(&format!("{ports}{local}")).await;
    let browser = signed_in(&house).await;
    let mut sockets = Vec::new();
    for _ in 0..12 {
        sockets.push(browser.socket("/ws").await);
    }
    let admin = house.admin();
    admin.end("1001", &admin.session("1001").await).await;
    let ended = SystemClock::new().wall();
    for socket in &mut sockets {
        assert_eq!(farewell(socket).await.0, "OnSessionClosed");
    }
    // For those who look; a busy machine is no failure.
    let after = SystemClock::new().wall().since(ended);
    println!("12 WebSockets were told and closed {after:?} after the answer to the administrator");
}

#[tokio::test]
async fn without_the_qlik_profile_there_is_a_close_and_no_notice() {
    let house = House::local().await;
    let mut socket = signed_in(&house).await.socket("/ws").await;
    let admin = house.admin();
    admin.end("1001", &admin.session("1001").await).await;
    match socket.next().await {
        Some(Message::Close(Some(close))) => assert_eq!(u16::from(close.code), 1008),
        other => panic!("no close but {other:?}"),
    }
}

/// A house before an upstream whose WebSockets the test writes itself, and where those come.
async fn by_hand(more: &str) -> (House, mpsc::UnboundedReceiver<TcpStream>) {
    let (tell, told) = mpsc::unbounded_channel();
    let address = upstream::raw(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            tell.send(stream).unwrap();
        }
    })
    .await;
    let config = format!("{PORTS}{}{more}", house::header_space())
        .replace("\"x-forwarded\"", "\"qlik\"")
        .replace("UPSTREAM", &format!("http://{address}"));
    (House::with(&config).await, told)
}

/// A WebSocket of `ann`, as bytes.
async fn socket_by_hand(house: &House) -> Wire {
    let mut wire = house.wire().await;
    wire.send(format!(
        "GET /ws HTTP/1.1\r\nHost: sales\r\nhdr-usr: ann\r\n{WEBSOCKET}\r\n"
    ))
    .await;
    assert_eq!(wire.head().await.unwrap().0, 101);
    wire
}

#[tokio::test]
async fn s17_what_is_under_way_is_never_broken_into() {
    let close = b"\x88\x0f\x03\xf0session ended";
    for (under_way, last) in [
        // A message of several frames, of which no more come.
        (&b"\x01\x03abc"[..], &close[..]),
        // A frame of 256 megabytes.
        (b"\x82\x7f\0\0\0\0\x10\0\0\0abc", b""),
    ] {
        let (house, mut sockets) = by_hand("").await;
        let mut wire = socket_by_hand(&house).await;
        let mut upstream = soon(sockets.recv()).await.unwrap();
        upstream.write_all(under_way).await.unwrap();
        assert_eq!(wire.exactly(under_way.len()).await.unwrap(), under_way);
        let admin = house.admin();
        admin.end("1001", &admin.session("1001").await).await;
        let mut rest = Vec::new();
        let _ = soon(wire.stream.read_to_end(&mut rest)).await;
        assert_eq!(rest, last);
    }
}

/// Waits until a touch from now on would show in `lastActive`, which has milliseconds.
async fn tick_over(before: &Value) {
    let before = before.as_str().unwrap().to_owned();
    eventually(async || (now().to_string() > before).then_some(())).await;
}

fn now() -> Timestamp {
    SystemClock::new().wall()
}

async fn last_active(house: &House) -> Value {
    house.admin().session("1001").await["lastActive"].clone()
}

async fn is_active_since(house: &House, before: &Value) {
    eventually(async || (last_active(house).await != *before).then_some(())).await;
}

async fn activity(rule: &str) -> House {
    House::header(&format!("[space.websocket]\nactivity = \"{rule}\"\n")).await
}

async fn open(house: &House) -> Socket {
    let socket = Socket::open(house.edge(), "/ws", &[("hdr-usr", "ann")]).await;
    socket.unwrap()
}

/// A ping to the upstream and back: what the gateway makes of it, it has made of it by then.
async fn ping(socket: &mut Socket) {
    socket.send(Message::Ping("payload".into())).await;
    let pong = socket.next().await.unwrap();
    assert_eq!(pong, Message::Pong("payload".into()));
}

#[tokio::test]
async fn pings_keep_a_session_alive_only_where_they_are_to() {
    let house = activity("any").await;
    let mut socket = open(&house).await;
    let before = last_active(&house).await;
    tick_over(&before).await;
    ping(&mut socket).await;
    is_active_since(&house, &before).await;

    let house = activity("client-data").await;
    let mut socket = open(&house).await;
    let before = last_active(&house).await;
    tick_over(&before).await;
    ping(&mut socket).await;
    assert_eq!(last_active(&house).await, before);
    socket.echo("data").await;
    is_active_since(&house, &before).await;
}

#[tokio::test]
async fn where_sockets_do_not_count_only_requests_keep_a_session_alive() {
    let house = activity("none").await;
    let mut socket = open(&house).await;
    let before = last_active(&house).await;
    tick_over(&before).await;
    ping(&mut socket).await;
    socket.echo("data").await;
    assert_eq!(last_active(&house).await, before);
    house.script_of("ann").get("/x").await.says(200, "GET /x");
    is_active_since(&house, &before).await;
}

#[tokio::test]
async fn data_of_the_upstream_keeps_a_session_alive_where_anything_does() {
    for (rule, counts) in [("any", true), ("client-data", false)] {
        let more = format!("[space.websocket]\nactivity = \"{rule}\"\n");
        let (house, mut sockets) = by_hand(&more).await;
        let mut wire = socket_by_hand(&house).await;
        let mut upstream = soon(sockets.recv()).await.unwrap();
        let before = last_active(&house).await;
        tick_over(&before).await;
        upstream.write_all(b"\x81\x04news").await.unwrap();
        assert_eq!(wire.exactly(6).await.unwrap(), b"\x81\x04news");
        // What follows the data shows that the gateway is done with it.
        upstream.write_all(b"\x89\x00").await.unwrap();
        assert_eq!(wire.exactly(2).await.unwrap(), b"\x89\x00");
        if counts {
            is_active_since(&house, &before).await;
        } else {
            assert_eq!(last_active(&house).await, before);
        }
    }
}

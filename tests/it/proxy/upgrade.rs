//! S17 and S35: connections that become something else.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::kit::{House, PORTS, Socket, Upstream, Wire, eventually, house, soon, upstream};

async fn house() -> House {
    House::header("").await
}

fn ask(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: sales\r\nhdr-usr: ann\r\n{fields}\r\n")
}

pub(super) const WEBSOCKET: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_websocket_goes_through_and_keeps_the_session_active() {
    let house = house().await;
    let mut socket = Socket::open(house.edge(), "/ws?x=1", &[("hdr-usr", "ann")])
        .await
        .unwrap();
    socket.echo("hello").await;
    socket.echo(&"long ".repeat(20_000)).await;
    let seen = house.upstream.last();
    assert_eq!(seen.target, "/ws?x=1");
    assert_eq!(seen.header("x-forwarded-user"), Some("ann"));
    assert_eq!(seen.header("upgrade"), Some("websocket"));
    let before = house.admin().session("1001").await["lastActive"].clone();
    soon(async {
        while house.admin().session("1001").await["lastActive"] == before {
            socket.echo("beat").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_websocket_needs_a_session() {
    let house = house().await;
    assert_eq!(
        Socket::open(house.edge(), "/ws", &[]).await.err(),
        Some(401)
    );
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn s17_every_way_to_end_a_session_closes_its_websocket() {
    let house = House::with(&format!(
        "{PORTS}{}{}",
        crate::kit::LOCAL,
        "[space.session]\nmax_per_user = 1\n"
    ))
    .await;
    for way in ["terminated", "user", "logged_out", "displaced"] {
        let mut browser = house.browser();
        browser
            .log_in("/", "alice", "demo-password")
            .await
            .says(200, "GET /");
        let mut socket = browser.socket("/ws").await;
        socket.echo("hello").await;
        let admin = house.admin();
        match way {
            "terminated" => drop(admin.end("1001", &admin.session("1001").await).await),
            "user" => {
                let path = "/api/v1/spaces/1001/users/DEMO/alice/sessions";
                assert_eq!(
                    admin.delete(path).await.json(200)["sessions"]
                        .as_array()
                        .unwrap()
                        .len(),
                    1
                );
            }
            "logged_out" => drop(
                browser
                    .submit("/.gatepass/logout", &[])
                    .await
                    .says(200, "logged out"),
            ),
            _ => drop(
                house
                    .browser()
                    .log_in("/", "alice", "demo-password")
                    .await
                    .says(200, "GET /"),
            ),
        }
        assert_eq!(socket.close_code().await, 1008, "{way}");
    }
    let upstream = &house.upstream;
    eventually(async || (upstream.open_streams() == 0).then_some(())).await;
}

#[tokio::test]
async fn s17_an_end_cuts_what_is_still_coming() {
    let house = house().await;
    let mut wires = Vec::new();
    for path in ["/events", "/halves"] {
        let mut wire = house.wire().await;
        wire.send(ask(path, "")).await;
        assert_eq!(wire.head().await.unwrap().0, 200);
        wire.chunk().await.unwrap();
        wires.push(wire);
    }
    let admin = house.admin();
    for session in admin.sessions("1001").await {
        admin.end("1001", &session).await;
    }
    for mut wire in wires {
        // Cut, and not ended: nobody takes it for the whole.
        soon(async { while let Ok(Some(_)) = wire.try_chunk().await {} }).await;
        assert!(wire.is_closed().await);
    }
}

#[tokio::test]
async fn s35_early_bytes_wait_for_the_101() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let address = upstream::raw(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            // Long enough for the early bytes to have come, were they let through.
            let early = tokio::time::timeout(std::time::Duration::from_millis(300), stream.read_u8());
            tell.send(early.await.is_ok()).unwrap();
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await.unwrap();
            let mut after = [0; 5];
            stream.read_exact(&mut after).await.unwrap();
            stream.write_all(&after).await.unwrap();
            stream.flush().await.unwrap();
            let _ = stream.read(&mut [0; 1]).await;
        }
    })
    .await;
    let config = format!("{PORTS}{}", house::header_space())
        .replace("UPSTREAM", &format!("http://{address}"));
    let house = House::with(&config).await;
    let mut wire = house.wire().await;
    wire.send(format!("{}early", ask("/ws", WEBSOCKET))).await;
    assert!(
        !soon(told.recv()).await.unwrap(),
        "bytes came before the 101"
    );
    let (status, headers) = wire.head().await.unwrap();
    assert_eq!(status, 101);
    assert_eq!(headers["upgrade"], "websocket");
    assert_eq!(wire.exactly(5).await.unwrap(), b"early");
}

#[tokio::test]
async fn s35_a_refused_upgrade_leaves_an_ordinary_connection() {
    let house = house().await;
    let mut wire = house.wire().await;
    // What follows is a request of its own, checked like any other.
    wire.send(format!(
        "{}{}",
        ask("/ws-refused", WEBSOCKET),
        ask("/next", "")
    ))
    .await;
    wire.response().await.says(403, "no sockets here");
    wire.response().await.says(200, "GET /next");
    wire.send(format!(
        "{}GET /smuggled\r\n\r\n",
        ask("/ws-refused", WEBSOCKET)
    ))
    .await;
    wire.response().await.says(403, "no sockets here");
    assert_eq!(wire.response().await.status, 400);
    assert!(wire.is_closed().await);
    assert_eq!(
        house.upstream.targets(),
        ["/ws-refused", "/next", "/ws-refused"]
    );
}

#[tokio::test]
async fn s35_a_tunnel_never_returns_to_a_pool() {
    let house = house().await;
    for _ in 0..2 {
        let mut socket = Socket::open(house.edge(), "/ws", &[("hdr-usr", "ann")])
            .await
            .unwrap();
        socket.echo("hello").await;
        drop(socket);
        eventually(async || (house.upstream.open_streams() == 0).then_some(())).await;
    }
    house.script_of("ann").get("/x").await.says(200, "GET /x");
    let seen = house.upstream.seen();
    assert_eq!(
        upstream::distinct(seen.iter().map(|seen| seen.connection)),
        3,
        "{seen:?}"
    );
}

#[tokio::test]
async fn s35_what_is_no_upgrade_is_not_forwarded_as_one() {
    let house = house().await;
    for (fields, version) in [
        (
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            "1.1",
        ),
        ("Upgrade: websocket\r\n", "1.1"),
        ("Connection: upgrade\r\n", "1.1"),
        (WEBSOCKET, "1.0"),
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n",
            "1.1",
        ),
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
            "1.1",
        ),
    ] {
        let mut wire = house.wire().await;
        let head = ask("/plain", fields).replace("1.1", version);
        wire.send(format!(
            "{head}{}",
            if fields.contains("Length") { "xy" } else { "" }
        ))
        .await;
        wire.response().await.says(200, "GET /plain");
        let seen = house.upstream.last();
        assert_eq!(seen.header("upgrade"), None, "{fields}");
        assert_eq!(seen.header("http2-settings"), None, "{fields}");
        assert!(
            seen.header("connection")
                .is_none_or(|c| !c.contains("pgrade")),
            "{fields}"
        );
    }
}

#[tokio::test]
async fn s35_a_101_that_nobody_asked_for_is_a_502() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let address = upstream::raw(move |mut stream| async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.read(&mut [0; 1]).await;
        })
        .await;
        let config = format!("{PORTS}{}", house::header_space())
            .replace("UPSTREAM", &format!("http://{address}"));
        let house = House::before(Upstream::start().await, &config).await;
        for fields in ["", WEBSOCKET] {
            let mut wire = Wire::connect(house.edge()).await;
            let answer = wire.ask(&ask("/x", fields)).await;
            assert_eq!(answer.status, 502, "{fields:?}");
            assert_eq!(answer.headers.get_all("upgrade").iter().count(), 0);
        }
    }
}

//! What a client is told when the application fails, and how soon.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::kit::{House, PORTS, eventually, house, upstream};

async fn house(more: &str) -> House {
    House::header(more).await
}

#[tokio::test]
async fn an_application_that_is_not_there_is_a_502() {
    let nobody = format!("http://{}", upstream::nobody().await);
    let config = format!("{PORTS}{}", house::header_space()).replace("UPSTREAM", &nobody);
    let house = House::with(&config).await;
    let script = house.script_of("ann");
    let page = script.clone().with("accept", "text/html").get("/x").await;
    page.says(502, "The application cannot be reached.");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    let problem = script.with("accept", "application/json").get("/x").await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    let problem = problem.json(502);
    assert_eq!(problem["status"], 502);
    assert_eq!(problem["title"], "Bad Gateway");
    // Nobody learns where it would be.
    assert!(!problem.to_string().contains(&nobody[7..]) && !page.text().contains(&nobody[7..]));
    let metrics = house.admin().get("/metrics").await;
    metrics.says(200, "gatepass");
}

#[tokio::test]
async fn an_application_that_breaks_off_is_a_502() {
    let house = house("").await;
    let script = house.script_of("ann");
    script.get("/break").await.says(502, "broke off");
    // A method that may have done something is not tried again.
    let before = house.upstream.seen().len();
    script
        .send("POST", "/break", "x")
        .await
        .says(502, "broke off");
    assert_eq!(house.upstream.seen().len(), before + 1);
    // What has begun is cut, so that nobody takes the half for the whole.
    let mut wire = house.wire().await;
    wire.send(script.head("GET", "/half-break", 0)).await;
    assert_eq!(wire.head().await.unwrap().0, 200);
    assert_eq!(wire.chunk().await.unwrap(), b"half");
    assert_eq!(wire.try_chunk().await, Err(()));
    script.get("/fine").await.says(200, "GET /fine");
}

#[tokio::test]
async fn an_application_that_speaks_no_http_is_a_502() {
    for answer in [
        "SSH-2.0-OpenSSH_9.7\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "",
    ] {
        let address = upstream::raw(move |mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        })
        .await;
        let config = format!("{PORTS}{}", house::header_space())
            .replace("UPSTREAM", &format!("http://{address}"));
        let house = House::with(&config).await;
        let answered = house.script_of("ann").get("/x").await;
        assert_eq!(answered.status, 502, "{answer:?}");
    }
}

#[tokio::test]
async fn an_application_that_speaks_http_1_0_is_answered_for_with_http_1_1() {
    let address = upstream::raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream
            .write_all(b"HTTP/1.0 200 OK\r\nServer: SimpleHTTP\r\n\r\nold")
            .await;
        let _ = stream.shutdown().await;
    })
    .await;
    let config = format!("{PORTS}{}", house::header_space())
        .replace("UPSTREAM", &format!("http://{address}"));
    let house = House::with(&config).await;
    let mut wire = house.wire().await;
    for _ in 0..2 {
        wire.send(house.script_of("ann").head("GET", "/x", 0)).await;
        // A chunked body, and a connection that stays open: what HTTP/1.1 has.
        assert_eq!(wire.head().await.unwrap().0, 200);
        assert_eq!(wire.chunk().await.unwrap(), b"old");
        assert_eq!(wire.chunk().await, None);
        assert_eq!(wire.line().await.unwrap(), "");
    }
}

#[tokio::test]
async fn an_application_that_hangs_is_a_504() {
    let house = house("[space.timeouts]\nresponse_head = \"300ms\"\n").await;
    let answer = house
        .script_of("ann")
        .with("accept", "text/html")
        .get("/hang")
        .await;
    answer.says(504, "does not answer in time");
    house
        .script_of("ann")
        .send("POST", "/hang", "x")
        .await
        .says(504, "in time");
    house
        .script_of("ann")
        .get("/fine")
        .await
        .says(200, "GET /fine");
}

#[tokio::test]
async fn a_host_that_swallows_connections_is_a_504() {
    // A backlog that is full: nobody accepts, and the kernel answers no more.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut fillers = Vec::new();
    for _ in 0..8 {
        fillers.push(tokio::spawn(tokio::net::TcpStream::connect(address)));
    }
    let full = async || {
        let one_more = tokio::net::TcpStream::connect(address);
        tokio::time::timeout(Duration::from_millis(200), one_more)
            .await
            .is_err()
            .then_some(())
    };
    eventually(full).await;
    let config = format!(
        "{PORTS}{}[space.timeouts]\nconnect = \"300ms\"\n",
        house::header_space()
    )
    .replace("UPSTREAM", &format!("http://{address}"));
    let house = House::with(&config).await;
    house
        .script_of("ann")
        .get("/x")
        .await
        .says(504, "does not answer in time");
}

#[tokio::test]
async fn a_busy_application_is_a_503_for_those_who_wait_too_long() {
    let house =
        house("[space.timeouts]\npool_wait = \"200ms\"\n[space.pool]\nmax_connections = 1\n").await;
    let script = house.script_of("ann");
    let mut first = house.wire().await;
    first.send(script.head("GET", "/halves", 0)).await;
    assert_eq!(first.head().await.unwrap().0, 200);
    let answer = script.get("/x").await;
    answer.says(503, "busy");
    assert_eq!(answer.header("retry-after"), "1");
    // Once the first is through, there is room again.
    house.upstream.go_on();
    while first.chunk().await.is_some() {}
    eventually(async || Some(script.get("/y").await).filter(|answer| answer.status == 200)).await;
    assert_eq!(house.upstream.connections(), 1);
}

#[tokio::test]
async fn a_response_that_stalls_is_cut() {
    let house = house("[space.timeouts]\nbody_idle = \"300ms\"\n").await;
    let mut wire = house.wire().await;
    wire.send(house.script_of("ann").head("GET", "/halves", 0))
        .await;
    assert_eq!(wire.head().await.unwrap().0, 200);
    assert_eq!(wire.chunk().await.unwrap(), b"first ");
    assert_eq!(wire.try_chunk().await, Err(()));
}

#[tokio::test]
async fn an_upgraded_connection_on_which_nothing_moves_is_closed() {
    let house = house("[space.timeouts]\ntunnel_idle = \"300ms\"\n").await;
    let mut socket = crate::kit::Socket::open(house.edge(), "/ws", &[("hdr-usr", "ann")])
        .await
        .unwrap();
    socket.echo("hello").await;
    let code = socket.close_code().await;
    assert!((1000..1015).contains(&code), "{code}");
}

#[tokio::test]
async fn an_application_that_takes_no_more_of_a_request_is_given_up_on() {
    let address = upstream::raw(|stream| async move {
        // It reads nothing, and does not close either.
        let _ = stream.readable().await;
        std::future::pending().await
    })
    .await;
    let config = format!(
        "{PORTS}{}[space.timeouts]\nrequest_idle = \"300ms\"\n",
        house::header_space()
    )
    .replace("UPSTREAM", &format!("http://{address}"));
    let house = House::with(&config).await;
    let mut wire = house.wire().await;
    let script = house.script_of("ann");
    wire.send(script.head("POST", "/x", 64 << 20)).await;
    // More than all the buffers between take.
    let (mut reader, mut writer) = wire.stream.split();
    let piece = vec![b'x'; 1 << 20];
    let send = async {
        for _ in 0..64 {
            if writer.write_all(&piece).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await
    };
    let mut answer = vec![0; 12];
    let answered = tokio::select! {
        () = send => unreachable!(),
        read = crate::kit::soon(reader.read_exact(&mut answer)) => read,
    };
    answered.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 504");
}

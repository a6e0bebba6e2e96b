//! The side port over a socket, by a client that knows nothing of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Side;
use crate::admin::AdminServer;

struct Served {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

async fn serve(side: &Side, settings: impl FnOnce(AdminServer) -> AdminServer) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = settings(AdminServer::new(listener, side.router.clone()));
    let address = server.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(server.run(shutdown.clone()));
    Served {
        address,
        shutdown,
        task,
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(address: SocketAddr, path: &str, bearer: &str) -> Request<Full<Bytes>> {
    Request::get(path)
        .header("host", address.to_string())
        .header("authorization", format!("Bearer {bearer}"))
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn it_is_served_with_keep_alive_until_it_is_shut_down() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let served = serve(&side, |server| server).await;
    let mut client = connect(served.address).await;
    for _ in 0..2 {
        let call = get(
            served.address,
            "/api/v1/spaces/1001/sessions",
            &side.bearers.site,
        );
        let response = client.send_request(call).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["sessions"][0]["sessionId"], session.id().to_string());
    }
    // The peer's address is what wrong keys are charged to.
    for _ in 0..10 {
        let call = get(served.address, "/metrics", "site.wrong");
        assert_eq!(client.send_request(call).await.unwrap().status(), 401);
        client.ready().await.unwrap();
    }
    let call = get(served.address, "/metrics", "site.wrong");
    assert_eq!(client.send_request(call).await.unwrap().status(), 429);
    side.get("/metrics", "site.wrong")
        .await
        .problem(401, "unauthenticated");

    served.shutdown.cancel();
    served.task.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_request_under_way_is_finished_after_the_shutdown() {
    let side = Side::new();
    let served = serve(&side, |server| server).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let body = r#"{"sessionIds":[]}"#;
    let head = format!(
        "POST /api/v1/spaces/1001/sessions/end HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        side.bearers.site,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The interim answer says that the handler is waiting for the body.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    served.shutdown.cancel();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    served.task.await.unwrap();
}

#[tokio::test]
async fn s37_slow_heads_idle_connections_and_too_many_headers_are_cut_off() {
    let side = Side::new();
    let quick = Duration::from_millis(100);
    let served = serve(&side, |server| server.head_timeout(quick)).await;
    for begun in [
        "",
        "GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer))
            .await
            .expect("it is closed")
            .unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    let many: String = (0..65).map(|n| format!("x-{n}: 1\r\n")).collect();
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let head = format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    served.shutdown.cancel();
    served.task.await.unwrap();
}

#[tokio::test]
async fn s37_connections_are_bounded_and_stuck_ones_are_cut_after_the_drain() {
    let side = Side::new();
    let brief = Duration::from_millis(50);
    let settings = |server: AdminServer| server.connections(1).drain_timeout(brief);
    let served = serve(&side, settings).await;
    let mut first = connect(served.address).await;
    let live = || get(served.address, "/health/live", "x.x");
    assert_eq!(first.send_request(live()).await.unwrap().status(), 200);
    let mut second = connect(served.address).await;
    let waiting = tokio::time::timeout(brief, second.send_request(live())).await;
    assert!(waiting.is_err(), "a second connection is not served");
    drop(first);
    let mut third = connect(served.address).await;
    let answer = tokio::time::timeout(Duration::from_secs(10), third.send_request(live()));
    drop(second);
    assert_eq!(answer.await.expect("a slot is free").unwrap().status(), 200);
    drop(third);

    // A body that never comes does not hold up the shutdown.
    let mut stuck = TcpStream::connect(served.address).await.unwrap();
    let head = format!(
        "POST /api/v1/spaces/1001/sessions/end HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: 9\r\nexpect: 100-continue\r\n\r\n",
        side.bearers.site
    );
    stuck.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stuck.read_exact(&mut interim).await.unwrap();
    served.shutdown.cancel();
    let done = tokio::time::timeout(Duration::from_secs(10), served.task);
    done.await.expect("it ends").unwrap();
}

#[tokio::test]
async fn a_target_comes_as_it_was_typed_and_may_be_long() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let served = serve(&side, |server| server).await;
    let id = session.id();
    let long: String = (0..3_000).map(|n| format!("id='{n:012}'||")).collect();
    for query in [
        format!("\"(id='{id}';start_time>'2000-01-01T00:00Z')\""),
        format!("%22(id='{id}'||id={{null}})%22\"\"&=&x=y;z"),
        format!("\"{long}id='{id}'\""),
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let head = format!(
            "GET /api/shared_spaces/1001/sessions?fields=id&query={query} HTTP/1.1\r\n\
             host: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            side.bearers.sales
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{query}: {answer}");
        assert!(answer.contains(&id.to_string()), "{query}: {answer}");
    }
    served.shutdown.cancel();
    served.task.await.unwrap();
}

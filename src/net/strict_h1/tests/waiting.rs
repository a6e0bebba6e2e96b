//! How long hyper behind the guard waits for its client.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::net::Timeouts;
use crate::net::strict_h1::{Limits, StrictHttp1};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    idle: Duration::from_secs(60),
    body: Duration::from_secs(30),
    write: Duration::from_secs(40),
};

/// A server that answers after so many seconds; gives the client's end, and when it closed.
fn serve(seconds: u64, answer: usize) -> (DuplexStream, JoinHandle<(u64, bool)>) {
    let (server, client) = duplex(4096);
    let guard = StrictHttp1::new(server, Limits::default(), TIMEOUTS);
    let mut builder = http1::Builder::new();
    guard.configure(&mut builder);
    let service = service_fn(move |request: Request<Incoming>| async move {
        let whole = request.into_body().collect().await.is_ok();
        sleep(Duration::from_secs(seconds)).await;
        let answer = if whole {
            Bytes::from(vec![b'x'; answer])
        } else {
            Bytes::new()
        };
        Ok::<_, Infallible>(Response::new(Full::new(answer)))
    });
    let serving = tokio::spawn(async move {
        let start = Instant::now();
        let result = builder.serve_connection(TokioIo::new(guard), service).await;
        (start.elapsed().as_secs(), result.is_ok())
    });
    (client, serving)
}

async fn exchange(client: &mut DuplexStream) {
    client.write_all(REQUEST).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\nx") {
        assert_ne!(client.read_buf(&mut response).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn s37_a_first_head_must_come_soon() {
    for start in [&b""[..], b"G", b"GET / HTTP/1.1\r\nHo"] {
        let (mut client, serving) = serve(0, 1);
        sleep(Duration::from_secs(5)).await;
        client.write_all(start).await.unwrap();
        assert_eq!(serving.await.unwrap(), (10, false), "{start:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s37_a_head_that_trickles_is_cut() {
    let (mut client, serving) = serve(0, 1);
    exchange(&mut client).await;
    sleep(Duration::from_secs(30)).await;
    for byte in REQUEST {
        if client.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(serving.await.unwrap(), (40, false));
}

#[tokio::test(start_paused = true)]
async fn s37_an_idle_connection_is_closed() {
    let (mut client, serving) = serve(0, 1);
    for _ in 0..4 {
        exchange(&mut client).await;
        sleep(Duration::from_secs(50)).await;
    }
    exchange(&mut client).await;
    assert_eq!(serving.await.unwrap(), (260, false));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_no_idle_connection() {
    let (mut client, serving) = serve(500, 1);
    exchange(&mut client).await;
    exchange(&mut client).await;
    assert_eq!(serving.await.unwrap(), (1060, false));
}

#[tokio::test(start_paused = true)]
async fn s37_a_body_that_stalls_is_cut() {
    let (mut client, serving) = serve(0, 1);
    let head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
    client.write_all(head).await.unwrap();
    for _ in 0..5 {
        sleep(Duration::from_secs(20)).await;
        client.write_all(b"x").await.unwrap();
    }
    // 100 seconds of slow progress, 30 of none, and one of waiting for the client's end.
    assert_eq!(serving.await.unwrap().0, 131);
}

#[tokio::test(start_paused = true)]
async fn s37_a_client_that_reads_nothing_is_cut() {
    let (mut client, serving) = serve(0, 100_000);
    client.write_all(REQUEST).await.unwrap();
    for _ in 0..3 {
        sleep(Duration::from_secs(30)).await;
        client.read_exact(&mut [0; 100]).await.unwrap();
    }
    assert_eq!(serving.await.unwrap(), (130, false));
}

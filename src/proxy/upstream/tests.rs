//! Against real servers on loopback.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Lease, Pool, PoolStats, Progress, Upstream, UpstreamAddresses, UpstreamBody, UpstreamError,
    UpstreamSettings,
};
use crate::proxy::deadline::Deadlines;
use crate::proxy::front::{TICK, http_upstream, listen, raw_upstream, read_head, soon};

/// A body that is known at once.
struct Known(Full<Bytes>);

impl UpstreamBody for Known {
    fn progress(&self) -> Option<Progress> {
        None
    }
}

impl Body for Known {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

fn request(method: Method, path: &str, body: &'static str) -> Request<Known> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "app")
        .body(Known(Full::from(body)))
        .unwrap()
}

fn get() -> Request<Known> {
    request(Method::GET, "/", "")
}

fn upstream(urls: &[&str], settings: UpstreamSettings) -> (Pool<Known>, Upstream<Known>) {
    let pool = Pool::new(Deadlines::with_tick(TICK));
    let addresses = UpstreamAddresses::parse(urls.iter().copied()).unwrap();
    let upstream = pool.upstream(&addresses, settings);
    (pool, upstream)
}

fn stats(pool: &Pool<Known>, url: &str) -> PoolStats {
    let address = url.parse().unwrap();
    let stats = pool.stats();
    stats.into_iter().find(|(a, _)| *a == address).unwrap().1
}

/// Sends, reads the body to its end and finishes the lease.
async fn whole(upstream: &Upstream<Known>, request: Request<Known>) -> (StatusCode, String, bool) {
    let (response, lease) = soon(upstream.send(request)).await.unwrap();
    let reused = lease.is_reused();
    let (status, body) = (response.status(), response.into_body());
    let body = soon(body.collect()).await.unwrap().to_bytes();
    lease.finish();
    (status, String::from_utf8(body.to_vec()).unwrap(), reused)
}

async fn fails(upstream: &Upstream<Known>, request: Request<Known>) -> UpstreamError {
    soon(upstream.send(request))
        .await
        .map(|(r, _)| r)
        .unwrap_err()
}

async fn hello() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    http_upstream(|_| Response::new(Full::from("hello"))).await
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let (url, connections) = hello().await;
    let (pool, upstream) = upstream(&[&url], UpstreamSettings::default());
    for number in 0..20 {
        let (status, body, reused) = whole(&upstream, get()).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "hello"));
        assert_eq!(reused, number > 0);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(
        stats(&pool, &url),
        PoolStats {
            idle: 1,
            ..PoolStats::default()
        }
    );
}

#[tokio::test]
async fn an_upstream_made_anew_goes_on_with_the_same_connections() {
    let (url, connections) = hello().await;
    let (pool, first) = upstream(&[&url], UpstreamSettings::default());
    whole(&first, get()).await;
    drop(first);
    let addresses = UpstreamAddresses::parse([url.as_str()]).unwrap();
    let second = pool.upstream(&addresses, UpstreamSettings::default());
    assert!(whole(&second, get()).await.2);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_whose_body_was_not_read_is_not_used_again() {
    let (url, connections) = hello().await;
    let (pool, upstream) = upstream(&[&url], UpstreamSettings::default());
    let (response, lease) = soon(upstream.send(get())).await.unwrap();
    drop((lease, response));
    assert_eq!(stats(&pool, &url), PoolStats::default());
    assert!(!whole(&upstream, get()).await.2);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_upstream_that_closes_is_left_without_an_error() {
    let (url, connections) = raw_upstream(|_, mut stream| async move {
        read_head(&mut stream).await;
        let close = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
        stream.write_all(close).await.unwrap();
    })
    .await;
    let (_, upstream) = upstream(&[&url], UpstreamSettings::default());
    for _ in 0..3 {
        assert!(!whole(&upstream, get()).await.2);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

/// The connection dies while nothing looks at it: the pool thinks it alive, and hyper hands
/// the request back unwritten.
#[tokio::test]
async fn a_request_that_meets_a_dead_connection_is_sent_on_a_fresh_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (close, close_now) = std::sync::mpsc::channel::<()>();
    let (closed, is_closed) = std::sync::mpsc::channel::<()>();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let answer = |stream: &mut std::net::TcpStream| {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            stream.write_all(OK).unwrap();
            head
        };
        let (mut first, _) = listener.accept().unwrap();
        answer(&mut first);
        close_now.recv().unwrap();
        drop(first);
        closed.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        answer(&mut second)
    });
    let (pool, upstream) = upstream(&[&url], UpstreamSettings::default());
    whole(&upstream, get()).await;
    close.send(()).unwrap();
    // This holds the whole runtime, so that the driver's task cannot see the FIN.
    is_closed.recv().unwrap();
    // The runtime learns of it now; the request below is faster than the driver's task.
    tokio::task::yield_now().await;
    assert_eq!(stats(&pool, &url).idle, 1, "the pool still thinks it alive");
    let (status, _, reused) = whole(&upstream, request(Method::POST, "/again", "once")).await;
    assert_eq!((status, reused), (StatusCode::OK, false));
    let head = String::from_utf8(server.join().unwrap()).unwrap();
    assert!(head.starts_with("POST /again "), "{head}");
}

#[tokio::test]
async fn a_request_that_was_written_is_never_sent_again() {
    for method in [Method::POST, Method::GET] {
        let (url, connections) = raw_upstream(|_, mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            read_head(&mut stream).await;
        })
        .await;
        let (_, upstream) = upstream(&[&url], UpstreamSettings::default());
        whole(&upstream, get()).await;
        let error = fails(&upstream, request(method, "/pay", "")).await;
        assert!(matches!(error, UpstreamError::Protocol { .. }), "{error:?}");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over_and_then_left_alone() {
    let (listener, dead) = listen().await;
    drop(listener);
    let (alive, _) = hello().await;
    let settings = UpstreamSettings {
        back_off: Duration::from_secs(3600),
        ..UpstreamSettings::default()
    };
    let (pool, both) = upstream(&[&dead, &alive], settings);
    for _ in 0..8 {
        assert_eq!(whole(&both, get()).await.0, StatusCode::OK);
    }
    assert!(stats(&pool, &dead).out && !stats(&pool, &alive).out);
    // With nothing else it is tried all the same.
    let addresses = UpstreamAddresses::parse([dead.as_str()]).unwrap();
    let error = fails(&pool.upstream(&addresses, settings), get()).await;
    assert!(matches!(error, UpstreamError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn an_address_that_was_left_alone_is_tried_again() {
    let (listener, url) = listen().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = UpstreamSettings {
        back_off: Duration::ZERO,
        max_failures: 1,
        ..UpstreamSettings::default()
    };
    let (pool, upstream) = upstream(&[&url], settings);
    fails(&upstream, get()).await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        let _ = stream.read_u8().await;
    });
    assert_eq!(whole(&upstream, get()).await.0, StatusCode::OK);
    assert!(!stats(&pool, &url).out);
}

#[tokio::test]
async fn requests_go_where_the_fewest_are_and_in_turn() {
    let (a, _) = hello().await;
    let (b, _) = hello().await;
    let (pool, upstream) = upstream(&[&a, &b], UpstreamSettings::default());
    let mut held: Vec<(_, Lease<Known>)> = Vec::new();
    for _ in 0..6 {
        held.push(soon(upstream.send(get())).await.unwrap());
    }
    assert_eq!(
        (stats(&pool, &a).in_flight, stats(&pool, &b).in_flight),
        (3, 3)
    );
    held.retain(|(_, lease)| lease.address().to_string() == a);
    for _ in 0..3 {
        held.push(soon(upstream.send(get())).await.unwrap());
    }
    assert_eq!(
        (stats(&pool, &a).in_flight, stats(&pool, &b).in_flight),
        (3, 3)
    );
}

#[tokio::test]
async fn a_response_that_does_not_begin_times_out() {
    let (url, _) = raw_upstream(|_, mut stream| async move {
        read_head(&mut stream).await;
        // Until the client gives up and closes the connection.
        let _ = stream.read_u8().await;
    })
    .await;
    let head_timeout = Duration::from_millis(60);
    let (pool, upstream) = upstream(
        &[&url],
        UpstreamSettings {
            head_timeout,
            ..UpstreamSettings::default()
        },
    );
    let start = tokio::time::Instant::now();
    let error = fails(&upstream, get()).await;
    assert!(
        matches!(error, UpstreamError::HeadTimeout { .. }),
        "{error:?}"
    );
    assert!(start.elapsed() >= head_timeout);
    assert_eq!(stats(&pool, &url), PoolStats::default());
}

#[tokio::test]
async fn a_full_address_lets_requests_wait_for_a_while() {
    let (url, connections) = hello().await;
    let settings = UpstreamSettings {
        connections: 1,
        queue: 1,
        queue_timeout: Duration::from_millis(50),
        ..UpstreamSettings::default()
    };
    let (pool, upstream) = upstream(&[&url], settings);
    let (response, lease) = soon(upstream.send(get())).await.unwrap();
    let waiting = {
        let upstream = upstream.clone();
        tokio::spawn(async move { fails(&upstream, get()).await })
    };
    soon(async {
        while stats(&pool, &url).waiting == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let full = fails(&upstream, get()).await;
    assert!(
        matches!(full, UpstreamError::QueueFull { waiting: 1, .. }),
        "{full:?}"
    );
    let timed_out = soon(waiting).await.unwrap();
    assert!(
        matches!(timed_out, UpstreamError::QueueTimeout { .. }),
        "{timed_out:?}"
    );

    let patient = UpstreamSettings {
        queue_timeout: Duration::from_secs(60),
        ..settings
    };
    let addresses = UpstreamAddresses::parse([url.as_str()]).unwrap();
    let patient = pool.upstream(&addresses, patient);
    let waiting = tokio::spawn(async move { whole(&patient, get()).await });
    soon(async {
        while stats(&pool, &url).waiting == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon(response.into_body().collect()).await.unwrap();
    lease.finish();
    let (status, _, reused) = soon(waiting).await.unwrap();
    assert_eq!((status, reused), (StatusCode::OK, true));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(
        stats(&pool, &url),
        PoolStats {
            idle: 1,
            ..PoolStats::default()
        }
    );
}

#[tokio::test]
async fn idle_connections_are_closed_after_their_time() {
    let (gone, heard) = tokio::sync::oneshot::channel();
    let gone = std::sync::Mutex::new(Some(gone));
    let (url, _) = raw_upstream(move |number, mut stream| {
        let gone = (number == 0).then(|| gone.lock().unwrap().take().unwrap());
        async move {
            read_head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            let end = stream.read(&mut [0]).await;
            if let Some(gone) = gone {
                gone.send(end.unwrap()).unwrap();
            }
        }
    })
    .await;
    let settings = UpstreamSettings {
        idle_timeout: Duration::from_millis(20),
        ..UpstreamSettings::default()
    };
    let (pool, upstream) = upstream(&[&url], settings);
    whole(&upstream, get()).await;
    assert_eq!(stats(&pool, &url).idle, 1);
    assert_eq!(soon(heard).await.unwrap(), 0, "the upstream sees the end");
    assert_eq!(stats(&pool, &url).idle, 0);
    assert!(!whole(&upstream, get()).await.2);
}

#[tokio::test]
async fn s38_a_connection_bound_to_a_person_serves_one_exchange() {
    let (url, connections) = http_upstream(|request| {
        let mut response = Response::new(Full::from("x"));
        if request.uri().path() == "/challenge" {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let scheme = "Negotiate, Basic realm=\"x\"".parse().unwrap();
            response.headers_mut().insert("www-authenticate", scheme);
        }
        response
    })
    .await;
    let (pool, upstream) = upstream(&[&url], UpstreamSettings::default());
    let count = || connections.load(Ordering::SeqCst);
    whole(&upstream, get()).await;
    whole(&upstream, request(Method::GET, "/challenge", "")).await;
    assert_eq!((count(), stats(&pool, &url).idle), (1, 0));
    for scheme in ["NTLM TlRMTVNT", "negotiate YII="] {
        let mut signs_on = get();
        let headers = signs_on.headers_mut();
        headers.insert("authorization", scheme.parse().unwrap());
        whole(&upstream, signs_on).await;
        assert_eq!(stats(&pool, &url).idle, 0, "{scheme}");
    }
    assert_eq!(count(), 3);
    let mut password = get();
    let headers = password.headers_mut();
    headers.insert("authorization", "Basic bnRsbTp4".parse().unwrap());
    whole(&upstream, password).await;
    assert_eq!(stats(&pool, &url).idle, 1);
}

#[tokio::test]
async fn a_request_on_its_way_is_held_twice_at_most() {
    let (url, _) = hello().await;
    let (_, upstream) = upstream(&[&url], UpstreamSettings::default());
    let sending = upstream.send(get());
    assert!(size_of_val(&sending) <= 3 * size_of::<Request<Known>>());
}

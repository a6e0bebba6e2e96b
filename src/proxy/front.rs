//! For tests: upstreams that are real servers, and a minimal front over hyper's server that
//! puts the pieces together as the proxy does.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::body::{BodyError, ProxyBody, RequestBody, TrailerFilter, outlasts_its_request};
use super::deadline::Deadlines;
use super::upgrade::{Activity, TunnelOptions, TunnelReport, UpgradeRequest};
use super::upstream::{Pool, Upstream, UpstreamAddresses, UpstreamError, UpstreamSettings};
use crate::domain::{ClientInfo, Identity, Method, NewSession, Session};
use crate::sessions::{Admission, Established, Sessions};

/// A tick that tests do not wait for.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Longer than anything here takes, on a busy machine too.
pub(super) const SOON: Duration = Duration::from_secs(10);

pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("in time")
}

/// A listener on loopback, and its address as an upstream's.
pub(super) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// An upstream whose `serve` gets every connection.
pub(super) async fn raw_upstream<F, Fut>(serve: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(usize, TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (listener, url) = listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(number, stream));
        }
    });
    (url, connections)
}

/// An upstream over hyper's server, and how many connections it has had.
pub(super) async fn http_upstream<F>(answer: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
{
    raw_upstream(move |_, stream| {
        let answer = answer.clone();
        async move {
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

/// Reads up to the blank line that ends a head.
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    read_until(stream, "\r\n\r\n").await
}

/// Reads, byte by byte, until what was read ends with `end`.
pub(super) async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let byte = soon(stream.read_u8()).await;
        text.push(byte.unwrap_or_else(|error| panic!("{error} after {text:?}")));
    }
    String::from_utf8(text).unwrap()
}

pub(super) async fn open_session(sessions: &Sessions) -> Arc<Session> {
    let new = NewSession {
        identity: Arc::new(Identity::new("LAB", "ann").unwrap()),
        method: Method::Custom,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    };
    let space = sessions.default_space();
    let established = sessions.establish(space, new, Admission::default());
    match established.await.unwrap() {
        Established::Opened { session, .. } => session,
        Established::Joined(session) => panic!("joined {session:?}"),
    }
}

/// The front: forwards everything but `/own`, which it answers without reading the request.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) pool: Pool<RequestBody>,
    pub(super) upstream: Upstream<RequestBody>,
    pub(super) sessions: Sessions,
    pub(super) session: Arc<Session>,
    pub(super) body_idle: Duration,
    pub(super) end_notices: bool,
    pub(super) last_message: Duration,
    pub(super) activity: Activity,
    pub(super) trailers: Option<TrailerFilter>,
    pub(super) drain: CancellationToken,
    pub(super) touched: Arc<AtomicUsize>,
    pub(super) reports: Arc<Mutex<Vec<TunnelReport>>>,
}

impl Front {
    pub(super) async fn new(url: &str, settings: UpstreamSettings) -> Self {
        let pool = Pool::new(Deadlines::with_tick(TICK));
        let sessions = Sessions::default();
        Self {
            upstream: pool.upstream(&UpstreamAddresses::parse([url]).unwrap(), settings),
            pool,
            session: open_session(&sessions).await,
            sessions,
            body_idle: SOON,
            end_notices: false,
            last_message: SOON,
            activity: Activity::default(),
            trailers: None,
            drain: CancellationToken::new(),
            touched: Arc::default(),
            reports: Arc::default(),
        }
    }

    /// Serves on loopback.
    pub(super) async fn serve(&self) -> SocketAddr {
        let (front, (listener, _)) = (self.clone(), listen().await);
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let front = front.clone();
                let service = service_fn(move |request| {
                    let front = front.clone();
                    async move { Ok::<_, Infallible>(front.answer(request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                tokio::spawn(connection);
            }
        });
        address
    }

    /// Waits for the report of a tunnel that has closed.
    pub(super) async fn report(&self) -> TunnelReport {
        soon(async {
            loop {
                if let Some(report) = self.reports.lock().unwrap().pop() {
                    return report;
                }
                tokio::time::sleep(TICK).await;
            }
        })
        .await
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Response<ProxyBody> {
        if request.uri().path() == "/own" {
            return Response::new(ProxyBody::full("own page"));
        }
        let upgrade = UpgradeRequest::take(&mut request);
        request.headers_mut().remove(CONNECTION);
        request.headers_mut().remove(UPGRADE);
        if let Some(upgrade) = &upgrade {
            upgrade.apply(request.headers_mut());
        }
        let deadlines = self.pool.deadlines();
        let trailers = self.trailers.as_ref();
        let request =
            request.map(|body| RequestBody::new(body, deadlines, self.body_idle, trailers));
        let (mut response, lease) = match self.upstream.send(request).await {
            Ok(answer) => answer,
            Err(error) => return failure(&error),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let accepted = upgrade.map(|upgrade| upgrade.accept(&mut response));
            return match accepted {
                Some(Ok(accepted)) => accepted.start(response, self.tunnel()),
                _ => page(StatusCode::BAD_GATEWAY, "not asked for"),
            };
        }
        let (parts, body) = response.into_parts();
        let outlasts = outlasts_its_request(&body);
        let mut body = ProxyBody::upstream(body, lease, deadlines, Some(self.body_idle));
        if outlasts {
            body = body.tied(&self.sessions, &self.session, deadlines);
        }
        Response::from_parts(parts, body)
    }

    fn tunnel(&self) -> TunnelOptions {
        let (touched, reports) = (Arc::clone(&self.touched), Arc::clone(&self.reports));
        let mut options = TunnelOptions::new(self.pool.deadlines().clone());
        options.tie = Some(self.sessions.tie(&self.session));
        options.idle = Some(self.body_idle);
        options.drain = self.drain.clone();
        options.end_notices = self.end_notices;
        options.last_message = self.last_message;
        options.activity = self.activity;
        options.on_activity = Some(Box::new(move || {
            touched.fetch_add(1, Ordering::SeqCst);
        }));
        options.on_close = Some(Box::new(move |report| reports.lock().unwrap().push(report)));
        options
    }
}

fn failure(error: &UpstreamError) -> Response<ProxyBody> {
    if let Some(BodyError::Idle(_)) = BodyError::behind(error) {
        return page(StatusCode::REQUEST_TIMEOUT, "the request stalled");
    }
    match error {
        UpstreamError::Connect { .. }
        | UpstreamError::Protocol { .. }
        | UpstreamError::RequestBody { .. } => page(StatusCode::BAD_GATEWAY, "bad gateway"),
        UpstreamError::QueueFull { .. } | UpstreamError::QueueTimeout { .. } => {
            page(StatusCode::SERVICE_UNAVAILABLE, "busy")
        }
        UpstreamError::ConnectTimeout { .. }
        | UpstreamError::HeadTimeout { .. }
        | UpstreamError::RequestStall { .. } => page(StatusCode::GATEWAY_TIMEOUT, "timeout"),
    }
}

fn page(status: StatusCode, text: &'static str) -> Response<ProxyBody> {
    let mut response = Response::new(ProxyBody::full(text));
    *response.status_mut() = status;
    // As it would be for a page of ours.
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    response
}

/// A client's connection on which text is written and read as it is.
pub(super) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Writes a request and reads a response whose length is known.
pub(super) async fn exchange(client: &mut TcpStream, request: &str) -> (String, String) {
    client.write_all(request.as_bytes()).await.unwrap();
    read_response(client).await
}

/// Reads a response whose length is known.
pub(super) async fn read_response(client: &mut TcpStream) -> (String, String) {
    let head = read_head(client).await;
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")
                .map(str::parse)
        })
        .unwrap_or(Ok(0))
        .unwrap();
    let mut body = vec![0; length];
    soon(client.read_exact(&mut body)).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

//! One connection of the side port: plain or over TLS, HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::error::Error as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Request, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::problem::{Problem, ProblemKind};
use super::progress::Progress;
use super::raw_targets::RawTargets;
use super::server::{Limits, Shutdown};
use super::traffic::Traffic;
use crate::domain::{Connection, Scheme};
use crate::net::strict_h1;
use crate::net::tls::{HandshakeError, Protocol, TlsAcceptor, TlsFacts};

/// A connection's far end, and how it is answered.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) shutdown: CancellationToken,
}

/// What every request of a connection is answered with.
#[derive(Clone)]
struct Answering {
    peer: Peer,
    /// With TLS.
    tls: Option<TlsFacts>,
    traffic: Traffic,
}

impl Peer {
    /// Serves `stream` until it closes, or the shutdown and its last answer.
    pub(super) async fn serve(self, stream: TcpStream, tls: Option<&TlsAcceptor>) {
        // Without it, answers may come later; nothing else depends on it.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = tls else {
            return self.http1(stream, None).await;
        };
        let shaking = acceptor.accept(stream, self.limits.handshake);
        match self.shutdown.clone().run_until_cancelled(shaking).await {
            None => {}
            Some(Err(error)) => self.refused(&error),
            Some(Ok((stream, facts))) => match facts.protocol {
                Protocol::Http1 => self.http1(stream, Some(facts)).await,
                Protocol::Http2 => self.http2(stream, facts).await,
            },
        }
    }

    fn refused(&self, error: &HandshakeError) {
        let client = self.address.ip();
        let cause = error.source().map(tracing::field::display);
        if error.is_notable() {
            tracing::info!(%error, client.ip = %client, "a TLS handshake with the side port failed");
        } else {
            tracing::debug!(%error, cause, client.ip = %client, "a TLS handshake with the side port failed");
        }
    }

    async fn http1<IO>(self, stream: IO, tls: Option<TlsFacts>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (shutdown, answering) = (self.shutdown.clone(), Answering::new(self, tls));
        let address = answering.peer.address;
        let (head, traffic) = (answering.peer.limits.head, answering.traffic.clone());
        let service = service_fn(move |request| answering.clone().answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(RawTargets::new(stream, FRAMING)), service);
        let mut connection = pin!(connection);
        let serving = async {
            tokio::select! {
                served = &mut connection => served,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        };
        // One that waits for a head has been closed by then.
        tokio::select! {
            served = serving => ended(served, address),
            () = traffic.rests(2 * head) => stuck(address),
        }
    }

    async fn http2<IO>(self, stream: IO, tls: TlsFacts)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (shutdown, answering) = (self.shutdown.clone(), Answering::new(self, Some(tls)));
        let address = answering.peer.address;
        let (head, traffic) = (answering.peer.limits.head, answering.traffic.clone());
        let service = service_fn(move |request| answering.clone().answer(request));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_LIST)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_RESETS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let served = tokio::select! {
            served = &mut connection => Some(served),
            () = shutdown.cancelled() => None,
            () = traffic.rests(head) => None,
        };
        if let Some(served) = served {
            return ended(served, address);
        }
        connection.as_mut().graceful_shutdown();
        // Whoever takes nothing of an answer would hold the connection by answering pings.
        tokio::select! {
            served = connection => ended(served, address),
            () = traffic.rests(head) => stuck(address),
        }
    }
}

impl Answering {
    fn new(peer: Peer, tls: Option<TlsFacts>) -> Self {
        Self {
            peer,
            tls,
            traffic: Traffic::default(),
        }
    }

    async fn answer(self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        let _awaited = self.traffic.begin();
        let Self { peer, tls, traffic } = &self;
        let extensions = request.extensions_mut();
        extensions.insert(Shutdown(peer.shutdown.clone()));
        let progress = Progress::default();
        extensions.insert(progress.clone());
        extensions.insert(Connection {
            peer: peer.address,
            client_ip: peer.address.ip(),
            scheme: match tls {
                Some(_) => Scheme::Https,
                None => Scheme::Http,
            },
        });
        if let Some(facts) = tls {
            if let Some(certificate) = &facts.certificate {
                extensions.insert(Arc::clone(certificate));
            }
            if !is_for(facts, &request) {
                return Ok(Problem::new(ProblemKind::WrongHost).into_response());
            }
        }
        let version = request.version();
        let answering = peer.router.clone().call(request);
        match progress.wait_for(answering, peer.limits.answer).await {
            Some(answer) => answer.map(|answer| answer.map(|body| traffic.watch(body))),
            // The body did not come, or the store hangs; the connection is closed with it.
            None => Ok(too_late(version)),
        }
    }
}

/// Whether `request` may come on this connection: its certificate is the one for that host.
/// What is no host is for the router to refuse.
fn is_for(facts: &TlsFacts, request: &Request<Incoming>) -> bool {
    let of_target = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let of_header = request.headers().get(header::HOST);
    let of_header = of_header.and_then(|host| host.to_str().ok());
    let mut named = [of_target, of_header].into_iter().flatten();
    named.all(|host| crate::domain::host_of_authority(host).is_none() || facts.serves(host))
}

fn too_late(version: Version) -> Response {
    let mut response = StatusCode::REQUEST_TIMEOUT.into_response();
    if version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

fn stuck(peer: SocketAddr) {
    tracing::debug!(client.ip = %peer.ip(), "a side port connection on which nothing was taken was cut");
}

fn ended(served: hyper::Result<()>, peer: SocketAddr) {
    if let Err(error) = served {
        tracing::debug!(%error, client.ip = %peer.ip(), "a side port connection failed");
    }
}

const MAX_HEADERS: usize = 64;
/// Bytes of a request's head: a target of up to 64 KiB, as lists of ids come in it, and 16 KiB
/// of headers.
const MAX_HEAD: usize = 80 * 1024;
const FRAMING: strict_h1::Limits = strict_h1::Limits {
    head: MAX_HEAD,
    request_line: MAX_HEAD,
    lines: MAX_HEADERS,
};
/// Requests at a time on one connection of HTTP/2.
const MAX_STREAMS: u32 = 100;
/// Bytes of a request's decoded head: the long targets of HTTP/1.1 fit in here, too.
const MAX_HEADER_LIST: u32 = 80 * 1024;
/// Streams that a peer may have opened and reset before anybody looked at them, and that may
/// be reset because of what it did wrong (CVE-2023-44487, CVE-2025-8671).
const MAX_RESETS: usize = 20;
/// How often a peer is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

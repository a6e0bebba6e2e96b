//! Serving the side port: few connections, none of which can be held for long.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use super::raw_targets::RawTargets;
use crate::domain::{Connection, Scheme};
use crate::net::strict_h1;

/// Serves a side port's router over HTTP/1.1.
///
/// Each request carries a [`Connection`] with its peer's address. Slow peers are cut off: a
/// request's head must come within 10 s (an idle connection is closed then, too), an answer
/// must begin within 30 s.
#[derive(Debug)]
#[must_use]
pub struct AdminServer {
    listener: TcpListener,
    router: Router,
    limits: Limits,
}

/// In each request: cancelled when the server stops, which endless answers have to heed.
#[derive(Clone, Debug)]
pub(super) struct Shutdown(pub(super) CancellationToken);

#[derive(Clone, Copy, Debug)]
struct Limits {
    connections: usize,
    head: Duration,
    answer: Duration,
    drain: Duration,
}

impl Limits {
    const DEFAULT: Self = Self {
        connections: 256,
        head: Duration::from_secs(10),
        answer: Duration::from_secs(30),
        drain: Duration::from_secs(10),
    };
}

impl AdminServer {
    /// Serves `router` to those who connect to `listener`.
    pub const fn new(listener: TcpListener, router: Router) -> Self {
        Self {
            listener,
            router,
            limits: Limits::DEFAULT,
        }
    }

    /// How many connections may be open at a time; more wait. Default: 256.
    pub const fn connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// How long a peer may take over a request's head. Default: 10 s.
    pub const fn head_timeout(mut self, timeout: Duration) -> Self {
        self.limits.head = timeout;
        self
    }

    /// How long requests under way may take to finish after a shutdown. Default: 10 s.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.limits.drain = timeout;
        self
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` is cancelled; then takes no more connections, finishes the
    /// requests under way, and returns.
    pub async fn run(self, shutdown: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let (tracker, abandon) = (TaskTracker::new(), CancellationToken::new());
        while let Some(Ok(slot)) = shutdown
            .run_until_cancelled(Arc::clone(&slots).acquire_owned())
            .await
        {
            let Some(accepted) = shutdown.run_until_cancelled(self.listener.accept()).await else {
                break;
            };
            match accepted {
                Ok((stream, peer)) => {
                    let router = self.router.clone();
                    let serving = serve(stream, peer, router, self.limits, shutdown.clone());
                    let serving = abandon.clone().run_until_cancelled_owned(serving);
                    tracker.spawn(async move {
                        serving.await;
                        drop(slot);
                    });
                }
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    // Out of file descriptors or memory: accepting again at once would spin.
                    tracing::warn!(%error, "the side port cannot accept a connection");
                    let _ = shutdown
                        .run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE))
                        .await;
                }
            }
        }
        drop(self.listener);
        tracker.close();
        if tokio::time::timeout(self.limits.drain, tracker.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = tracker.len(),
                "side port connections were cut"
            );
            abandon.cancel();
            tracker.wait().await;
        }
    }
}

/// Serves one connection until it closes, or `shutdown` and its last answer.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    // Without it, answers may come later; nothing else depends on it.
    let _ = stream.set_nodelay(true);
    let facts = Connection {
        peer,
        client_ip: peer.ip(),
        scheme: Scheme::Http,
    };
    let stop = Shutdown(shutdown.clone());
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(facts);
        request.extensions_mut().insert(stop.clone());
        answer(router.clone(), request, limits)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(RawTargets::new(stream, FRAMING)), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, client.ip = %peer.ip(), "a side port connection failed");
    }
}

async fn answer(
    mut router: Router,
    request: http::Request<Incoming>,
    limits: Limits,
) -> Result<Response, std::convert::Infallible> {
    match tokio::time::timeout(limits.answer, router.call(request)).await {
        Ok(answer) => answer,
        // The body did not come, or the store hangs; the connection is closed with it.
        Err(_) => Ok((
            StatusCode::REQUEST_TIMEOUT,
            [(http::header::CONNECTION, "close")],
        )
            .into_response()),
    }
}

/// Errors of accepting that concern one connection, not the listener.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const MAX_HEADERS: usize = 64;
/// Bytes of a request's head: a target of up to 64 KiB, as lists of ids come in it, and 16 KiB
/// of headers.
const MAX_HEAD: usize = 80 * 1024;
const FRAMING: strict_h1::Limits = strict_h1::Limits {
    head: MAX_HEAD,
    request_line: MAX_HEAD,
    lines: MAX_HEADERS,
};

//! Serving the side port: few connections, none of which can be held for long.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Peer;
use crate::net::tls::TlsAcceptor;

/// Serves a side port's router: over HTTP/1.1, and with [TLS](Self::tls) over HTTP/2, too.
///
/// Each request carries a [`Connection`](crate::domain::Connection) with its peer's address,
/// and with TLS the client's certificate, if it showed one, as an
/// `Arc<`[`ClientCertificate`](crate::domain::ClientCertificate)`>`. Slow peers are cut off: a
/// TLS handshake must be over within 10 s, a request's head must come within 10 s (an idle
/// connection is closed then, too), an answer must begin within 30 s, or, of an import, 30 s
/// after the last piece of it that came.
#[derive(Debug)]
#[must_use]
pub struct AdminServer {
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
}

/// In each request: cancelled when the server stops, which endless answers have to heed.
#[derive(Clone, Debug)]
pub(super) struct Shutdown(pub(super) CancellationToken);

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    connections: usize,
    pub(super) handshake: Duration,
    pub(super) head: Duration,
    pub(super) answer: Duration,
    drain: Duration,
}

impl Limits {
    const DEFAULT: Self = Self {
        connections: 256,
        handshake: Duration::from_secs(10),
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
            tls: None,
            limits: Limits::DEFAULT,
        }
    }

    /// TLS on every connection. Default: plain HTTP.
    pub fn tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    /// How many connections may be open at a time; more wait. Default: 256.
    pub const fn connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// How long a peer may take over a TLS handshake. Default: 10 s.
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handshake = timeout;
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
                Ok((stream, address)) => {
                    let peer = Peer {
                        address,
                        router: self.router.clone(),
                        limits: self.limits,
                        shutdown: shutdown.clone(),
                    };
                    let (tls, abandon) = (self.tls.clone(), abandon.clone());
                    tracker.spawn(async move {
                        let serving = peer.serve(stream, tls.as_ref());
                        abandon.run_until_cancelled(serving).await;
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

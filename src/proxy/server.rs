//! The edge's threads: listening, accepting, and the end of both.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::edge::Edge;
use super::headers::ConnectionHeaders;
use super::serve::serve;
use super::worker::{ClientConnection, Worker};
use crate::net::strict_h1::StrictHttp1;
use crate::net::{Acceptor, Drain, Drained, Draining, ListenError, bind};

/// Why the edge does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system gives no thread or runtime.
    #[error("a worker of the edge cannot be started")]
    Worker(#[source] io::Error),
}

/// The edge, running.
#[derive(Debug)]
pub struct EdgeServer {
    addresses: Vec<SocketAddr>,
    edge: Arc<Edge>,
    drain: Drain,
    stop: CancellationToken,
    workers: Vec<JoinHandle<()>>,
}

/// The sockets of the edge, bound but not yet accepted from: one of each address for every
/// worker.
#[derive(Debug)]
pub struct EdgeSockets {
    addresses: Vec<SocketAddr>,
    per_worker: Vec<Vec<TcpListener>>,
}

impl EdgeSockets {
    /// Binds `addresses` for `workers` workers.
    ///
    /// # Errors
    ///
    /// [`ListenError`] with the address that cannot be bound.
    pub fn bind(addresses: &[SocketAddr], workers: NonZeroUsize) -> Result<Self, ListenError> {
        let mut per_worker: Vec<Vec<TcpListener>> =
            (0..workers.get()).map(|_| Vec::new()).collect();
        let mut bound = Vec::new();
        for address in addresses {
            let sockets = bind(*address, workers)?;
            bound.extend(sockets.first().and_then(|socket| socket.local_addr().ok()));
            for (worker, socket) in per_worker.iter_mut().zip(sockets) {
                worker.push(socket);
            }
        }
        Ok(Self {
            addresses: bound,
            per_worker,
        })
    }

    /// The addresses, with the ports that were chosen for port 0.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl EdgeServer {
    /// Starts `edge` on `sockets`: from now on connections are accepted.
    ///
    /// # Errors
    ///
    /// [`EdgeError`] when a thread or its runtime cannot be had.
    pub fn start(edge: Arc<Edge>, sockets: EdgeSockets) -> Result<Self, EdgeError> {
        let EdgeSockets {
            addresses,
            per_worker,
        } = sockets;
        let (drain, stop) = (Drain::new(), CancellationToken::new());
        let mut workers = Vec::new();
        for (number, listeners) in per_worker.into_iter().enumerate() {
            let (edge, draining, stop) = (Arc::clone(&edge), drain.handle(), stop.clone());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(EdgeError::Worker)?;
            let thread = std::thread::Builder::new()
                .name(format!("edge-{number}"))
                .spawn(move || {
                    runtime.block_on(run(number, edge, listeners, draining, stop));
                });
            workers.push(thread.map_err(EdgeError::Worker)?);
        }
        Ok(Self {
            addresses,
            edge,
            drain,
            stop,
            workers,
        })
    }

    /// The addresses it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the workers share.
    #[must_use]
    pub const fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Stops accepting, lets open exchanges finish within the drain time, then cuts the rest.
    pub async fn shut_down(self) -> Drained {
        let drained = self.drain.drain(self.edge.settings.drain).await;
        self.stop.cancel();
        let joined = tokio::task::spawn_blocking(move || {
            for worker in self.workers {
                if worker.join().is_err() {
                    tracing::error!("a worker of the edge has panicked");
                }
            }
        });
        let _ = joined.await;
        drained
    }
}

/// A worker's life.
async fn run(
    number: usize,
    edge: Arc<Edge>,
    listeners: Vec<TcpListener>,
    draining: Draining,
    stop: CancellationToken,
) {
    let going_away = CancellationToken::new();
    let worker = Arc::new(Worker::new(number, edge, going_away.clone()));
    for listener in listeners {
        match Acceptor::new(listener) {
            Ok(acceptor) => drop(tokio::spawn(accept(
                Arc::clone(&worker),
                acceptor,
                draining.clone(),
            ))),
            Err(error) => tracing::error!(%error, "a listening socket cannot be used"),
        }
    }
    draining.begun().await;
    going_away.cancel();
    stop.cancelled().await;
}

async fn accept(worker: Arc<Worker>, mut acceptor: Acceptor, draining: Draining) {
    let mut begun = pin!(draining.begun());
    loop {
        let (stream, peer) = tokio::select! {
            () = begun.as_mut() => return,
            accepted = acceptor.accept() => accepted,
        };
        if draining.open_connections() >= worker.edge.settings.max_connections {
            tracing::warn!(%peer, "a connection is refused: as many are open as may be");
            continue;
        }
        tokio::spawn(converse(
            Arc::clone(&worker),
            stream,
            peer,
            draining.clone(),
        ));
    }
}

/// One client's connection, from its first byte to its last.
async fn converse(worker: Arc<Worker>, stream: TcpStream, peer: SocketAddr, draining: Draining) {
    let tracked = draining.track();
    let settings = &worker.edge.settings;
    let guarded = StrictHttp1::new(stream, settings.limits, settings.timeouts);
    let mut builder = http1::Builder::new();
    builder
        .half_close(false)
        .max_buf_size(MAX_BUFFER.max(2 * settings.limits.head));
    guarded.configure(&mut builder);
    let client = Arc::new(ClientConnection {
        peer,
        headers: ConnectionHeaders::new(peer.ip()),
        framing: guarded.control(),
    });
    let service = {
        let (worker, client) = (Arc::clone(&worker), Arc::clone(&client));
        service_fn(move |request| {
            let (worker, client) = (Arc::clone(&worker), Arc::clone(&client));
            async move { Ok::<_, Infallible>(serve(&worker, &client, request).await) }
        })
    };
    let mut connection = pin!(
        builder
            .serve_connection(TokioIo::new(guarded), service)
            .with_upgrades()
    );
    let (mut begun, mut cut) = (pin!(tracked.begun()), pin!(tracked.cut()));
    let mut watching = false;
    let mut finishing = false;
    let ended = poll_fn(|cx| {
        if let Poll::Ready(result) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(result));
        }
        // Asked once before the drain: this task's waker stays the same, and it is woken then.
        if !watching || draining.has_begun() {
            watching = true;
            if !finishing && begun.as_mut().poll(cx).is_ready() {
                finishing = true;
                connection.as_mut().graceful_shutdown();
                cx.waker().wake_by_ref();
            }
            if cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
        }
        Poll::Pending
    });
    match ended.await {
        Some(Err(error)) => {
            let refused = client.framing.violation();
            tracing::debug!(%peer, %error, ?refused, "a client's connection failed");
        }
        Some(Ok(())) => {}
        None => tracing::debug!(%peer, "a client's connection was cut at shutdown"),
    }
}

/// Bytes that are read ahead or kept to be written, for each connection.
const MAX_BUFFER: usize = 128 * 1024;

//! The edge's threads: listening, accepting, and the end of both.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::{NonZeroU16, NonZeroUsize};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use super::connection::{Lifetime, Role, converse};
use super::edge::Edge;
use super::worker::Worker;
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
    redirects: Vec<SocketAddr>,
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
    redirects: Vec<SocketAddr>,
    per_worker: Vec<Vec<(Role, TcpListener)>>,
}

impl EdgeSockets {
    /// Binds `addresses` for `workers` workers, and `redirects`, whose clients are sent to
    /// https on port `https`; without it, on that of the first of `addresses`.
    ///
    /// # Errors
    ///
    /// [`ListenError`] with the address that cannot be bound.
    pub fn bind(
        addresses: &[SocketAddr],
        redirects: &[SocketAddr],
        https: Option<NonZeroU16>,
        workers: NonZeroUsize,
    ) -> Result<Self, ListenError> {
        let mut sockets = Self {
            addresses: Vec::new(),
            redirects: Vec::new(),
            per_worker: (0..workers.get()).map(|_| Vec::new()).collect(),
        };
        for address in addresses {
            let bound = sockets.add(*address, Role::Serve, workers)?;
            sockets.addresses.extend(bound);
        }
        let first = sockets.addresses.first().map_or(0, SocketAddr::port);
        let port = https.map_or(first, NonZeroU16::get);
        for address in redirects {
            let bound = sockets.add(*address, Role::Redirect(port), workers)?;
            sockets.redirects.extend(bound);
        }
        Ok(sockets)
    }

    fn add(
        &mut self,
        address: SocketAddr,
        role: Role,
        workers: NonZeroUsize,
    ) -> Result<Option<SocketAddr>, ListenError> {
        let sockets = bind(address, workers)?;
        let bound = sockets.first().and_then(|socket| socket.local_addr().ok());
        for (worker, socket) in self.per_worker.iter_mut().zip(sockets) {
            worker.push((role, socket));
        }
        Ok(bound)
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
            redirects,
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
            redirects,
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

    /// The addresses that send everybody to https.
    #[must_use]
    pub fn redirects(&self) -> &[SocketAddr] {
        &self.redirects
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
    listeners: Vec<(Role, TcpListener)>,
    draining: Draining,
    stop: CancellationToken,
) {
    let going_away = CancellationToken::new();
    let worker = Arc::new(Worker::new(number, edge, going_away.clone()));
    for (role, listener) in listeners {
        match Acceptor::new(listener) {
            Ok(acceptor) => drop(tokio::spawn(accept(
                Arc::clone(&worker),
                acceptor,
                role,
                draining.clone(),
            ))),
            Err(error) => tracing::error!(%error, "a listening socket cannot be used"),
        }
    }
    draining.begun().await;
    going_away.cancel();
    stop.cancelled().await;
}

async fn accept(worker: Arc<Worker>, mut acceptor: Acceptor, role: Role, draining: Draining) {
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
        let lifetime = Lifetime::new(peer, &draining);
        tokio::spawn(converse(Arc::clone(&worker), stream, role, lifetime));
    }
}

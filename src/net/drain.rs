//! Finishing gracefully: every connection is told, then waited for, then cut.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The server's end: starts the drain and waits for it.
#[derive(Debug, Default)]
pub struct Drain {
    draining: Draining,
}

/// What accept loops hold: hears of the drain, and registers connections. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Draining {
    begun: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
}

/// A connection that the drain waits for. Drop it when the connection has closed.
#[derive(Debug)]
pub struct Tracked {
    begun: CancellationToken,
    cut: CancellationToken,
    _token: TaskTrackerToken,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open when it began and closed by themselves.
    pub closed: usize,
    /// Connections that were still open at the deadline, and were told to drop everything.
    pub cut: usize,
}

impl Drain {
    /// With no connections yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle for accept loops.
    #[must_use]
    pub fn handle(&self) -> Draining {
        self.draining.clone()
    }

    /// Tells every connection to finish, waits until all have closed but not longer than
    /// `limit`, then cuts the others.
    pub async fn drain(self, limit: Duration) -> Drained {
        let Draining {
            begun,
            cut,
            connections,
        } = self.draining;
        let open = connections.len();
        begun.cancel();
        connections.close();
        let waited = tokio::time::timeout(limit, connections.wait()).await;
        let left = match waited {
            Ok(()) => 0,
            Err(_) => connections.len(),
        };
        cut.cancel();
        Drained {
            closed: open.saturating_sub(left),
            cut: left,
        }
    }
}

impl Draining {
    /// Registers a connection.
    #[must_use]
    pub fn track(&self) -> Tracked {
        Tracked {
            begun: self.begun.clone(),
            cut: self.cut.clone(),
            _token: self.connections.token(),
        }
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits for the drain to begin: an accept loop then stops accepting.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Connections that are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }
}

impl Tracked {
    /// Waits for the drain to begin: the connection then finishes what it is doing.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Waits for the drain's deadline: the connection then drops what it is doing.
    pub async fn cut(&self) {
        self.cut.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_connections_and_cuts_the_rest() {
        let drain = Drain::new();
        let handle = drain.handle();
        let polite = handle.track();
        let stuck = handle.track();
        let stuck = tokio::spawn(async move {
            stuck.cut().await;
            tokio::time::Instant::now()
        });
        tokio::spawn(async move {
            polite.begun().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            drop(polite);
        });
        assert_eq!(handle.open_connections(), 2);
        assert!(!handle.has_begun());

        let start = tokio::time::Instant::now();
        let drained = drain.drain(Duration::from_secs(5)).await;
        assert_eq!(drained, Drained { closed: 1, cut: 1 });
        assert!(handle.has_begun());
        assert_eq!((stuck.await.unwrap() - start).as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_with_the_last_connection() {
        let drain = Drain::new();
        let connection = drain.handle().track();
        tokio::spawn(async move {
            connection.begun().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        });
        let start = tokio::time::Instant::now();
        let drained = drain.drain(Duration::from_secs(60)).await;
        assert_eq!(drained, Drained { closed: 1, cut: 0 });
        assert_eq!(start.elapsed().as_secs(), 1);
    }
}

//! A worker: one thread's share of the edge.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::body::RequestBody;
use super::deadline::Deadlines;
use super::edge::Edge;
use super::headers::ConnectionHeaders;
use super::upstream::Pool;
use crate::net::strict_h1::FramingControl;

/// What the requests of one thread share: the edge, and upstream connections of their own.
pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) edge: Arc<Edge>,
    pub(super) pool: Pool<RequestBody>,
    /// Fires when the gateway shuts down.
    pub(super) drain: CancellationToken,
}

/// What the requests of one client connection share.
pub(super) struct ClientConnection {
    pub(super) peer: SocketAddr,
    pub(super) headers: ConnectionHeaders,
    pub(super) framing: FramingControl,
}

impl Worker {
    pub(super) fn new(number: usize, edge: Arc<Edge>, drain: CancellationToken) -> Self {
        Self {
            number,
            edge,
            pool: Pool::new(Deadlines::start()),
            drain,
        }
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        self.pool.deadlines()
    }
}

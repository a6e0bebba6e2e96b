//! A worker: one thread's share of the edge.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderValue, Response};
use tokio_util::sync::CancellationToken;

use super::body::{ProxyBody, RequestBody};
use super::deadline::Deadlines;
use super::edge::Edge;
use super::headers::ConnectionHeaders;
use super::upstream::Pool;
use crate::net::strict_h1::FramingControl;
use crate::net::tls::TlsFacts;

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
    /// `None` in HTTP/2, which has no upgrades.
    pub(super) framing: Option<FramingControl>,
    /// `None` where the edge speaks plain HTTP.
    pub(super) tls: Option<TlsFacts>,
    hsts: Option<HeaderValue>,
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

impl ClientConnection {
    pub(super) fn new(
        edge: &Edge,
        peer: SocketAddr,
        framing: Option<FramingControl>,
        tls: Option<TlsFacts>,
    ) -> Self {
        let hsts = tls.as_ref().and(edge.settings.tls.as_ref());
        Self {
            peer,
            headers: ConnectionHeaders::new(peer.ip()),
            framing,
            hsts: hsts.and_then(|tls| tls.hsts.clone()),
            tls,
        }
    }

    /// What every response of this connection says. An upstream's own policy for its host
    /// stays (RFC 6797).
    pub(super) fn finish(&self, mut response: Response<ProxyBody>) -> Response<ProxyBody> {
        if let Some(hsts) = &self.hsts {
            response
                .headers_mut()
                .entry(STRICT_TRANSPORT_SECURITY)
                .or_insert_with(|| hsts.clone());
        }
        response
    }
}

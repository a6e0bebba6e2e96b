//! A space as the proxy knows it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::body::{RequestBody, TrailerFilter};
use super::headers::{HeaderRules, PublishedKeys};
use super::router::Router;
use super::upgrade::Activity;
use super::upstream::{Pool, Upstream, UpstreamAddresses, UpstreamSettings};
use crate::layer::Gate;
use crate::net::strict_h1::may_be_trailer;
use crate::telemetry::SpaceMetrics;

/// Where requests go: the spaces of a configuration.
pub type Targets = Router<ProxySpace>;

/// What the proxy does for a space.
#[derive(Debug)]
pub struct SpaceSettings {
    /// Who passes.
    pub gate: Gate,
    /// What is done to headers.
    pub headers: HeaderRules,
    /// Where requests are forwarded to.
    pub upstream: UpstreamAddresses,
    /// Times and numbers of those connections.
    pub connections: UpstreamSettings,
    /// Whether the space's prefix is taken off the path before forwarding.
    pub strip_prefix: bool,
    /// The Host that the upstream sees; `None` for the client's.
    pub host: Option<HeaderValue>,
    /// How long an upstream may take for the next part of a response's body; `None` for ever.
    pub body_idle: Option<Duration>,
    /// How long nothing may move in an upgraded connection; `None` for ever.
    pub tunnel_idle: Option<Duration>,
    /// What in an upgraded connection keeps its session alive.
    pub tunnel_activity: Activity,
    /// Whether a WebSocket's client is told of its session's end by a JSON-RPC notification
    /// before the close frame.
    pub end_notices: bool,
    /// The public keys of the assertion, as a JWK set, when there is one.
    pub jwks: Option<PublishedKeys>,
    /// Its counters.
    pub metrics: Arc<SpaceMetrics>,
}

/// A space, with an upstream for each worker.
pub struct ProxySpace {
    settings: SpaceSettings,
    request_trailers: TrailerFilter,
    response_trailers: TrailerFilter,
    upstreams: Box<[OnceLock<Upstream<RequestBody>>]>,
}

impl ProxySpace {
    /// A space for `workers` workers.
    #[must_use]
    pub fn new(settings: SpaceSettings, workers: usize) -> Self {
        let inbound = Arc::clone(settings.headers.scrub());
        let outbound = Arc::clone(&inbound);
        Self {
            request_trailers: Arc::new(move |trailers| {
                inbound.inbound(trailers);
                take_off_misplaced(trailers);
            }),
            response_trailers: Arc::new(move |headers| outbound.outbound(headers)),
            upstreams: (0..workers).map(|_| OnceLock::new()).collect(),
            settings,
        }
    }

    /// What is done for it.
    #[must_use]
    pub const fn settings(&self) -> &SpaceSettings {
        &self.settings
    }

    /// The filter of a request's trailers.
    pub(super) const fn request_trailers(&self) -> &TrailerFilter {
        &self.request_trailers
    }

    /// The filter of a response's trailers.
    pub(super) const fn response_trailers(&self) -> &TrailerFilter {
        &self.response_trailers
    }

    /// The upstream of worker number `worker`, whose connections are in `pool`.
    pub(super) fn upstream(
        &self,
        worker: usize,
        pool: &Pool<RequestBody>,
    ) -> &Upstream<RequestBody> {
        let make = || pool.upstream(&self.settings.upstream, self.settings.connections);
        self.upstreams[worker].get_or_init(make)
    }
}

/// What may not come after a body: HTTP/1 requests with it were refused, HTTP/2 lets it pass.
fn take_off_misplaced(trailers: &mut HeaderMap) {
    let misplaced = |name: &&HeaderName| !may_be_trailer(name.as_str().as_bytes());
    let misplaced: Vec<HeaderName> = trailers.keys().filter(misplaced).cloned().collect();
    for name in misplaced {
        trailers.remove(name);
    }
}

impl fmt::Debug for ProxySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySpace")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

//! What all workers of the edge share.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;

use super::space::Targets;
use crate::domain::{Clock, Scheme};
use crate::net::strict_h1::Limits;
use crate::net::tls::TlsAcceptor;
use crate::net::{Timeouts, TrustedProxies};
use crate::telemetry::Handshakes;

/// How the edge is run. What changes needs a restart; spaces are exchanged while it runs.
#[derive(Debug)]
pub struct EdgeSettings {
    /// How many workers: threads with a listening socket, a runtime and connections each.
    pub workers: NonZeroUsize,
    /// Bounds on what is read of a request's head.
    pub limits: Limits,
    /// Waiting times for clients.
    pub timeouts: Timeouts,
    /// How many client connections may be open; further ones are closed at once.
    pub max_connections: usize,
    /// How long open exchanges may go on at a shutdown.
    pub drain: Duration,
    /// The scheme of clients that are not behind a trusted proxy that says otherwise.
    pub scheme: Scheme,
    /// TLS on the listeners; without it they speak plain HTTP.
    pub tls: Option<Arc<EdgeTls>>,
    /// Whether every request is logged.
    pub access_log: bool,
}

/// TLS on the edge's listeners.
#[derive(Debug)]
pub struct EdgeTls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) hsts: Option<HeaderValue>,
    pub(super) handshakes: Handshakes,
}

impl EdgeTls {
    /// TLS as `acceptor` speaks it. Browsers are told to use nothing else for as long as
    /// `hsts`, in whole seconds; with `None` they are not told.
    #[must_use]
    pub fn new(acceptor: TlsAcceptor, hsts: Option<Duration>, handshakes: Handshakes) -> Self {
        let hsts = hsts.map(|time| {
            HeaderValue::try_from(format!("max-age={}", time.as_secs()))
                .expect("digits are visible ASCII")
        });
        Self {
            acceptor,
            hsts,
            handshakes,
        }
    }
}

/// The edge: its settings, and the spaces and trusted proxies in force.
#[derive(Debug)]
pub struct Edge {
    pub(super) settings: EdgeSettings,
    pub(super) targets: ArcSwap<Targets>,
    pub(super) trusted: ArcSwap<TrustedProxies>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Edge {
    /// An edge that forwards to `targets`.
    #[must_use]
    pub fn new(
        settings: EdgeSettings,
        targets: Targets,
        trusted: TrustedProxies,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            targets: ArcSwap::from_pointee(targets),
            trusted: ArcSwap::from_pointee(trusted),
            clock,
        })
    }

    /// Puts other spaces and trusted proxies into force. Requests under way go on with the
    /// old ones; no connection and no session is dropped.
    pub fn replace(&self, targets: Targets, trusted: TrustedProxies) {
        self.trusted.store(Arc::new(trusted));
        self.targets.store(Arc::new(targets));
    }

    /// The settings it runs with.
    #[must_use]
    pub const fn settings(&self) -> &EdgeSettings {
        &self.settings
    }
}

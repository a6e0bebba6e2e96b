//! How the side port's router is put together.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use super::cursor::Cursors;
use super::guard::guard;
use super::hosts::AllowedHosts;
use super::keys::{ApiKeys, CertificateRoles};
use super::problem::{self, Problem, ProblemKind};
use super::spaces::{AdminSpaces, SpaceInfo};
use super::state::Admin;
use super::this_node::ThisNode;
use super::{native, octane, openapi, ops, qps};
use crate::domain::{HostPattern, SharedSecret, SpaceId};
use crate::sessions::{Feed, Sessions};
use crate::tasks::Tasks;
use crate::telemetry::{Health, Metrics};

/// Settings of a side port's router. What is not set has the default that it names.
#[derive(Debug)]
#[must_use]
pub struct AdminBuilder {
    admin: Admin,
    metrics_public: bool,
    docs_public: bool,
    session_module: Option<SpaceId>,
}

impl AdminBuilder {
    pub(super) fn new(sessions: Sessions, keys: ApiKeys) -> Self {
        let this_node = ThisNode::of(&sessions);
        let default = SpaceInfo::of(sessions.default_space().id().clone());
        Self {
            admin: Admin {
                sessions,
                keys,
                certificates: CertificateRoles::default(),
                spaces: AdminSpaces::new(vec![default]),
                hosts: AllowedHosts::default(),
                cursors: Cursors::new(&SharedSecret::generate()),
                health: Health::new(),
                this_node,
                metrics: None,
                tasks: OnceLock::new(),
                feed: None,
                streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            },
            metrics_public: false,
            docs_public: false,
            session_module: None,
        }
    }

    /// The spaces to list. Default: the default space of the sessions alone. Sessions of a
    /// space that is not listed can still be reached by its id.
    pub fn spaces(mut self, spaces: AdminSpaces) -> Self {
        self.admin.spaces = spaces;
        self
    }

    /// What clients with certificates may do, where the server puts an
    /// `Arc<`[`ClientCertificate`](crate::domain::ClientCertificate)`>` into the extensions of
    /// requests. Default: nothing.
    pub fn certificate_roles(mut self, roles: CertificateRoles) -> Self {
        self.admin.certificates = roles;
        self
    }

    /// The space whose sessions an external proxy keeps here, over the routes of Qlik's session
    /// module at the root, with a client certificate. Default: none, and nothing there.
    pub fn session_module(mut self, space: Option<SpaceId>) -> Self {
        self.session_module = space;
        self
    }

    /// The metrics to show at `/metrics`. Default: none, and nothing there.
    pub fn metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.admin.metrics = Some(metrics);
        self
    }

    /// Whether `/metrics` needs no key. Default: it needs one, of any role.
    pub const fn metrics_public(mut self, public: bool) -> Self {
        self.metrics_public = public;
        self
    }

    /// Whether `/openapi.json` and `/docs`, which tell nothing but the routes that every
    /// Gatepass has, need no key. Default: they need one, of any role.
    pub const fn docs_public(mut self, public: bool) -> Self {
        self.docs_public = public;
        self
    }

    /// Where sessions are ended in the background. Default: tasks of its own.
    pub fn tasks(mut self, tasks: Tasks) -> Self {
        self.admin.tasks = OnceLock::from(tasks);
        self
    }

    /// What all side ports behind one address know: what one of them hands out, such as where a
    /// list goes on, the others take back. Default: a secret that nobody else has.
    pub fn secret(mut self, secret: &SharedSecret) -> Self {
        self.admin.cursors = Cursors::new(secret);
        self
    }

    /// The events to show at `/api/v1/events`; make it an
    /// [observer](crate::sessions::SessionsBuilder::observer) of the sessions. Default: none,
    /// and nothing there.
    pub fn feed(mut self, feed: Feed) -> Self {
        self.admin.feed = Some(feed);
        self
    }

    /// The health that `/health/ready` tells. Default: always ready.
    pub fn health(mut self, health: Health) -> Self {
        self.admin.health = health;
        self
    }

    /// How this process is to be shown among the nodes. Default: under the name `gatepass`.
    pub fn this_node(mut self, this_node: ThisNode) -> Self {
        self.admin.this_node = this_node;
        self
    }

    /// An address that the side port listens on, and may therefore be asked for by. An
    /// unspecified one (`0.0.0.0`, `::`) allows every address, but no name.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.admin.hosts.listen(address.ip());
        self
    }

    /// A host that the side port may be asked for by. Default: `localhost` and the loopback
    /// addresses, which stay allowed.
    pub fn host(mut self, host: HostPattern) -> Self {
        self.admin.hosts.add(host);
        self
    }

    /// The router: health, metrics, the native API and the dialects, each behind what it needs.
    pub fn build(self) -> Router {
        let admin = Arc::new(self.admin);
        let mut sections = vec![native::section(), octane::section(), qps::section()];
        let mut module = Router::new();
        if let Some(space) = self.session_module {
            sections.push(qps::module_section());
            module = qps::module_router(&admin, space);
        }
        sections.push(ops::section(self.metrics_public, self.docs_public));
        let (mut open, mut guarded) = (ops::health(), Router::new());
        for (routes, public) in [
            (ops::metrics(), self.metrics_public),
            (openapi::router(&sections), self.docs_public),
        ] {
            let place = if public { &mut open } else { &mut guarded };
            *place = std::mem::take(place).merge(routes);
        }
        let guarded = guarded
            .merge(native::router(&admin))
            .method_not_allowed_fallback(wrong_method)
            .fallback(unknown_route)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(from_fn_with_state(Arc::clone(&admin), guard));
        open.method_not_allowed_fallback(wrong_method)
            .merge(guarded)
            .merge(octane::router(&admin))
            .merge(qps::router(&admin))
            .merge(module)
            .layer(CatchPanicLayer::custom(problem::of_panic))
            .layer(from_fn(problem::finish))
            .with_state(admin)
    }
}

async fn wrong_method() -> Problem {
    ProblemKind::MethodNotAllowed.into()
}

async fn unknown_route() -> Problem {
    ProblemKind::UnknownRoute.into()
}

/// Bytes of a request's body.
const MAX_BODY: usize = 64 * 1024;
/// Streams of events at a time; well below the connections that a server takes.
const MAX_STREAMS: usize = 64;

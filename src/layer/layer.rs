//! The layer.

use tower_layer::Layer;

use super::gate::{Gate, GateBuilder};
use super::service::ProxySessionService;
use super::websocket::WebSocketPolicy;
use crate::authn::{Authenticator, Chain};
use crate::domain::{AccessRules, ClassifyRule, CookiePolicy, HostPattern, Scheme};
use crate::sessions::Sessions;

/// Lets only requests with a session through to the inner service; see the
/// [module](super) for the rules.
///
/// Works with any tower service over HTTP: axum, plain hyper, tonic.
#[derive(Clone, Debug)]
pub struct ProxySessionLayer {
    gate: Gate,
}

impl ProxySessionLayer {
    /// A layer over the default space of `sessions`. It lets nobody in until it is given an
    /// [`authenticator`](Self::authenticator).
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self {
            gate: Gate::builder(sessions).build(),
        }
    }

    /// A layer before which `gate` stands.
    #[must_use]
    pub const fn from_gate(gate: Gate) -> Self {
        Self { gate }
    }

    /// Asks `authenticator` who a caller is, after those that were added before.
    #[must_use]
    pub fn authenticator(self, authenticator: impl Authenticator) -> Self {
        self.with(|gate| gate.authenticator(authenticator))
    }

    /// Asks `chain` instead of the authenticators that were added before.
    #[must_use]
    pub fn chain(self, chain: Chain) -> Self {
        self.with(|gate| gate.chain(chain))
    }

    /// The session cookie. Default: `__Host-gatepass`, `SameSite=Lax`.
    #[must_use]
    pub fn cookie(self, policy: CookiePolicy) -> Self {
        self.with(|gate| gate.cookie(policy))
    }

    /// Says that clients use plain HTTP, where the server does not say so in a
    /// [`Connection`](crate::domain::Connection) extension: browsers then take the cookie
    /// only without the `__Host-` prefix and without `Secure`. For development.
    #[must_use]
    pub fn plain_http(self) -> Self {
        self.with(|gate| gate.scheme(Scheme::Http))
    }

    /// Who may use which paths. Default: everybody with a session, all.
    #[must_use]
    pub fn access(self, rules: AccessRules) -> Self {
        self.with(|gate| gate.access(rules))
    }

    /// Which license a session uses and what kind of client opened it.
    #[must_use]
    pub fn classify(self, rules: Vec<ClassifyRule>) -> Self {
        self.with(|gate| gate.classify(rules))
    }

    /// Hosts, beside this one, that a login may return to. Default: none.
    #[must_use]
    pub fn redirect_hosts(self, hosts: Vec<HostPattern>) -> Self {
        self.with(|gate| gate.redirect_hosts(hosts))
    }

    /// Which pages may open WebSockets. Default: all.
    #[must_use]
    pub fn websocket(self, policy: WebSocketPolicy) -> Self {
        self.with(|gate| gate.websocket(policy))
    }

    fn with(self, change: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        Self {
            gate: change(self.gate.into_builder()).build(),
        }
    }
}

impl<S> Layer<S> for ProxySessionLayer {
    type Service = ProxySessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProxySessionService::new(inner, self.gate.clone())
    }
}

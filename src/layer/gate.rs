//! A space's gate: who passes, decided without waiting where that is possible.

use std::fmt;
use std::sync::Arc;

use super::admit::Refusal;
use super::cookie::{CookieNames, Presented};
use super::due::Due;
use super::websocket::WebSocketPolicy;
use crate::authn::{Authenticator, AuthnRequest, Chain, Consumed};
use crate::domain::{
    AccessRules, ClassifyRule, CookiePolicy, Denied, HostPattern, Method, PathPrefix, RequestPath,
    Ruling, Scheme, Session, SpaceState, Tick,
};
use crate::sessions::{Resolution, Sessions};

/// Decides about the requests of one space. Cheap to clone.
#[derive(Clone)]
pub struct Gate(pub(super) Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) sessions: Sessions,
    pub(super) space: Arc<SpaceState>,
    pub(super) title: Box<str>,
    pub(super) prefix: PathPrefix,
    pub(super) chain: Chain,
    pub(super) cookie: CookieNames,
    pub(super) scheme: Scheme,
    pub(super) access: AccessRules,
    pub(super) classify: Vec<ClassifyRule>,
    pub(super) redirect_hosts: Vec<HostPattern>,
    pub(super) websocket: WebSocketPolicy,
    pub(super) qlik_endpoints: bool,
    /// What is taken off before a request goes on; made of the rest.
    pub(super) consumed: Arc<[Consumed]>,
}

/// Settings for a [`Gate`]. What is not set has the default that it names.
#[must_use]
pub struct GateBuilder(Settings);

/// What the gate says of a request at once.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// It has this live session and may pass.
    Pass(Arc<Session>),
    /// It has this live session and an access rule forbids the request.
    Denied(Arc<Session>, Denied),
    /// Whoever it is from, it does not pass.
    Refused(Refusal),
    /// Nobody knows yet: [`Gate::admit`] finds out.
    Ask(Ask),
}

/// What is known of a request that has to wait for a verdict.
#[derive(Debug)]
pub struct Ask {
    pub(super) cookie: Presented,
    /// Whether the request brings a credential, so that the cookie alone does not say whose it
    /// is.
    pub(super) brings_credential: bool,
    /// The cookie's session: live, but the request also brings a credential that has not
    /// opened it, or wants to be somebody's where that is nobody's.
    pub(super) current: Option<Arc<Session>>,
    /// Sessions whose time is up: the credential's, the cookie's.
    pub(super) due: Vec<(Arc<Session>, Due)>,
}

impl Gate {
    /// A gate before the default space of `sessions`, with nobody to ask who a caller is.
    pub fn builder(sessions: Sessions) -> GateBuilder {
        let space = Arc::clone(sessions.default_space());
        GateBuilder(Settings {
            title: space.id().as_str().into(),
            sessions,
            space,
            prefix: PathPrefix::default(),
            chain: Chain::default(),
            cookie: CookieNames::new(CookiePolicy::default()),
            scheme: Scheme::Https,
            access: AccessRules::default(),
            classify: Vec::new(),
            redirect_hosts: Vec::new(),
            websocket: WebSocketPolicy::default(),
            qlik_endpoints: false,
            consumed: Arc::default(),
        })
    }

    /// The verdict on `request` as far as it can be had without waiting. `path` is the
    /// request's path below the space's prefix.
    ///
    /// With a live session this allocates nothing and reads the clock once; the session is
    /// touched, unless a rule says that the request is no activity.
    pub fn decide(&self, request: AuthnRequest<'_>, path: &RequestPath<'_>) -> Verdict {
        if let Err(refusal) = self.check_socket_origin(request.parts) {
            return Verdict::Refused(refusal);
        }
        let method = request.parts.method.as_str();
        let verdict = self.look_up(request, |session, now| {
            self.0.access.rule(session, method, path, now)
        });
        if let Verdict::Pass(session) = &verdict
            && let Err(refusal) = self.check_socket_token(&request, session)
        {
            return Verdict::Refused(refusal);
        }
        verdict
    }

    /// As [`decide`](Self::decide), with `rule` for the access rules.
    pub(super) fn look_up(
        &self,
        request: AuthnRequest<'_>,
        rule: impl Fn(&Session, Tick) -> Ruling,
    ) -> Verdict {
        let Settings {
            sessions,
            space,
            chain,
            ..
        } = &*self.0;
        let now = sessions.now();
        let mut ask = Ask {
            cookie: Presented::Nothing,
            brings_credential: false,
            current: None,
            due: Vec::new(),
        };
        for credential in chain.credentials(&request) {
            ask.brings_credential = true;
            match sessions.resolve_credential_at(&credential, space, now) {
                Resolution::Live(session) => match rule(&session, now) {
                    Ruling::Ruled { met, is_activity } => {
                        return pass(session, met, is_activity.then_some(now));
                    }
                    Ruling::TooIdle { allowed } => ask.due.push((session, Due::TooIdle(allowed))),
                },
                Resolution::Due(session, reason) => ask.due.push((session, Due::Over(reason))),
                Resolution::Unknown => {}
            }
        }
        ask.cookie = self
            .0
            .cookie
            .read(&request.parts.headers, self.scheme(&request));
        if let Some(digest) = ask.cookie.digest() {
            // Whoever brings a credential is who the credential says, not who the cookie says:
            // it has to be looked at. So has nobody's session where somebody is wanted.
            let says_little = |session: &Session| {
                ask.brings_credential
                    || (session.method() == Method::Anonymous && self.wants_somebody(request.parts))
            };
            match sessions.resolve_at(digest, space, now) {
                Resolution::Live(session) => match rule(&session, now) {
                    Ruling::TooIdle { allowed } => ask.due.push((session, Due::TooIdle(allowed))),
                    Ruling::Ruled { is_activity, .. } if says_little(&session) => {
                        if is_activity {
                            session.touch(now);
                        }
                        ask.current = Some(session);
                    }
                    Ruling::Ruled { met, is_activity } => {
                        return pass(session, met, is_activity.then_some(now));
                    }
                },
                Resolution::Due(session, reason) => ask.due.push((session, Due::Over(reason))),
                Resolution::Unknown => {}
            }
        }
        Verdict::Ask(ask)
    }

    /// Checks the access rules for a request of `session`.
    ///
    /// # Errors
    ///
    /// When a rule is not met.
    pub fn may(
        &self,
        session: &Session,
        method: &http::Method,
        path: &RequestPath<'_>,
    ) -> Result<(), Denied> {
        self.0.access.check(session, method.as_str(), path)
    }

    /// Whether a request for `path` keeps its session alive, as far as the access rules say.
    #[must_use]
    pub fn is_activity(&self, method: &http::Method, path: &RequestPath<'_>) -> bool {
        self.0.access.is_activity(method.as_str(), path)
    }

    /// The sessions behind this gate.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The space it stands before.
    #[must_use]
    pub fn space(&self) -> &Arc<SpaceState> {
        &self.0.space
    }

    /// The space's name, as pages show it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The space's path prefix.
    #[must_use]
    pub fn prefix(&self) -> &PathPrefix {
        &self.0.prefix
    }

    /// The scheme the client uses, as far as that is known.
    #[must_use]
    pub fn scheme(&self, request: &AuthnRequest<'_>) -> Scheme {
        request
            .connection
            .map_or(self.0.scheme, |connection| connection.scheme)
    }

    /// The session cookie.
    #[must_use]
    pub fn cookie(&self) -> &CookieNames {
        &self.0.cookie
    }

    /// Whether there are no access rules.
    pub(super) fn has_no_rules(&self) -> bool {
        self.0.access.is_empty()
    }

    /// A builder that starts from this gate's settings.
    pub fn into_builder(self) -> GateBuilder {
        GateBuilder(Arc::unwrap_or_clone(self.0))
    }

    /// Whether `path`, below the prefix, is answered here and never forwarded.
    #[must_use]
    pub fn is_own(&self, path: &str) -> bool {
        Self::is_reserved(path) || self.0.qlik_endpoints && Self::is_qlik_endpoint(path)
    }

    /// Whether `path`, below the prefix, is the gateway's own in every space.
    #[must_use]
    pub fn is_reserved(path: &str) -> bool {
        path.strip_prefix("/.gatepass")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The verdict on a request with a live session, touched at `active`.
fn pass(session: Arc<Session>, met: Result<(), Denied>, active: Option<Tick>) -> Verdict {
    if let Some(now) = active {
        session.touch(now);
    }
    match met {
        Ok(()) => Verdict::Pass(session),
        Err(denied) => Verdict::Denied(session, denied),
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("space", self.0.space.id())
            .field("chain", &self.0.chain)
            .finish_non_exhaustive()
    }
}

impl GateBuilder {
    /// The space to stand before. Default: the default space of the sessions.
    pub fn space(mut self, space: Arc<SpaceState>) -> Self {
        self.0.title = space.id().as_str().into();
        self.0.space = space;
        self
    }

    /// The space's name, as pages show it. Default: its id. Set after [`space`](Self::space).
    pub fn title(mut self, title: &str) -> Self {
        self.0.title = title.into();
        self
    }

    /// The path prefix below which the space lives; the login page is below it. Default: none.
    pub fn prefix(mut self, prefix: PathPrefix) -> Self {
        self.0.prefix = prefix;
        self
    }

    /// Asks `chain` who a caller is.
    pub fn chain(mut self, chain: Chain) -> Self {
        self.0.chain = chain;
        self
    }

    /// Asks `authenticator` too, after those that are there.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.0.chain = self.0.chain.with(authenticator);
        self
    }

    /// The session cookie. Default: `__Host-gatepass`, `SameSite=Lax`.
    pub fn cookie(mut self, policy: CookiePolicy) -> Self {
        self.0.cookie = CookieNames::new(policy);
        self
    }

    /// The scheme that clients use, for requests without a
    /// [`Connection`](crate::domain::Connection) in their extensions. Default: https.
    pub const fn scheme(mut self, scheme: Scheme) -> Self {
        self.0.scheme = scheme;
        self
    }

    /// Who may use which paths. Default: everybody with a session, all.
    pub fn access(mut self, rules: AccessRules) -> Self {
        self.0.access = rules;
        self
    }

    /// Which license a session uses and what kind of client opened it. Default: no license;
    /// browsers are `UI`, the rest is `Integration`.
    pub fn classify(mut self, rules: Vec<ClassifyRule>) -> Self {
        self.0.classify = rules;
        self
    }

    /// Hosts, beside this one, that a login may return to. Default: none.
    pub fn redirect_hosts(mut self, hosts: Vec<HostPattern>) -> Self {
        self.0.redirect_hosts = hosts;
        self
    }

    /// Which pages may open WebSockets. Default: all.
    pub fn websocket(mut self, policy: WebSocketPolicy) -> Self {
        self.0.websocket = policy;
        self
    }

    /// Answers `/qps/user` and `/qps/csrftoken` below the prefix, as the Qlik Sense Proxy
    /// Service does. Default: they are forwarded like every path.
    pub const fn qlik_endpoints(mut self) -> Self {
        self.0.qlik_endpoints = true;
        self
    }

    /// The gate.
    #[must_use]
    pub fn build(mut self) -> Gate {
        let of_chain = self.0.chain.consumed().iter().cloned();
        self.0.consumed = of_chain.chain(self.0.websocket.consumed()).collect();
        Gate(Arc::new(self.0))
    }
}

//! A space: who may come in, and what is behind it.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};

use super::{
    AssertionOptions, AuthnMethod, IdentityHeaders, PoolOptions, QlikOptions, Upstream,
    UpstreamTimeouts, WebSocketOptions,
};
use crate::domain::{
    AccessRules, ClassifyRule, CookiePolicy, HostPattern, PathPrefix, SeatLimit, SessionPolicy,
    SpaceId,
};

/// One tenant of the gateway.
#[derive(Clone, Debug)]
pub struct SpaceOptions {
    /// Its id.
    pub id: SpaceId,
    /// Its name for people. Default: the id.
    pub name: String,
    /// The hosts it answers to; none means every host.
    pub hosts: Vec<HostPattern>,
    /// The path prefix it answers to. Default: the empty one.
    pub prefix: PathPrefix,
    /// The servers behind it; at least one.
    pub upstreams: Vec<Upstream>,
    /// The authorities (PEM) that the certificates of https upstreams must come from. Default:
    /// those that the machine trusts.
    pub upstream_ca: Option<PathBuf>,
    /// Whether the prefix is taken off before a request is forwarded. Default: yes.
    pub strip_prefix: bool,
    /// Whether the upstream sees the client's `Host` header rather than its own name.
    /// Default: yes.
    pub preserve_host: bool,
    /// The methods of authentication, at least one, in the order they are tried.
    pub authn: Vec<AuthnMethod>,
    /// The headers that tell the upstream who the user is. Default: none.
    pub identity_headers: Vec<IdentityHeaders>,
    /// The signed assertion of who the user is. Default: none.
    pub assertion: Option<AssertionOptions>,
    /// Lifetimes and limits of its sessions.
    pub session: SessionPolicy,
    /// Headers of all its responses; one with an empty value is taken off the upstream's.
    /// Default: none.
    pub response_headers: Vec<(HeaderName, HeaderValue)>,
    /// Its session cookie; see [`SpaceOptions::default_cookie_name`].
    pub cookie: CookiePolicy,
    /// Which users may use which paths. Default: every user every path.
    pub access: AccessRules,
    /// How licenses and client types are told. Default: not at all.
    pub classify: Vec<ClassifyRule>,
    /// How many sessions may use a license at a time; each license once. Default: any number.
    pub licenses: Vec<SeatLimit>,
    /// Hosts, beside its own origin, that a browser may be sent to after a login or logout.
    pub redirect_hosts: Vec<HostPattern>,
    /// What of the Qlik dialect it speaks to browsers.
    pub qlik: QlikOptions,
    /// How long each phase of an exchange with an upstream may take.
    pub timeouts: UpstreamTimeouts,
    /// The pool of connections to each upstream.
    pub pool: PoolOptions,
    /// What is particular to WebSockets.
    pub websocket: WebSocketOptions,
}

impl SpaceOptions {
    /// The name of a space's cookie unless the configuration gives one: `gatepass`, with
    /// the prefix's segments behind it, so that spaces of one host keep theirs apart.
    #[must_use]
    pub fn default_cookie_name(prefix: &PathPrefix) -> String {
        format!("gatepass{}", prefix.as_str().replace('/', "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_named_after_the_prefix() {
        let name = |prefix| SpaceOptions::default_cookie_name(&PathPrefix::new(prefix).unwrap());
        assert_eq!(name(""), "gatepass");
        assert_eq!(name("/sales"), "gatepass-sales");
        assert_eq!(name("/a/b"), "gatepass-a-b");
    }
}

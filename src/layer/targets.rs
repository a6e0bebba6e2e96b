//! Addresses of this origin, and where a browser may be sent from here.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use percent_encoding::utf8_percent_encode;

use super::gate::Gate;
use super::reject::IN_QUERY;
use super::take_off::target;
use crate::authn::AuthnRequest;
use crate::domain::{ReturnTarget, host_of_authority};

impl Gate {
    /// The origin that the client named, as `https://host:port`; `None` when it named none.
    pub(super) fn origin(&self, request: &AuthnRequest<'_>) -> Option<String> {
        let authority = authority(request.parts)?;
        host_of_authority(authority)?;
        let scheme = self.scheme(request).as_str();
        Some(format!("{scheme}://{}", authority.to_ascii_lowercase()))
    }

    /// The address that the request is for, without what is for the gateway. `None` when the
    /// client named no host, or when nobody would remember so long an address.
    pub(super) fn own_address(&self, request: &AuthnRequest<'_>) -> Option<String> {
        let uri = &request.parts.uri;
        let query = self.clean_query(uri.query().unwrap_or_default());
        let address = self.origin(request)? + &target(uri.path(), &query);
        (address.len() <= ReturnTarget::MAX && address.is_ascii()).then_some(address)
    }

    /// `raw` as somewhere a browser may be sent: a path of this origin, which it may name in
    /// full, or an address of an allow-listed host. None of the gateway's own pages.
    pub(super) fn safe_target(&self, request: &AuthnRequest<'_>, raw: &str) -> Option<String> {
        let below = self.origin(request).and_then(|origin| {
            let (start, rest) = raw.split_at_checked(origin.len())?;
            start.eq_ignore_ascii_case(&origin).then_some(rest)
        });
        let raw = match below {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => raw,
        };
        let target = ReturnTarget::parse(raw, &self.0.redirect_hosts).ok()?;
        (!self.is_own_page(target.as_str())).then(|| target.to_string())
    }

    /// Where a login module sends a browser, with a ticket behind it, that is to come to
    /// `target` of [`safe_target`](Self::safe_target). That is `target` where the ticket can
    /// be redeemed there: on this origin, in this space, and not behind a `#`. Elsewhere it
    /// would open nothing, and hand somebody else a session; the way there is by our login.
    pub(super) fn way_back(&self, request: &AuthnRequest<'_>, target: &str) -> Option<String> {
        let (origin, prefix) = (self.origin(request)?, &self.0.prefix);
        let path = target.split('?').next().unwrap_or_default();
        if !target.contains('#') && path.starts_with('/') && prefix.strip(path).is_some() {
            return Some(origin + target);
        }
        let target = utf8_percent_encode(target, IN_QUERY);
        Some(format!("{origin}{prefix}/.gatepass/login?return={target}"))
    }
}

/// The host and port that a request is for, as its client wrote them.
pub(super) fn authority(parts: &Parts) -> Option<&str> {
    parts
        .uri
        .authority()
        .map(Authority::as_str)
        .or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()))
}

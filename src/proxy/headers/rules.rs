//! A space's rules for headers, applied in their one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::assertion::Assertion;
use super::cookies::CookieNames;
use super::forwarded::{ConnectionHeaders, Peer, Said};
use super::hop_by_hop::{Exchange, Hop};
use super::identity::{ProfileError, Profiles, look_alike};
use super::responses::{ResponseHeaderError, ResponseHeaders};
use super::scrub::{Scrub, remove};
use crate::domain::{Connection, PathPrefix, Scheme, Session, Tick};
use crate::layer::SetCookie;

/// What is done to the headers of a space's requests and responses. Built when the
/// configuration is read; see the [module](super) for the order.
#[derive(Debug)]
pub struct HeaderRules {
    scrub: Arc<Scrub>,
    cookies: Arc<CookieNames>,
    prefix: Option<HeaderValue>,
    profiles: Profiles,
    assertion: Option<Assertion>,
    responses: ResponseHeaders,
    /// Headers that a request may gain at most.
    most: usize,
    /// Tells what these rules have prepared from what others have.
    generation: u64,
}

/// What is known of a request beside its headers.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// The connection it came on.
    pub connection: &'a Connection,
    /// What was prepared for that connection.
    pub known: &'a ConnectionHeaders,
    /// Whether the peer speaks for connections before it.
    pub peer: Peer,
    /// The live session, if there is one.
    pub session: Option<&'a Session>,
    /// Now.
    pub now: Tick,
    /// Headers that authenticated *this* request and are not for the upstream.
    pub consumed: &'a [HeaderName],
}

/// The finished headers of one session, kept in the session's slot.
#[derive(Debug)]
struct Prepared {
    generation: u64,
    scheme: Scheme,
    /// [`Tick::MAX`] without an assertion.
    until: Tick,
    headers: Box<[(HeaderName, HeaderValue)]>,
}

impl HeaderRules {
    /// Rules that take out `scrub` and `cookies` and assert nothing. Both are the same for
    /// all spaces of a gateway but for what their authenticators consume.
    #[must_use]
    pub fn new(scrub: Arc<Scrub>, cookies: Arc<CookieNames>) -> Self {
        static GENERATION: AtomicU64 = AtomicU64::new(0);
        Self {
            scrub,
            cookies,
            prefix: None,
            profiles: Profiles::default(),
            assertion: None,
            responses: ResponseHeaders::default(),
            most: MOST_FORWARDED,
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// With `prefix` told to the upstream, as it is taken off the path.
    #[must_use]
    pub fn with_stripped_prefix(mut self, prefix: &PathPrefix) -> Self {
        self.prefix = Some(prefix.as_str())
            .filter(|p| !p.is_empty())
            .and_then(|p| HeaderValue::from_str(p).ok());
        self
    }

    /// With these identity headers. The scrub must know their names.
    #[must_use]
    pub fn with_profiles(mut self, profiles: Profiles) -> Self {
        self.most = MOST_FORWARDED + 1 + profiles.names().count();
        self.profiles = profiles;
        self
    }

    /// With a signed assertion. The scrub must know its header.
    ///
    /// # Errors
    ///
    /// When a profile sets the header of that name.
    pub fn with_assertion(mut self, assertion: Assertion) -> Result<Self, ProfileError> {
        let header = assertion.header();
        if self.profiles.names().any(|n| look_alike(n, header)) {
            return Err(ProfileError::Duplicate(header.clone()));
        }
        self.assertion = Some(assertion);
        Ok(self)
    }

    /// With these headers on all responses.
    ///
    /// # Errors
    ///
    /// When the scrub takes out one of them.
    pub fn with_response_headers(
        mut self,
        headers: ResponseHeaders,
    ) -> Result<Self, ResponseHeaderError> {
        headers.check_against(&self.scrub)?;
        self.responses = headers;
        Ok(self)
    }

    /// What is taken out, for trailers.
    #[must_use]
    pub const fn scrub(&self) -> &Arc<Scrub> {
        &self.scrub
    }

    /// Makes of a client's request headers what the upstream is to see. `Host` has to be among
    /// them (from `:authority` in HTTP/2), as it stays and feeds `X-Forwarded-Host`; an
    /// upgrade is only one in HTTP/1.1 (RFC 9110, section 7.8).
    pub fn prepare_request(&self, headers: &mut HeaderMap, facts: &RequestFacts<'_>) -> Exchange {
        let found = self.scrub.find_inbound(headers);
        let hop = Hop::read(headers, &found);
        let said = Said::read(headers, facts.peer);
        remove(headers, &hop.named);
        remove(headers, &found);
        self.cookies.strip(headers);
        remove(headers, facts.consumed);
        // At most one growth; a map at its limit grows, or not, in the inserts.
        let _ = headers.try_reserve(self.most);
        let exchange = hop.exchange();
        hop.rebuild(headers);
        said.rebuild(headers, facts.connection, facts.known, self.prefix.as_ref());
        if let Some(session) = facts.session {
            self.assert_identity(headers, session, facts.connection.scheme, facts.now);
        }
        exchange
    }

    /// Makes of an upstream's response headers what the client is to see. Only `101` and
    /// `426` keep `Upgrade`.
    pub fn prepare_response(&self, headers: &mut HeaderMap, status: StatusCode) -> Exchange {
        SetCookie::withhold(headers, |name| self.cookies.contains(name));
        let exchange = self.take_hop_by_hop(headers, status);
        self.responses.put_into(headers);
        exchange
    }

    /// Adds to a response what the space wants on all of them and this one does not have: for
    /// the gateway's own answers.
    pub fn complete_response(&self, headers: &mut HeaderMap) {
        self.responses.add_to(headers);
    }

    fn take_hop_by_hop(&self, headers: &mut HeaderMap, status: StatusCode) -> Exchange {
        let found = self.scrub.find_outbound(headers);
        if found.is_empty() {
            return Exchange::Message;
        }
        let hop = Hop::read(headers, &found);
        remove(headers, &hop.named);
        remove(headers, &found);
        let exchange = hop.exchange();
        match status {
            StatusCode::SWITCHING_PROTOCOLS => {
                hop.rebuild(headers);
                exchange
            }
            StatusCode::UPGRADE_REQUIRED => {
                hop.rebuild(headers);
                Exchange::Message
            }
            _ => Exchange::Message,
        }
    }

    fn assert_identity(
        &self,
        headers: &mut HeaderMap,
        session: &Session,
        scheme: Scheme,
        now: Tick,
    ) {
        let fits = |p: &Prepared| {
            let fits = p.generation == self.generation && p.scheme == scheme && now < p.until;
            if fits {
                p.apply(headers);
            }
            fits
        };
        if session.prepared(fits) != Some(true) {
            let prepared = self.prepare(session, scheme, now);
            prepared.apply(headers);
            session.prepare(prepared);
        }
    }

    fn prepare(&self, session: &Session, scheme: Scheme, now: Tick) -> Prepared {
        let mut headers = self.profiles.finish(session, scheme).into_vec();
        let mut until = Tick::MAX;
        if let Some(assertion) = &self.assertion {
            if let Some((value, good_until)) = assertion.sign(session, now) {
                headers.push((assertion.header().clone(), value));
                until = good_until;
            } else {
                // The upstream sees none and refuses; the next request tries again.
                tracing::error!(session.id = %session.id(), "could not sign an identity assertion");
                until = now;
            }
        }
        Prepared {
            generation: self.generation,
            scheme,
            until,
            headers: headers.into(),
        }
    }
}

impl Prepared {
    fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

/// Headers that [`forwarded`](super::forwarded) and [`hop_by_hop`](super::hop_by_hop) may set.
const MOST_FORWARDED: usize = 8;

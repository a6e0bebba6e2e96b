//! Logging in elsewhere: to the login module with a name for the address that was asked for,
//! and back with a ticket.
//!
//! 1. A page load of nobody is sent to the module with `targetId` and `proxyRestUri`.
//! 2. The module buys a ticket at the side port, which tells it the address.
//! 3. The browser comes back with the ticket, gets a session, and is sent to the same address
//!    without the ticket, so that it stays in no history, bookmark or `Referer`.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::client::is_page_load;
use super::cookie::{SetCookie, with_cookie};
use super::endpoints::any_case_parameter;
use super::gate::{Gate, Verdict};
use super::reject::{found, see_other};
use super::take_off::target;
use crate::authn::AuthnRequest;
use crate::authn::ticket::{brings_ticket, forces_login};
use crate::domain::{Method, RequestPath, Session};

impl Gate {
    /// Whether a request wants its caller to be somebody: `forceauthentication=yes`, where
    /// there are tickets and a place to log in.
    pub(super) fn wants_somebody(&self, parts: &Parts) -> bool {
        parts.uri.query().is_some_and(forces_login)
            && self
                .0
                .chain
                .methods()
                .any(|method| method == Method::Ticket)
            && self.login_challenge().is_some()
    }

    /// The redirect to the login module for a request that may not pass; `reloadUri`, when it
    /// is safe, is where the user comes back to, otherwise the address asked for.
    pub(super) async fn to_login_module(&self, request: AuthnRequest<'_>) -> Response<Bytes> {
        let query = request.parts.uri.query().unwrap_or_default();
        let reload = any_case_parameter(query, "reloaduri")
            .and_then(|raw| self.safe_target(&request, &raw))
            .and_then(|target| self.way_back(&request, &target));
        let address = reload.or_else(|| self.own_address(&request));
        self.to_module(request, address).await
    }

    /// The redirect to the login module, from which the user comes back to `address`, or to
    /// the space's start.
    pub(super) async fn to_module(
        &self,
        request: AuthnRequest<'_>,
        address: Option<String>,
    ) -> Response<Bytes> {
        let start = || Some(format!("{}{}/", self.origin(&request)?, self.0.prefix));
        let (Some(module), Some(address)) = (self.0.chain.login_module(), address.or_else(start))
        else {
            return self.unauthorized(request, None, AUTHENTICATION_NEEDED);
        };
        let remembered = format!("{} {address}", self.0.space.id());
        match self.0.sessions.remember_target(remembered.into()).await {
            Ok(id) => found(&module.address_for(id)),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the address that a browser asked for could not be remembered"
                );
                self.unavailable(request.parts)
            }
        }
    }

    /// The login page for a browser that comes back to it from the module: it is sent on to
    /// `target`, which its ticket could not be sent to.
    pub(super) async fn redeem_at_login(
        &self,
        request: AuthnRequest<'_>,
        target: &str,
    ) -> Response<Bytes> {
        let rule = |session: &Session, now| self.rule_of_time(request.parts, session, now);
        let opened = match self.look_up(request, rule) {
            Verdict::Pass(session) | Verdict::Denied(session, _) => Ok((session, None)),
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Ask(ask) => self.find_or_open(request, ask, rule).await,
        };
        match opened {
            Ok((_, cookie)) => with_cookie(see_other(target), cookie),
            Err(refusal) => self.refuse(request, &refusal).await,
        }
    }

    /// Whether a request brings a ticket, in a space that takes tickets.
    pub(super) fn brings_ticket(&self, parts: &Parts) -> bool {
        parts.uri.query().is_some_and(brings_ticket)
            && self
                .0
                .chain
                .methods()
                .any(|method| method == Method::Ticket)
    }

    /// The answer to a page load that redeemed a ticket: the same address without it, and the
    /// cookie of the new session. `None` for programs, which do not expect to be sent around.
    pub(super) fn without_ticket(
        &self,
        request: AuthnRequest<'_>,
        path: &RequestPath<'_>,
        session: &Arc<Session>,
        cookie: Option<&SetCookie>,
    ) -> Option<Response<Bytes>> {
        let cookie = cookie.filter(|_| session.method() == Method::Ticket)?;
        if !is_page_load(request.parts) {
            return None;
        }
        // The path in its normal form: a target such as `//host` would lead elsewhere.
        let path = format!("{}{}", self.0.prefix, path.as_str());
        let query = self.clean_query(request.parts.uri.query().unwrap_or_default());
        let mut response = see_other(&target(&path, &query));
        cookie.clone().apply(response.headers_mut());
        Some(response)
    }
}

pub(super) const AUTHENTICATION_NEEDED: &str = "Authentication is needed.";

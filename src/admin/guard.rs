//! Who may call the side port: every route but the health checks is behind this.
//!
//! In this order:
//! 1. The request is for a host of ours, else 421 (no DNS rebinding).
//! 2. It does not come from a page of another origin: `Origin`, where there is one, is our
//!    own, and `Sec-Fetch-Site` does not say otherwise, else 403. A page on another port of
//!    this host, as the gateway's own edge, is another origin too.
//! 3. It has a body only as JSON, which no form can send, else 415.
//! 4. It bears a valid API key, else 401 with a challenge, or 429 after too many failures.
//!
//! What the key may do is decided route by route, with 403.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap, HeaderValue, header};
use http_body::Body as _;

use super::hosts::is_own;
use super::keys::{Denied, Principal};
use super::problem::{Problem, ProblemKind};
use super::state::Admin;
use crate::domain::Connection;
use crate::telemetry::audit;

/// The middleware. A request that passes carries its `Arc<Principal>`.
pub(super) async fn guard(
    State(admin): State<Arc<Admin>>,
    mut request: Request,
    next: Next,
) -> Response {
    let from = client_ip(request.extensions());
    let checked = match check_browser(&admin, &request) {
        Ok(()) => authenticate(&admin, request.headers(), from).await,
        Err(problem) => {
            audit::admin_refused(problem.name(), None, from);
            Err(problem)
        }
    };
    match checked {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Where a request came from, where the server tells.
pub(super) fn client_ip(extensions: &Extensions) -> Option<IpAddr> {
    extensions
        .get::<Connection>()
        .map(|connection| connection.client_ip)
}

fn check_browser(admin: &Admin, request: &Request) -> Result<(), Problem> {
    check_source(admin, request)?;
    let empty = request.body().is_end_stream() || request.body().size_hint().exact() == Some(0);
    if !empty && !is_json(request.headers()) {
        return Err(ProblemKind::NotJson.into());
    }
    Ok(())
}

/// The first two checks: for a host of ours, and not from a page of another origin.
pub(super) fn check_source(admin: &Admin, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let authority = admin.hosts().check(request.uri(), headers)?;
    let scheme = request.extensions().get::<Connection>().map(|c| c.scheme);
    let own = |origin: &HeaderValue| {
        origin
            .to_str()
            .is_ok_and(|origin| is_own(origin, authority, scheme))
    };
    let fetched_here = |site: &HeaderValue| site == "same-origin" || site == "none";
    if !headers.get_all(header::ORIGIN).iter().all(own)
        || !headers.get_all("sec-fetch-site").iter().all(fetched_here)
    {
        return Err(ProblemKind::CrossOrigin.into());
    }
    Ok(())
}

/// Whether a body is declared as JSON, once.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(one)), None) = (types.next().map(HeaderValue::to_str), types.next()) else {
        return false;
    };
    let essence = one.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn authenticate(
    admin: &Admin,
    headers: &HeaderMap,
    from: Option<IpAddr>,
) -> Result<Arc<Principal>, Problem> {
    let Some(presented) = bearer(headers) else {
        audit::admin_refused("no_key", None, from);
        return Err(challenge(r#"Bearer realm="gatepass""#));
    };
    admin
        .keys()
        .verify(presented, from)
        .await
        .map_err(|denied| {
            audit::admin_refused(denied.as_str(), denied.key(), from);
            match denied {
                Denied::TooMany { retry_after } => Problem::new(ProblemKind::TooManyAttempts)
                    .header(header::RETRY_AFTER, seconds(retry_after)),
                _ => challenge(r#"Bearer realm="gatepass", error="invalid_token""#),
            }
        })
}

/// The one bearer token of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (all.next(), all.next()) else {
        return None;
    };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

fn challenge(how: &'static str) -> Problem {
    Problem::new(ProblemKind::Unauthenticated)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(how))
}

fn seconds(duration: std::time::Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0))
}

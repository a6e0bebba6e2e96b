//! Who may call the side port: every route but the health checks is behind this.
//!
//! In this order:
//! 1. The request is for a host of ours, else 421 (no DNS rebinding).
//! 2. It does not come from a page of another origin: `Origin`, where there is one, is our
//!    own, and `Sec-Fetch-Site` does not say otherwise, else 403. A page on another port of
//!    this host, as the gateway's own edge, is another origin too.
//! 3. It has a body only as JSON or as lines of JSON, which no form can send, else 415.
//! 4. It bears a valid API key, else 401 with a challenge, or 429 after too many failures.
//!    Without any `Authorization`, a client certificate that has a role will do as well; one
//!    that has none gets 403.
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
use super::keys::{Denied, Principal, Strange};
use super::problem::{Problem, ProblemKind};
use super::state::Admin;
use crate::domain::{ClientCertificate, Connection};
use crate::telemetry::audit;

/// The middleware. A request that passes carries its `Arc<Principal>`.
pub(super) async fn guard(
    State(admin): State<Arc<Admin>>,
    mut request: Request,
    next: Next,
) -> Response {
    let checked = match check_browser(&admin, &request) {
        Ok(()) => {
            let (parts, body) = request.into_parts();
            let found = identify(&admin, &parts.headers, &parts.extensions).await;
            request = Request::from_parts(parts, body);
            found.map_err(Problem::from)
        }
        Err(problem) => {
            audit::admin_refused(problem.name(), None, client_ip(request.extensions()));
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
    if !empty && !is_of_type(request.headers(), &["application/json", JSON_LINES]) {
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
    is_of_type(headers, &["application/json"])
}

/// The media type of lines of JSON.
pub(super) const JSON_LINES: &str = "application/x-ndjson";

fn is_of_type(headers: &HeaderMap, allowed: &[&str]) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(one)), None) = (types.next().map(HeaderValue::to_str), types.next()) else {
        return false;
    };
    let essence = one.split(';').next().unwrap_or_default().trim();
    allowed.iter().any(|one| essence.eq_ignore_ascii_case(one))
}

/// Why it is not known who sent a request, or not anybody who may.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unidentified {
    /// It brings nothing that says who.
    #[error("a valid API key or a client certificate is needed")]
    Nothing,
    /// It brings a key that opens nothing.
    #[error(transparent)]
    Key(#[from] Denied),
    /// It brings a certificate that opens nothing.
    #[error(transparent)]
    Certificate(#[from] Strange),
}

impl From<Unidentified> for Problem {
    fn from(why: Unidentified) -> Self {
        match why {
            Unidentified::Nothing => challenge(r#"Bearer realm="gatepass""#),
            Unidentified::Key(Denied::TooMany { retry_after }) => {
                Self::new(ProblemKind::TooManyAttempts)
                    .header(header::RETRY_AFTER, seconds(retry_after))
            }
            Unidentified::Key(_) => challenge(r#"Bearer realm="gatepass", error="invalid_token""#),
            Unidentified::Certificate(why) => {
                Self::new(ProblemKind::Forbidden).detail(why.to_string())
            }
        }
    }
}

/// Who sent a request: whose key it bears, or else whose certificate its connection has. A key
/// that is wrong never falls through to the certificate. Who is turned away is written down.
pub(super) async fn identify(
    admin: &Admin,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Arc<Principal>, Unidentified> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return identify_certificate(admin, extensions);
    }
    let from = client_ip(extensions);
    let Some(presented) = bearer(headers) else {
        audit::admin_refused("no_key", None, from);
        return Err(Unidentified::Nothing);
    };
    let verified = admin.keys().verify(presented, from).await;
    verified.map_err(|denied| {
        audit::admin_refused(denied.as_str(), denied.key(), from);
        denied.into()
    })
}

/// Whose certificate the connection of a request has; who is turned away is written down.
pub(super) fn identify_certificate(
    admin: &Admin,
    extensions: &Extensions,
) -> Result<Arc<Principal>, Unidentified> {
    let from = client_ip(extensions);
    let Some(certificate) = extensions.get::<Arc<ClientCertificate>>() else {
        audit::admin_refused("no_key", None, from);
        return Err(Unidentified::Nothing);
    };
    let now = admin.sessions().clock().wall();
    let known = admin.certificates().principal(certificate, now);
    known.map_err(|strange| {
        audit::certificate_refused(strange.as_str(), certificate, from);
        strange.into()
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

/// As `Retry-After` has it, rounded up.
pub(super) fn seconds(duration: std::time::Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0))
}

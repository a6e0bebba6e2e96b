//! From a refusal to a response: the one place where the layer chooses a status.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::admit::Refusal;
use super::client::accepts_html;
use super::gate::Gate;
use super::ticket_flow::AUTHENTICATION_NEEDED;
use super::websocket::SocketRefusal;
use super::{grpc, pages};
use crate::authn::{AuthnRequest, BearerError, Challenge};
use crate::domain::{Method, ReturnTarget, Timestamp};

/// What a query parameter's value may keep of a path.
pub(super) const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Gate {
    /// The response to a refused request. Waits only where the address asked for has to be
    /// remembered, for a login elsewhere.
    pub async fn refuse(&self, request: AuthnRequest<'_>, refusal: &Refusal) -> Response<Bytes> {
        let parts = request.parts;
        match refusal {
            Refusal::Unauthenticated {
                challenge: Some(Challenge::LoginPage),
                drop_cookie,
            } if self.redirects(parts) => {
                let mut response = self.to_login(parts);
                self.drop_cookie(request, *drop_cookie, &mut response);
                response
            }
            Refusal::Unauthenticated {
                challenge: Some(Challenge::LoginModule),
                drop_cookie,
            } if self.redirects(parts) => {
                let mut response = self.to_login_module(request).await;
                self.drop_cookie(request, *drop_cookie, &mut response);
                response
            }
            Refusal::Unauthenticated {
                challenge,
                drop_cookie,
            } => {
                let challenge = challenge.as_ref();
                let mut response = self.unauthorized(request, challenge, AUTHENTICATION_NEEDED);
                self.drop_cookie(request, *drop_cookie, &mut response);
                response
            }
            Refusal::BadCredential(failure) => {
                let challenge = failure.bearer_error().map(|error| Challenge::Bearer {
                    realm: self.0.space.id().as_str().into(),
                    error: Some(error),
                });
                // One answer for every ticket, whatever was wrong with it.
                let text = match failure.method() {
                    Method::Ticket => BAD_TICKET,
                    _ => AUTHENTICATION_NEEDED,
                };
                self.unauthorized(request, challenge.as_ref(), text)
            }
            Refusal::Forbidden(_) => self.say(
                parts,
                StatusCode::FORBIDDEN,
                "You may not use this part of the application.",
            ),
            Refusal::LimitReached { max } => {
                let text = format!(
                    "You have {max} open sessions, as many as you may have. Log out elsewhere first."
                );
                self.say(parts, StatusCode::FORBIDDEN, &text)
            }
            Refusal::NoSeat { license, seats } => {
                self.say(parts, StatusCode::FORBIDDEN, &no_seat(license, *seats))
            }
            Refusal::Locked { until } => self.say(parts, StatusCode::FORBIDDEN, &locked(*until)),
            Refusal::WebSocket(why) => {
                let text = match why {
                    SocketRefusal::Origin => "Pages of that origin may not open a connection here.",
                    SocketRefusal::CsrfToken => {
                        "A connection needs the session's cookie and its CSRF token."
                    }
                };
                self.say(parts, StatusCode::FORBIDDEN, text)
            }
            Refusal::Unavailable => self.unavailable(parts),
        }
    }

    pub(super) fn unavailable(&self, parts: &Parts) -> Response<Bytes> {
        let text =
            "Sessions cannot be checked at the moment. You are not logged out; try again shortly.";
        let mut response = self.say(parts, StatusCode::SERVICE_UNAVAILABLE, text);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("2"));
        response
    }

    /// The redirect to the login page, which leads back to where the request was going.
    pub(super) fn to_login(&self, parts: &Parts) -> Response<Bytes> {
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let target =
            ReturnTarget::parse(target, &[]).map_or_else(|_| "/".to_owned(), |t| t.to_string());
        let target = utf8_percent_encode(&target, IN_QUERY);
        see_other(&format!(
            "{}/.gatepass/login?return={target}",
            self.0.prefix
        ))
    }

    pub(super) fn unauthorized(
        &self,
        request: AuthnRequest<'_>,
        challenge: Option<&Challenge>,
        text: &str,
    ) -> Response<Bytes> {
        let mut response = self.say(request.parts, StatusCode::UNAUTHORIZED, text);
        let realm = self.0.space.id();
        // RFC 9110, section 15.5.2: a 401 names a scheme. Never Basic: browsers would ask.
        let value = match challenge {
            Some(Challenge::Bearer { error, .. }) => bearer(realm.as_str(), *error),
            Some(Challenge::LoginPage | Challenge::LoginModule) => format!(
                "Cookie realm=\"{realm}\", form-action=\"{}/.gatepass/login\", cookie-name=\"{}\"",
                self.0.prefix,
                self.0.cookie.name(self.scheme(&request)),
            ),
            None => bearer(realm.as_str(), None),
        };
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }

    fn drop_cookie(
        &self,
        request: AuthnRequest<'_>,
        unusable: bool,
        response: &mut Response<Bytes>,
    ) {
        if unusable {
            self.0
                .cookie
                .remove(self.scheme(&request))
                .apply(response.headers_mut());
        }
    }

    /// A short answer under the space's title: a page for who takes HTML, otherwise a problem
    /// (RFC 9457).
    pub fn say(&self, parts: &Parts, status: StatusCode, text: &str) -> Response<Bytes> {
        short_answer(&parts.headers, &self.0.title, status, text)
    }
}

/// A short answer to a request with these headers: a gRPC status for a call, a page under
/// `title` for who takes HTML, otherwise a problem (RFC 9457).
#[must_use]
pub fn short_answer(
    headers: &HeaderMap,
    title: &str,
    status: StatusCode,
    text: &str,
) -> Response<Bytes> {
    if grpc::is_call(headers) {
        return grpc::answer(status, text);
    }
    if accepts_html(headers) {
        return page(status, pages::message(title, status, text));
    }
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": text,
    });
    let mut response = Response::new(Bytes::from(problem.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A redirect that the browser follows with GET (RFC 9110, section 15.4.4).
pub(super) fn see_other(target: &str) -> Response<Bytes> {
    redirect(StatusCode::SEE_OTHER, target)
}

/// A redirect of a GET (RFC 9110, section 15.4.3), as clients of login modules know it.
pub(super) fn found(target: &str) -> Response<Bytes> {
    redirect(StatusCode::FOUND, target)
}

fn redirect(status: StatusCode, target: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let location = HeaderValue::try_from(target).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page of ours, which nobody may frame, script or keep.
pub(super) fn page(status: StatusCode, html: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (
            http::header::CONTENT_SECURITY_POLICY,
            pages::CONTENT_SECURITY_POLICY,
        ),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (http::header::X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const BAD_TICKET: &str = "This ticket cannot be used: a ticket works once, within a minute, and where it was \
                          bought for. Open the application anew, without it.";

/// What a user is told for whom no seat of the license is left.
pub(super) fn no_seat(license: &str, seats: u32) -> String {
    match seats {
        1 => format!("The only seat of the license {license} is taken. Try again later."),
        _ => format!("All {seats} seats of the license {license} are taken. Try again later."),
    }
}

/// What a user is told who is locked.
pub(super) fn locked(until: Option<Timestamp>) -> String {
    match until {
        // To the minute above: at the time that is named, the lock is gone.
        Some(until) => format!(
            "Your account is locked until {} UTC.",
            until
                .after(Duration::from_millis(59_999))
                .to_datetime()
                .format("%Y-%m-%d %H:%M")
        ),
        None => "Your account is locked. Ask an administrator.".to_owned(),
    }
}

fn bearer(realm: &str, error: Option<BearerError>) -> String {
    match error {
        Some(error) => format!("Bearer realm=\"{realm}\", error=\"{}\"", error.as_str()),
        None => format!("Bearer realm=\"{realm}\""),
    }
}

//! The endpoints of the Qlik dialect that scripts in a browser call, below a space's prefix:
//!
//! - `GET /qps/user` says who the caller is, and where to log in or out;
//! - `DELETE /qps/user` ends all of the caller's sessions in the space;
//! - `GET /qps/csrftoken` gives the session's CSRF token in the header `qlik-csrf-token`. With a
//!   bearer token it opens the session, too.
//!
//! They are never forwarded. Pages of other origins may read them where the space lists their
//! origin ([`WebSocketPolicy::origins`](super::WebSocketPolicy::origins)).

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, Response, StatusCode};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;

use super::admit::Refusal;
use super::cookie::{SetCookie, with_cookie};
use super::cors;
use super::endpoints::{any_case_parameter, is_same_origin};
use super::gate::{Gate, Verdict};
use super::reject::IN_QUERY;
use super::ticket_flow::AUTHENTICATION_NEEDED;
use crate::authn::{AuthnRequest, Outcome};
use crate::domain::{self, CsrfToken, EndReason, RequestPath, Session};
use crate::sessions::EndCause;

const QLIK_CSRF_TOKEN: HeaderName = HeaderName::from_static("qlik-csrf-token");

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    User,
    CsrfToken,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        match path.strip_suffix('/').unwrap_or(path) {
            "/qps/user" => Some(Self::User),
            "/qps/csrftoken" => Some(Self::CsrfToken),
            _ => None,
        }
    }

    const fn methods(self) -> &'static str {
        match self {
            Self::User => "GET, HEAD, DELETE",
            Self::CsrfToken => "GET, HEAD",
        }
    }
}

/// What `GET /qps/user` says. The keys come in this order.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct User<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_directory: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logout_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_uri: Option<String>,
}

/// A session, and the cookie of one that was opened just now.
type Found = (Arc<Session>, Option<SetCookie>);

impl Gate {
    /// Whether `path`, below a space's prefix, is one of these endpoints where they are on.
    #[must_use]
    pub fn is_qlik_endpoint(path: &str) -> bool {
        Endpoint::at(path).is_some()
    }

    /// Answers a request for `path`, one for which
    /// [`is_qlik_endpoint`](Self::is_qlik_endpoint) holds.
    pub(super) async fn qlik_endpoint(
        &self,
        request: AuthnRequest<'_>,
        path: &str,
    ) -> Response<Bytes> {
        let parts = request.parts;
        let answered = match (Endpoint::at(path), RequestPath::parse(path)) {
            (Some(endpoint), Ok(path)) => self.answer(request, endpoint, &path).await,
            _ => Ok(self.say(parts, StatusCode::NOT_FOUND, super::endpoints::NOT_FOUND)),
        };
        let mut response = match answered {
            Ok(response) => response,
            Err(refusal) => self.refuse(request, &refusal).await,
        };
        self.share(parts, &QLIK_CSRF_TOKEN, response.headers_mut());
        response
    }

    async fn answer(
        &self,
        request: AuthnRequest<'_>,
        endpoint: Endpoint,
        path: &RequestPath<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let parts = request.parts;
        match (endpoint, &parts.method) {
            (Endpoint::User, &Method::GET | &Method::HEAD) => self.user(request, path).await,
            (Endpoint::User, &Method::DELETE) => self.end_user(request, path).await,
            (Endpoint::CsrfToken, &Method::GET | &Method::HEAD) => {
                self.csrf_token(request, path).await
            }
            (_, &Method::OPTIONS) if self.is_preflight(parts) => {
                let mut response = empty();
                cors::allow(endpoint.methods(), response.headers_mut());
                Ok(response)
            }
            _ => {
                let text = "This address does not take that method.";
                let mut response = self.say(parts, StatusCode::METHOD_NOT_ALLOWED, text);
                let allowed = HeaderValue::from_static(endpoint.methods());
                response.headers_mut().insert(ALLOW, allowed);
                Ok(response)
            }
        }
    }

    async fn user(
        &self,
        request: AuthnRequest<'_>,
        path: &RequestPath<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let (session, cookie) = match self.find_or_admit(request, path).await? {
            Some((session, cookie)) => (Some(session), cookie),
            None => (None, None),
        };
        let user = match session.as_deref() {
            Some(session) if session.method() != domain::Method::Anonymous => User {
                user_directory: Some(session.user_directory()),
                user_id: Some(session.user_id()),
                user_name: Some(session.user_name()),
                logout_uri: Some(self.own_uri(&request, "/.gatepass/logout")),
                ..User::default()
            },
            nobody => User {
                user_directory: nobody.map(Session::user_directory),
                user_id: nobody.map(Session::user_id),
                session: Some("inactive"),
                login_uri: self.login_uri(&request),
                ..User::default()
            },
        };
        let json = serde_json::to_vec(&user).expect("texts alone");
        let mut response = Response::new(Bytes::from(json));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(with_cookie(response, cookie))
    }

    async fn end_user(
        &self,
        request: AuthnRequest<'_>,
        path: &RequestPath<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let parts = request.parts;
        if !is_same_origin(parts) && !self.is_listed(parts) {
            let text = "This logout was submitted from another site.";
            return Ok(self.say(parts, StatusCode::FORBIDDEN, text));
        }
        let session = match self.decide(request, path) {
            Verdict::Pass(session) | Verdict::Denied(session, _) => Some(session),
            Verdict::Refused(refusal) => return Err(refusal),
            Verdict::Ask(_) => self.cookie_session(request).await?,
        };
        if let Some(session) = session {
            let cause = EndCause::because(EndReason::LoggedOut);
            let user = session.user_key();
            self.0.sessions.end_user(user, &cause).await?;
        }
        let cookie = self.0.cookie.remove(self.scheme(&request));
        Ok(with_cookie(empty(), Some(cookie)))
    }

    async fn csrf_token(
        &self,
        request: AuthnRequest<'_>,
        path: &RequestPath<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let Some((session, cookie)) = self.find_or_admit(request, path).await? else {
            return Ok(self.unauthorized(request, None, AUTHENTICATION_NEEDED));
        };
        let presented = self
            .0
            .cookie
            .read(&request.parts.headers, self.scheme(&request));
        // The token is for a browser that opens a WebSocket with a cookie. A session that a
        // bearer token has found is another client's, whose cookie nobody knows any more.
        let (session, cookie) = if cookie.is_some() || presented.digest() == Some(session.digest())
        {
            (session, cookie)
        } else {
            self.open_another(request).await?
        };
        let mut response = empty();
        let token = CsrfToken::of(session.digest());
        let mut value = HeaderValue::try_from(token.expose()).expect("base64url");
        value.set_sensitive(true);
        response.headers_mut().insert(QLIK_CSRF_TOKEN, value);
        Ok(with_cookie(response, cookie))
    }

    /// The caller's session; opened now, when the request brings a credential that has opened
    /// none yet. Nobody becomes anonymous by asking who they are.
    async fn find_or_admit(
        &self,
        request: AuthnRequest<'_>,
        path: &RequestPath<'_>,
    ) -> Result<Option<Found>, Refusal> {
        match self.decide(request, path) {
            Verdict::Pass(session) | Verdict::Denied(session, _) => Ok(Some((session, None))),
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Ask(ask) if ask.brings_credential => {
                let method = request.parts.method.as_str();
                let rule = |session: &Session, now| self.0.access.rule(session, method, path, now);
                self.find_or_open(request, ask, rule).await.map(Some)
            }
            Verdict::Ask(ask) => {
                // One that was idle for too long for a rule is live for who does not ask it.
                self.end_due(&ask).await?;
                let session = self.cookie_session(request).await?;
                Ok(session.map(|session| (session, None)))
            }
        }
    }

    /// One more session for who the request's credential says, in place of the cookie's.
    async fn open_another(&self, request: AuthnRequest<'_>) -> Result<Found, Refusal> {
        match self.0.chain.authenticate_somebody(request).await {
            Outcome::Authenticated(found) => {
                let replaces = self.cookie_session(request).await?;
                self.establish(request, found, None, replaces).await
            }
            other => Err(self.refusal(other, false)),
        }
    }

    /// Where to log in to come back to the query's `targetUri`, when that is safe.
    fn login_uri(&self, request: &AuthnRequest<'_>) -> Option<String> {
        self.login_challenge()?;
        let query = request.parts.uri.query()?;
        let target = any_case_parameter(query, "targeturi")?;
        let target = self.safe_target(request, &target)?;
        let target = utf8_percent_encode(&target, IN_QUERY);
        Some(self.own_uri(request, &format!("/.gatepass/login?return={target}")))
    }

    /// `path`, below the prefix, in full where the client named a host.
    fn own_uri(&self, request: &AuthnRequest<'_>, path: &str) -> String {
        let origin = self.origin(request).unwrap_or_default();
        format!("{origin}{}{path}", self.0.prefix)
    }
}

fn empty() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

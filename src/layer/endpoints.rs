//! The gateway's own paths, below `/.gatepass/` of a space: the login page, logout, and the
//! user's own sessions.
//!
//! All work without scripts. A login that another site's page submits is refused (login
//! CSRF), and so is the end of a session; a logout that another site's page links to asks
//! first.

use bytes::{Buf, Bytes};
use http::header::{ALLOW, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use http_body::Body;
use percent_encoding::percent_decode_str;

use super::gate::Gate;
use super::reject::{page, see_other};
use super::{client, own_sessions, pages, targets};
use crate::authn::AuthnRequest;
use crate::domain::{Connection, RequestPath, ReturnTarget};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Gate {
    /// Answers a request for one of the gateway's own paths. `path` is the path below the
    /// space's prefix, one for which [`Gate::is_own`] holds.
    pub async fn own_endpoint<B>(
        &self,
        parts: &Parts,
        connection: Option<Connection>,
        path: &str,
        body: B,
    ) -> Response<Bytes>
    where
        B: Body,
        B::Data: Buf,
    {
        let request = AuthnRequest { parts, connection };
        if Self::is_qlik_endpoint(path) {
            return self.qlik_endpoint(request, path).await;
        }
        if let Some(which) = own_sessions::within(path) {
            return self.own_sessions(request, which, body).await;
        }
        match (path, &parts.method) {
            ("/.gatepass/login", _) if self.login_challenge().is_none() => {
                self.say(parts, StatusCode::NOT_FOUND, NOT_FOUND)
            }
            ("/.gatepass/login", &Method::GET | &Method::HEAD) => self.login_page(request).await,
            #[cfg(feature = "local")]
            ("/.gatepass/login", &Method::POST) if self.has_login_page() => {
                self.log_in(request, body).await
            }
            ("/.gatepass/logout", &Method::GET | &Method::HEAD) => self.logout_page(request).await,
            ("/.gatepass/logout", &Method::POST) => self.log_out_now(request).await,
            ("/.gatepass/login" | "/.gatepass/logout", _) => {
                let text = "This address takes GET and POST.";
                let mut response = self.say(parts, StatusCode::METHOD_NOT_ALLOWED, text);
                response
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
                response
            }
            _ => self.say(parts, StatusCode::NOT_FOUND, NOT_FOUND),
        }
    }

    async fn login_page(&self, request: AuthnRequest<'_>) -> Response<Bytes> {
        let target = self.return_target(parameter(
            request.parts.uri.query().unwrap_or_default(),
            "return",
        ));
        if self.brings_ticket(request.parts) {
            return self.redeem_at_login(request, &target).await;
        }
        match self.cookie_session(request).await {
            Ok(Some(session)) if session.method() != crate::domain::Method::Anonymous => {
                see_other(&target)
            }
            Ok(_) if self.has_login_page() => self.login_form(StatusCode::OK, &target, "", None),
            Ok(_) => {
                let target = self.way_back(&request, &target);
                self.to_module(request, target).await
            }
            Err(refusal) => self.refuse(request, &refusal).await,
        }
    }

    pub(super) fn login_form(
        &self,
        status: StatusCode,
        target: &str,
        username: &str,
        error: Option<&str>,
    ) -> Response<Bytes> {
        let action = format!("{}/.gatepass/login", self.0.prefix);
        let form = pages::LoginForm {
            title: &self.0.title,
            action: &action,
            target,
            username,
            error,
        };
        page(status, pages::login(&form))
    }

    async fn logout_page(&self, request: AuthnRequest<'_>) -> Response<Bytes> {
        if is_own_link(request.parts) {
            return self.log_out_now(request).await;
        }
        match self.cookie_session(request).await {
            Ok(Some(session)) => {
                let action = format!("{}/.gatepass/logout", self.0.prefix);
                let sessions = format!("{}/.gatepass/sessions", self.0.prefix);
                let user = session.user_name();
                page(
                    StatusCode::OK,
                    pages::confirm_logout(&self.0.title, &action, &sessions, user),
                )
            }
            Ok(None) => self.logged_out(),
            Err(refusal) => self.refuse(request, &refusal).await,
        }
    }

    async fn log_out_now(&self, request: AuthnRequest<'_>) -> Response<Bytes> {
        if request.parts.method == Method::POST && !is_same_origin(request.parts) {
            return self.say(
                request.parts,
                StatusCode::FORBIDDEN,
                "This logout was submitted from another site.",
            );
        }
        match self.log_out(request).await {
            Ok(cookie) => {
                let mut response = if client::accepts_html(&request.parts.headers) {
                    self.logged_out()
                } else {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    response
                };
                cookie.apply(response.headers_mut());
                response
            }
            Err(refusal) => self.refuse(request, &refusal).await,
        }
    }

    pub(super) fn logged_out(&self) -> Response<Bytes> {
        let login = self.login_path();
        page(
            StatusCode::OK,
            pages::logged_out(&self.0.title, login.as_deref()),
        )
    }

    /// Where a login leads: the target asked for when it is safe and not one of our own
    /// pages, otherwise the space's start.
    pub(super) fn return_target(&self, asked: Option<String>) -> String {
        let start = format!("{}/", self.0.prefix);
        let Some(target) =
            asked.and_then(|raw| ReturnTarget::parse(&raw, &self.0.redirect_hosts).ok())
        else {
            return start;
        };
        if self.is_own_page(target.as_str()) {
            start
        } else {
            target.to_string()
        }
    }

    /// Whether a browser that goes to `target` comes to one of our own pages, of this host or
    /// another: a login must not lead to the logout. The list of sessions does nothing.
    pub(super) fn is_own_page(&self, target: &str) -> bool {
        let place = target.split(['?', '#']).next().unwrap_or_default();
        let path = match place.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => place,
        };
        RequestPath::parse(path).is_ok_and(|path| {
            let below = self.0.prefix.strip(path.as_str());
            below.is_some_and(|below| {
                Self::is_reserved(below) && own_sessions::within(below) != Some("")
            })
        })
    }
}

pub(super) const NOT_FOUND: &str = "There is no such page.";

/// Whether the request was not made by another site's page, as far as the browser tells
/// (Fetch Metadata, then Origin); programs send neither and are no browsers to trick.
pub(super) fn is_same_origin(parts: &Parts) -> bool {
    if let Some(site) = parts.headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    match parts.headers.get(ORIGIN).map(|origin| origin.to_str()) {
        None => true,
        Some(Ok(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            matches!((authority, targets::authority(parts)), (Some(a), Some(h)) if a.eq_ignore_ascii_case(h))
        }
        Some(Err(_)) => false,
    }
}

/// Whether a GET for the logout came by a link of this origin, so that nobody else's page
/// can log a user out.
fn is_own_link(parts: &Parts) -> bool {
    parts.method == Method::GET
        && parts
            .headers
            .get(SEC_FETCH_SITE)
            .is_some_and(|site| site == "same-origin")
}

/// The value of `name` in a form or query (WHATWG URL, section 5.1): `+` is a space.
pub(super) fn parameter(form: &str, name: &str) -> Option<String> {
    parameter_that(form, |key| key == name)
}

/// As [`parameter`], whatever the case of the name.
pub(super) fn any_case_parameter(query: &str, name: &str) -> Option<String> {
    parameter_that(query, |key| key.eq_ignore_ascii_case(name))
}

fn parameter_that(form: &str, is_named: impl Fn(&str) -> bool) -> Option<String> {
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| {
            let decode = |text: &str| {
                let spaced = text.replace('+', " ");
                percent_decode_str(&spaced)
                    .decode_utf8()
                    .ok()
                    .map(std::borrow::Cow::into_owned)
            };
            is_named(&decode(key)?).then(|| decode(value))?
        })
}

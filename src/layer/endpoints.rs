//! The gateway's own paths, below `/.gatepass/` of a space: the login page and logout.
//!
//! Both work without scripts. A login that another site's page submits is refused (login
//! CSRF); a logout that another site's page links to asks first.

use bytes::{Buf, Bytes};
use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use percent_encoding::percent_decode_str;

use super::admit::Refusal;
use super::gate::Gate;
use super::reject::{page, see_other};
use super::{client, pages};
use crate::authn::AuthnRequest;
use crate::domain::{Connection, ReturnTarget};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Bytes of a form that are read.
const MAX_FORM: usize = 16 * 1024;

impl Gate {
    /// Answers a request for one of the gateway's own paths. `path` is the path below the
    /// space's prefix, one for which [`Gate::is_reserved`] holds.
    pub async fn own_endpoint<B>(
        &self,
        parts: &Parts,
        connection: Option<Connection>,
        path: &str,
        body: B,
    ) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Data: Buf,
    {
        let request = AuthnRequest { parts, connection };
        match (path, &parts.method) {
            ("/.gatepass/login", _) if !self.has_login_page() => {
                self.say(parts, StatusCode::NOT_FOUND, NOT_FOUND)
            }
            ("/.gatepass/login", &Method::GET | &Method::HEAD) => self.login_page(request).await,
            ("/.gatepass/login", &Method::POST) => self.log_in(request, body).await,
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

    async fn login_page(&self, request: AuthnRequest<'_>) -> Response<Full<Bytes>> {
        let target = self.return_target(parameter(
            request.parts.uri.query().unwrap_or_default(),
            "return",
        ));
        match self.cookie_session(request).await {
            Ok(Some(session)) if session.method() != crate::domain::Method::Anonymous => {
                see_other(&target)
            }
            Ok(_) => self.login_form(StatusCode::OK, &target, "", None),
            Err(refusal) => self.refuse(request, &refusal),
        }
    }

    fn login_form(
        &self,
        status: StatusCode,
        target: &str,
        username: &str,
        error: Option<&str>,
    ) -> Response<Full<Bytes>> {
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

    #[cfg(not(feature = "local"))]
    async fn log_in<B: Body>(&self, request: AuthnRequest<'_>, _body: B) -> Response<Full<Bytes>> {
        self.say(request.parts, StatusCode::NOT_FOUND, NOT_FOUND)
    }

    #[cfg(feature = "local")]
    async fn log_in<B>(&self, request: AuthnRequest<'_>, body: B) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Data: Buf,
    {
        use crate::authn::Authentication;
        use crate::authn::local::LoginError;
        use zeroize::Zeroizing;

        let parts = request.parts;
        if !is_same_origin(parts) {
            return self.say(
                parts,
                StatusCode::FORBIDDEN,
                "This login form was submitted from another site.",
            );
        }
        let is_form = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|kind| {
                let kind = kind.split(';').next().unwrap_or_default();
                kind.trim()
                    .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        if !is_form {
            let text =
                "A login is a form: application/x-www-form-urlencoded with username and password.";
            return self.say(parts, StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
        }
        let Some(form) = read_form(body).await else {
            return self.say(
                parts,
                StatusCode::PAYLOAD_TOO_LARGE,
                "The form is too large or was cut off.",
            );
        };
        let field = |name| Zeroizing::new(parameter(&form, name).unwrap_or_default());
        let target = self.return_target(parameter(&form, "return"));
        let (username, password) = (field("username"), field("password"));
        let Some(users) = self.0.chain.login() else {
            return self.say(parts, StatusCode::NOT_FOUND, NOT_FOUND);
        };
        let address = request.connection.map(|connection| connection.client_ip);
        let identity = match users.verify(&username, &password, address).await {
            Ok(identity) => identity,
            Err(LoginError::TooManyAttempts { retry_after }) => {
                let seconds = retry_after.as_secs().max(1);
                let text = format!("Too many attempts. Try again in {seconds} seconds.");
                let mut response = self.login_form(
                    StatusCode::TOO_MANY_REQUESTS,
                    &target,
                    &username,
                    Some(&text),
                );
                response
                    .headers_mut()
                    .insert(http::header::RETRY_AFTER, seconds.into());
                return response;
            }
            Err(LoginError::Busy) => {
                let text = "The server is busy. Try again in a moment.";
                return self.login_form(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &target,
                    &username,
                    Some(text),
                );
            }
            Err(_) => {
                let text = "The user name or the password is wrong.";
                return self.login_form(StatusCode::UNAUTHORIZED, &target, &username, Some(text));
            }
        };
        let opened = async {
            let replaces = self.cookie_session(request).await?;
            let method = crate::domain::Method::Local;
            let found = Authentication {
                identity,
                method,
                credential: None,
                sign_on: None,
            };
            self.establish(request, found, None, replaces).await
        };
        match opened.await {
            Ok((_, cookie)) => {
                let mut response = see_other(&target);
                if let Some(cookie) = cookie {
                    cookie.apply(response.headers_mut());
                }
                response
            }
            Err(refusal) => self.refuse(request, &refusal),
        }
    }

    async fn logout_page(&self, request: AuthnRequest<'_>) -> Response<Full<Bytes>> {
        if is_own_link(request.parts) {
            return self.log_out_now(request).await;
        }
        match self.cookie_session(request).await {
            Ok(Some(session)) => {
                let action = format!("{}/.gatepass/logout", self.0.prefix);
                page(
                    StatusCode::OK,
                    pages::confirm_logout(&self.0.title, &action, session.user_name()),
                )
            }
            Ok(None) => self.logged_out(),
            Err(refusal) => self.refuse(request, &refusal),
        }
    }

    async fn log_out_now(&self, request: AuthnRequest<'_>) -> Response<Full<Bytes>> {
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
                    let mut response = Response::new(Full::default());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    response
                };
                cookie.apply(response.headers_mut());
                response
            }
            Err(refusal) => self.refuse(request, &refusal),
        }
    }

    fn logged_out(&self) -> Response<Full<Bytes>> {
        let login = self
            .has_login_page()
            .then(|| format!("{}/.gatepass/login", self.0.prefix));
        page(
            StatusCode::OK,
            pages::logged_out(&self.0.title, login.as_deref()),
        )
    }

    /// Where a login leads: the target asked for when it is safe and not one of our own
    /// pages, otherwise the space's start.
    fn return_target(&self, asked: Option<String>) -> String {
        let start = format!("{}/", self.0.prefix);
        let Some(target) =
            asked.and_then(|raw| ReturnTarget::parse(&raw, &self.0.redirect_hosts).ok())
        else {
            return start;
        };
        let below = self.0.prefix.strip(target.as_str());
        if below.is_some_and(Self::is_reserved) {
            start
        } else {
            target.to_string()
        }
    }
}

const NOT_FOUND: &str = "There is no such page.";

/// Whether the request was not made by another site's page, as far as the browser tells
/// (Fetch Metadata, then Origin); programs send neither and are no browsers to trick.
fn is_same_origin(parts: &Parts) -> bool {
    if let Some(site) = parts.headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    match parts.headers.get(ORIGIN).map(|origin| origin.to_str()) {
        None => true,
        Some(Ok(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            let host = parts
                .uri
                .authority()
                .map(http::uri::Authority::as_str)
                .or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()));
            matches!((authority, host), (Some(a), Some(h)) if a.eq_ignore_ascii_case(h))
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

#[cfg(feature = "local")]
async fn read_form<B>(body: B) -> Option<zeroize::Zeroizing<String>>
where
    B: Body,
    B::Data: Buf,
{
    let mut bytes = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        if let Ok(mut data) = frame.ok()?.into_data() {
            if bytes.len() + data.remaining() > MAX_FORM {
                return None;
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                bytes.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
        }
    }
    String::from_utf8(bytes).ok().map(Into::into)
}

/// The value of `name` in a form or query (WHATWG URL, section 5.1): `+` is a space.
fn parameter(form: &str, name: &str) -> Option<String> {
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
            (decode(key)? == name).then(|| decode(value))?
        })
}

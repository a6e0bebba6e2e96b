//! A submitted login form: name and password against the space's users.

use bytes::{Buf, Bytes};
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use http_body::Body;
use zeroize::Zeroizing;

use super::admit::Refusal;
use super::endpoints::{NOT_FOUND, is_same_origin, parameter};
use super::form::{is_form, read_form};
use super::gate::Gate;
use super::reject::{locked, no_seat, see_other};
use crate::authn::local::LoginError;
use crate::authn::{Authentication, AuthnRequest};
use crate::domain::Method;

impl Gate {
    /// Answers a submitted login form.
    pub(super) async fn log_in<B>(&self, request: AuthnRequest<'_>, body: B) -> Response<Bytes>
    where
        B: Body,
        B::Data: Buf,
    {
        let parts = request.parts;
        if !is_same_origin(parts) {
            return self.say(
                parts,
                StatusCode::FORBIDDEN,
                "This login form was submitted from another site.",
            );
        }
        if !is_form(&parts.headers) {
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
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
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
            let method = Method::Local;
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
            // The password was right, so this tells nobody else what it says.
            Err(Refusal::Locked { until }) => self.bar(&target, &username, &locked(until)),
            Err(Refusal::NoSeat { license, seats }) => {
                self.bar(&target, &username, &no_seat(&license, seats))
            }
            Err(refusal) => self.refuse(request, &refusal).await,
        }
    }

    /// The form again, for a user who may not come in now.
    fn bar(&self, target: &str, username: &str, text: &str) -> Response<Bytes> {
        self.login_form(StatusCode::FORBIDDEN, target, username, Some(text))
    }
}

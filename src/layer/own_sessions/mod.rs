//! `/.gatepass/sessions`: a user's own open sessions of the space, to look at and to end.
//!
//! A page for people, JSON for programs: the members of a session are those of the native
//! API, `current` is the id of the session that asks. Only the user's own sessions of this
//! space are known here; any other id is one that does not exist.

mod device;
mod end;
mod list;
mod wire;

use std::sync::Arc;

use bytes::{Buf, Bytes};
use http::header::{ALLOW, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::Body;

use self::end::{Ending, UNKNOWN};
use super::admit::Refusal;
use super::client::accepts_html;
use super::cookie::{SetCookie, with_cookie};
use super::endpoints::is_same_origin;
use super::form::{is_form, read_form};
use super::gate::{Gate, Verdict};
use crate::authn::AuthnRequest;
use crate::domain::{self, Session, Tick};

/// What follows the list's own path in `path`: nothing, or a session's id.
pub(super) fn within(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/.gatepass/sessions")?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/').filter(|id| !id.is_empty())
    }
}

impl Gate {
    /// Answers a request for the list, or for the session `which`.
    pub(super) async fn own_sessions<B>(
        &self,
        request: AuthnRequest<'_>,
        which: &str,
        body: B,
    ) -> Response<Bytes>
    where
        B: Body,
        B::Data: Buf,
    {
        let parts = request.parts;
        let is_list = which.is_empty();
        if !parts.method.is_safe() && !is_same_origin(parts) {
            let text = "The end of a session was asked for by another site.";
            return self.say(parts, StatusCode::FORBIDDEN, text);
        }
        let ending = match (&parts.method, is_list) {
            (&Method::GET | &Method::HEAD, true) => None,
            (&Method::POST, true) => {
                if !is_form(&parts.headers) {
                    let text = "This address takes a form: application/x-www-form-urlencoded.";
                    return self.say(parts, StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
                }
                let form = read_form(body).await;
                match form.as_deref().map(|form| Ending::of_form(form)) {
                    Some(Some(ending)) => Some(ending),
                    _ => {
                        let text = "The form does not say which session is to end.";
                        return self.say(parts, StatusCode::BAD_REQUEST, text);
                    }
                }
            }
            (&Method::DELETE, true) => Some(Ending::Others),
            (&Method::DELETE, false) => match which.parse() {
                Ok(id) => Some(Ending::One(id)),
                Err(_) => return self.say(parts, StatusCode::NOT_FOUND, UNKNOWN),
            },
            (_, true) => return self.only_takes(request, "GET, HEAD, POST, DELETE"),
            (_, false) => return self.only_takes(request, "DELETE"),
        };
        let (caller, cookie) = match self.caller(request).await {
            Ok(known) => known,
            Err((refusal, cookie)) => {
                return with_cookie(self.refuse_caller(request, &refusal).await, cookie);
            }
        };
        let response = match ending {
            None => self.list_own(request, &caller).await,
            Some(ending) => {
                let ended = self.end_own(&caller, &ending).await;
                ended.map(|ended| self.tell_ended(request, &ended))
            }
        };
        match response {
            Ok(response) => with_cookie(response, cookie),
            Err(error) => with_cookie(self.refuse(request, &error.into()).await, cookie),
        }
    }

    /// Who asks, by their cookie or what else they bring; of the access rules
    /// those of time alone are for a user's own sessions.
    async fn caller(
        &self,
        request: AuthnRequest<'_>,
    ) -> Result<(Arc<Session>, Option<SetCookie>), (Refusal, Option<SetCookie>)> {
        let rule = |session: &Session, now: Tick| self.rule_of_time(request.parts, session, now);
        let (session, cookie) = match self.look_up(request, rule) {
            Verdict::Pass(session) | Verdict::Denied(session, _) => (session, None),
            Verdict::Refused(refusal) => return Err((refusal, None)),
            Verdict::Ask(ask) => {
                let found = self.find_or_open(request, ask, rule).await;
                found.map_err(|refusal| (refusal, None))?
            }
        };
        if session.method() == domain::Method::Anonymous {
            let refusal = Refusal::Unauthenticated {
                challenge: self.login_challenge(),
                drop_cookie: false,
            };
            return Err((refusal, cookie));
        }
        Ok((session, cookie))
    }

    /// Nobody's request: a person is sent to the login, with whatever they came.
    async fn refuse_caller(&self, request: AuthnRequest<'_>, refusal: &Refusal) -> Response<Bytes> {
        match refusal {
            Refusal::Unauthenticated { .. }
                if request.parts.method == Method::POST
                    && accepts_html(&request.parts.headers)
                    && self.login_challenge().is_some() =>
            {
                self.to_login(request.parts)
            }
            _ => self.refuse(request, refusal).await,
        }
    }

    fn only_takes(&self, request: AuthnRequest<'_>, methods: &'static str) -> Response<Bytes> {
        let text = format!("This address takes {methods}.");
        let mut response = self.say(request.parts, StatusCode::METHOD_NOT_ALLOWED, &text);
        let allow = HeaderValue::from_static(methods);
        response.headers_mut().insert(ALLOW, allow);
        response
    }
}

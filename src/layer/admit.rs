//! A request without a session: who is it, and may they have one?

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::client::describe;
use super::cookie::{Presented, SetCookie};
use super::gate::{Ask, Gate};
use super::websocket::SocketRefusal;
use crate::authn::{Authentication, AuthnRequest, Challenge, Failure, Outcome};
use crate::domain::{
    Denied, EndReason, Method, NewSession, RequestPath, Ruling, Session, Tick, Timestamp,
    TokenDigest,
};
use crate::sessions::{self, EstablishError, Established, JoinKey, Resolution};
use crate::store::StoreError;

/// What became of a request that had to wait.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// It passes with this session.
    Admitted {
        /// The session.
        session: Arc<Session>,
        /// The cookie for the response, when the session is new.
        cookie: Option<SetCookie>,
    },
    /// It has opened a session and is answered with this, cookie and all: the browser is sent
    /// to the same address without the ticket.
    Redirected {
        /// The session.
        session: Arc<Session>,
        /// The response.
        response: Response<Bytes>,
    },
    /// It does not pass.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The cookie for the response, when a session was opened and may not do this.
        cookie: Option<SetCookie>,
    },
}

/// Why a request does not pass. [`Gate::refuse`] makes the response.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody is known, and this is what they can do about it.
    Unauthenticated {
        /// What to do, when there is anything.
        challenge: Option<Challenge>,
        /// Whether the client sent a cookie that no client should keep.
        drop_cookie: bool,
    },
    /// The credential does not hold.
    BadCredential(Failure),
    /// Somebody is known, and an access rule forbids it.
    Forbidden(Denied),
    /// The user has as many sessions as they may.
    LimitReached {
        /// How many they may have.
        max: u32,
    },
    /// All seats of the license that the session would use are taken.
    NoSeat {
        /// The license.
        license: Arc<str>,
        /// How many seats it has.
        seats: u32,
    },
    /// The user is locked. Said only to who has proved to be that user.
    Locked {
        /// Until when; `None` until the lock is lifted.
        until: Option<Timestamp>,
    },
    /// A page of another origin, or one without the session's CSRF token, asks for a WebSocket.
    WebSocket(SocketRefusal),
    /// Something that must be asked does not answer; nothing is concluded from that.
    Unavailable,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the session store does not answer"
        );
        Self::Unavailable
    }
}

/// For how long parallel requests with the same stale cookie share the session that the
/// first of them opened.
const JOIN_WINDOW: Duration = Duration::from_secs(10);

impl Gate {
    /// The verdict on a request that had to [`Ask`](super::Verdict::Ask): asks the store for
    /// the cookie's session, then the chain who the caller is, and opens a session.
    pub async fn admit(
        &self,
        request: AuthnRequest<'_>,
        path: &RequestPath<'_>,
        ask: Ask,
    ) -> Admission {
        let method = request.parts.method.as_str();
        let rule = |session: &Session, now| self.0.access.rule(session, method, path, now);
        let (session, cookie) = match self.find_or_open(request, ask, rule).await {
            Ok(admitted) => admitted,
            Err(refusal) => {
                return Admission::Refused {
                    refusal,
                    cookie: None,
                };
            }
        };
        if let Some(response) = self.without_ticket(request, path, &session, cookie.as_ref()) {
            return Admission::Redirected { session, response };
        }
        let checked = match self.may(&session, &request.parts.method, path) {
            Err(denied) => Err(self.denial(&session, denied)),
            // Whoever brings a ticket proves more than a CSRF token could.
            Ok(()) if session.method() == Method::Ticket && cookie.is_some() => Ok(()),
            Ok(()) => self.check_socket_token(&request, &session),
        };
        match checked {
            Ok(()) => Admission::Admitted { session, cookie },
            Err(refusal) => Admission::Refused { refusal, cookie },
        }
    }

    /// The session that the store knows for the cookie, or a new one for who the chain says
    /// that the caller is. `rule` says whether one was idle for too long.
    pub(super) async fn find_or_open(
        &self,
        request: AuthnRequest<'_>,
        mut ask: Ask,
        rule: impl Fn(&Session, Tick) -> Ruling,
    ) -> Result<(Arc<Session>, Option<SetCookie>), Refusal> {
        let (sessions, space) = (&self.0.sessions, &self.0.space);
        self.end_due(&ask).await?;
        if let Some(session) = self.recall_by_credential(&request, &ask, &rule).await? {
            return Ok((session, None));
        }
        if let (Some(digest), None) = (ask.cookie.digest(), &ask.current)
            && let Resolution::Live(session) = sessions.recall_untouched(digest, space).await?
            && self.goes_on(&session, rule).await?
        {
            if !ask.brings_credential {
                return Ok((session, None));
            }
            ask.current = Some(session);
        }
        let outcome = if self.wants_somebody(request.parts) {
            self.0.chain.authenticate_somebody(request).await
        } else {
            self.0.chain.authenticate(request).await
        };
        match outcome {
            Outcome::Authenticated(found) => self.open(request, ask, found).await,
            other => Err(self.refusal(other, ask.cookie.is_odd())),
        }
    }

    /// What the chain's verdict is refused with, when it is not that somebody is known.
    pub(super) fn refusal(&self, outcome: Outcome, drop_cookie: bool) -> Refusal {
        match outcome {
            Outcome::Challenge(challenge) => Refusal::Unauthenticated {
                challenge: Some(challenge),
                drop_cookie,
            },
            Outcome::NotRequested | Outcome::Authenticated(_) => Refusal::Unauthenticated {
                challenge: None,
                drop_cookie,
            },
            Outcome::Failed(failure) => {
                tracing::info!(
                    space = %self.0.space.id(),
                    authn.method = failure.method().as_str(),
                    authn.reason = failure.reason().as_str(),
                    authn.detail = failure.detail(),
                    "a credential was refused"
                );
                if failure.reason().is_outage() {
                    Refusal::Unavailable
                } else {
                    Refusal::BadCredential(failure)
                }
            }
        }
    }

    async fn open(
        &self,
        request: AuthnRequest<'_>,
        ask: Ask,
        found: Authentication,
    ) -> Result<(Arc<Session>, Option<SetCookie>), Refusal> {
        let join = match found.credential {
            // A ticket is for one session, and for a new one.
            _ if found.method == Method::Ticket => None,
            Some(credential) => Some(JoinKey {
                digest: credential.digest,
                valid_for: credential.valid_for,
            }),
            None => self.join_by_cookie(request, &ask.cookie, &found),
        };
        // A renewed token of the same user with the same attributes goes on with the session
        // that the cookie has, instead of opening one more each time.
        if let (Some(current), Some(join)) = (&ask.current, join)
            && **current.identity() == found.identity
            && current.method() == found.method
        {
            let session = self.0.sessions.add_credential(current, join).await;
            return Ok((session, None));
        }
        self.establish(request, found, join, ask.current).await
    }

    /// Opens a session for `found`; `replaces` ends before the new token is given out.
    pub(super) async fn establish(
        &self,
        request: AuthnRequest<'_>,
        found: Authentication,
        join: Option<JoinKey>,
        replaces: Option<Arc<Session>>,
    ) -> Result<(Arc<Session>, Option<SetCookie>), Refusal> {
        let (client, license) = describe(request, found.identity.attributes(), &self.0.classify);
        let new = NewSession {
            identity: Arc::new(found.identity),
            method: found.method,
            client,
            license,
            sign_on: found.sign_on,
        };
        let admission = sessions::Admission { join, replaces };
        match self
            .0
            .sessions
            .establish(&self.0.space, new, admission)
            .await
        {
            Ok(Established::Opened { session, token }) => {
                let cookie = self.0.cookie.set(&token, self.scheme(&request));
                Ok((session, Some(cookie)))
            }
            Ok(Established::Joined(session)) => Ok((session, None)),
            Err(EstablishError::LimitReached { max }) => Err(Refusal::LimitReached { max }),
            Err(EstablishError::NoSeat { license, seats }) => {
                Err(Refusal::NoSeat { license, seats })
            }
            Err(EstablishError::Locked { until }) => Err(Refusal::Locked { until }),
            Err(EstablishError::EndedMeanwhile | EstablishError::SecretTaken) => {
                Err(Refusal::Unauthenticated {
                    challenge: self.login_challenge(),
                    drop_cookie: false,
                })
            }
            Err(EstablishError::Store(error)) => Err(error.into()),
        }
    }

    /// What parallel requests with the same stale cookie have in common.
    fn join_by_cookie(
        &self,
        request: AuthnRequest<'_>,
        cookie: &Presented,
        found: &Authentication,
    ) -> Option<JoinKey> {
        let Presented::Token(stale) = cookie else {
            return None;
        };
        let address = request
            .connection
            .map(|c| c.client_ip.to_string())
            .unwrap_or_default();
        let agent = request
            .parts
            .headers
            .get(http::header::USER_AGENT)
            .map_or(&[][..], |a| a.as_bytes());
        // Every anonymous identity is another one; what they share is that they are nobody.
        let (directory, id) = match found.method {
            Method::Anonymous => ("", ""),
            _ => (found.identity.directory(), found.identity.id()),
        };
        let digest = TokenDigest::of_parts(&[
            b"stale-cookie",
            self.0.space.id().as_str().as_bytes(),
            stale.as_bytes(),
            found.method.as_str().as_bytes(),
            directory.as_bytes(),
            id.as_bytes(),
            address.as_bytes(),
            agent,
        ]);
        Some(JoinKey {
            digest,
            valid_for: Some(JOIN_WINDOW),
        })
    }

    /// Ends the session that `request` has, as the user wishes; the cookie to send.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unavailable`] when the store cannot end it: then the user is not told that
    /// they are logged out.
    pub(super) async fn log_out(&self, request: AuthnRequest<'_>) -> Result<SetCookie, Refusal> {
        if let Some(session) = self.cookie_session(request).await? {
            self.0
                .sessions
                .expire(&session, EndReason::LoggedOut)
                .await?;
        }
        Ok(self.0.cookie.remove(self.scheme(&request)))
    }

    /// The live session of the request's cookie, whatever else the request brings. One that
    /// was idle for longer than a rule for this path allows ends here, as everywhere.
    pub(super) async fn cookie_session(
        &self,
        request: AuthnRequest<'_>,
    ) -> Result<Option<Arc<Session>>, Refusal> {
        let presented = self
            .0
            .cookie
            .read(&request.parts.headers, self.scheme(&request));
        let Some(digest) = presented.digest() else {
            return Ok(None);
        };
        let (sessions, space) = (&self.0.sessions, &self.0.space);
        let resolution = match sessions.resolve_at(digest, space, sessions.now()) {
            Resolution::Unknown => sessions.recall_untouched(digest, space).await?,
            known => known,
        };
        let Resolution::Live(session) = resolution else {
            return Ok(None);
        };
        let rule = |session: &Session, now| self.rule_of_time(request.parts, session, now);
        let goes_on = self.goes_on(&session, rule).await?;
        Ok(goes_on.then_some(session))
    }

    /// What the access rules say of the time of a request for one of our own pages. Who may
    /// use those is not for the rules to say.
    pub(super) fn rule_of_time(&self, parts: &Parts, session: &Session, now: Tick) -> Ruling {
        let path = self.0.prefix.strip(parts.uri.path());
        let Some(Ok(path)) = path.map(RequestPath::parse) else {
            return Ruling::OPEN;
        };
        match self
            .0
            .access
            .rule(session, parts.method.as_str(), &path, now)
        {
            too_idle @ Ruling::TooIdle { .. } => too_idle,
            Ruling::Ruled { is_activity, .. } => Ruling::Ruled {
                met: Ok(()),
                is_activity,
            },
        }
    }
}

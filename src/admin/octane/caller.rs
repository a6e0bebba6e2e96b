//! Who calls: the bearer of a key, or of the session that a key signed in to.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, header};
use zeroize::Zeroizing;

use super::cookie::{self, Presented};
use super::fault::Fault;
use crate::admin::guard::client_ip;
use crate::admin::keys::{Denied, Principal};
use crate::admin::state::Admin;
use crate::domain::{EndReason, Identity, Liveness, Method, Session, SpaceId};
use crate::sessions::{EndCause, Resolution};
use crate::telemetry::audit::{self, AdminAction};

/// An administrator who calls.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    who: Arc<Principal>,
    /// The session they signed in to, unless they presented the key itself.
    session: Option<Arc<Session>>,
    ip: Option<IpAddr>,
}

impl Caller {
    /// Who sent a request with these headers.
    ///
    /// # Errors
    ///
    /// When nobody that is known did, or the store cannot tell.
    pub(super) async fn identify(
        admin: &Admin,
        headers: &HeaderMap,
        ip: Option<IpAddr>,
    ) -> Result<Self, Fault> {
        let (who, session) = match Credentials::of(headers) {
            Credentials::Key(key) => (verify(admin, &key, ip).await?, None),
            Credentials::Session(presented) => {
                let session = Self::session(admin, presented).await?;
                let key = admin.keys().holder(session.user_id(), session.started_at());
                let Some(who) = key else {
                    audit::admin_refused("key_gone", None, ip);
                    return Err(Fault::not_authenticated());
                };
                (who, Some(session))
            }
            Credentials::Nothing => {
                audit::admin_refused("no_key", None, ip);
                return Err(Fault::not_authenticated());
            }
        };
        Ok(Self { who, session, ip })
    }

    /// The live session that the cookie of a request opens, if there is one.
    ///
    /// # Errors
    ///
    /// When the store cannot tell.
    pub(super) async fn signed_in(
        admin: &Admin,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<Session>>, Fault> {
        match Self::session(admin, cookie::read(headers)).await {
            Ok(session) => Ok(Some(session)),
            Err(fault) if fault.is_store() => Err(fault),
            Err(_) => Ok(None),
        }
    }

    /// The live session that the cookie opens, touched.
    async fn session(admin: &Admin, presented: Presented) -> Result<Arc<Session>, Fault> {
        let Presented::Token(digest, space) = presented else {
            return Err(Fault::not_authenticated());
        };
        let sessions = admin.sessions();
        let Some(space) = sessions.find_space(&space) else {
            return Err(Fault::not_authenticated());
        };
        let mut found = sessions.resolve(&digest, &space);
        if matches!(found, Resolution::Unknown) {
            found = sessions.recall(&digest, &space).await?;
        }
        match found {
            Resolution::Live(session) if session.method() == Method::ApiKey => Ok(session),
            Resolution::Due(session, reason) => {
                sessions.expire(&session, reason).await?;
                if session.liveness(sessions.clock().tick()) == Liveness::Live {
                    return Ok(session);
                }
                Err(match reason {
                    EndReason::Idle => Fault::idle_too_long(),
                    _ => Fault::not_authenticated(),
                })
            }
            Resolution::Live(_) | Resolution::Unknown => Err(Fault::not_authenticated()),
        }
    }

    /// The key that they are.
    pub(super) const fn who(&self) -> &Arc<Principal> {
        &self.who
    }

    /// The session they signed in to, if they did.
    pub(super) const fn current(&self) -> Option<&Arc<Session>> {
        self.session.as_ref()
    }

    /// Why a session ends that they end.
    pub(super) fn cause(&self) -> EndCause {
        EndCause::terminated_by(Arc::clone(self.who.id()))
    }

    /// Writes down what they did.
    pub(super) fn audit(&self, action: &'static str, space: &SpaceId, target: &str, ended: usize) {
        audit::admin_action(&AdminAction {
            action,
            key: self.who.id(),
            client_ip: self.ip,
            space,
            target,
            ended: u64::try_from(ended).unwrap_or(u64::MAX),
        });
    }

    /// Writes down that they were turned away.
    pub(super) fn audit_refusal(&self, reason: &'static str) {
        audit::admin_refused(reason, Some(self.who.id()), self.ip);
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let caller = parts.extensions.get::<Self>();
        caller.cloned().ok_or_else(Fault::not_authenticated)
    }
}

/// The holder of the key `<key id>.<secret>`.
pub(super) async fn verify(
    admin: &Admin,
    key: &str,
    ip: Option<IpAddr>,
) -> Result<Arc<Principal>, Fault> {
    admin
        .keys()
        .verify(key, ip)
        .await
        .map_err(|denied: Denied| {
            audit::admin_refused(denied.as_str(), denied.key(), ip);
            Fault::denied(&denied)
        })
}

/// The user that the holder of a key is in the sessions of its space.
pub(super) fn identity(who: &Principal) -> Identity {
    Identity::new(DIRECTORY, who.id()).expect("a key's id is letters, digits, `_` and `-`")
}

/// Where a request came from, as [`Caller`]s are told.
pub(super) fn ip(parts: &Parts) -> Option<IpAddr> {
    client_ip(&parts.extensions)
}

/// What a request presents. A key that is presented counts, whatever the cookies say.
enum Credentials {
    Nothing,
    Key(Zeroizing<String>),
    Session(Presented),
}

impl Credentials {
    fn of(headers: &HeaderMap) -> Self {
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let key = match (authorizations.next(), authorizations.next()) {
            (None, _) => {
                return match cookie::read(headers) {
                    Presented::Nothing => Self::Nothing,
                    presented => Self::Session(presented),
                };
            }
            (Some(one), None) => one.to_str().ok().and_then(key),
            (Some(_), Some(_)) => None,
        };
        // What is there and is not understood is checked all the same: as a wrong key.
        Self::Key(key.unwrap_or_default())
    }
}

/// The key in an `Authorization` header: a bearer token (RFC 6750, section 2.1), or an id and
/// a secret as user and password (RFC 7617).
fn key(authorization: &str) -> Option<Zeroizing<String>> {
    let (scheme, rest) = authorization.split_once(' ')?;
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Zeroizing::new(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(rest).ok()?);
    let (id, secret) = str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(join(id, secret))
}

/// A key as [`ApiKeys::verify`](crate::admin::keys::ApiKeys::verify) takes it. An id with a
/// dot is none: it could be the beginning of another key.
pub(super) fn join(id: &str, secret: &str) -> Zeroizing<String> {
    match id.contains('.') {
        true => Zeroizing::default(),
        false => Zeroizing::new(format!("{id}.{secret}")),
    }
}

/// The user directory of API keys.
const DIRECTORY: &str = "api-keys";

//! Ending own sessions: one, or all but the one that asks.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use super::with_cookie;
use crate::authn::AuthnRequest;
use crate::domain::{Session, SessionId};
use crate::layer::Gate;
use crate::layer::endpoints::parameter;
use crate::layer::reject::see_other;
use crate::sessions::{EndCause, EndOutcome};
use crate::store::StoreError;

/// What is to end.
pub(super) enum Ending {
    One(SessionId),
    Others,
}

/// What has ended.
pub(super) enum Ended {
    One,
    Others,
    /// The one that asked for it.
    Current,
    /// None: it had ended before.
    Before,
    /// None: the user has no such session.
    Unknown,
}

/// What was done, as the page that comes after it is told in its query.
const DONE: [(&str, &str); 3] = [
    ("one", "The session has ended."),
    ("others", "All your other sessions have ended."),
    ("gone", "That session had ended already."),
];

impl Ending {
    /// What a form asks for.
    pub(super) fn of_form(form: &str) -> Option<Self> {
        match parameter(form, "end")?.as_str() {
            "others" => Some(Self::Others),
            id => id.parse().ok().map(Self::One),
        }
    }
}

/// What the page says of what its `query` names.
pub(super) fn notice(query: &str) -> Option<&'static str> {
    let done = parameter(query, "done")?;
    let (_, text) = DONE.iter().find(|(name, _)| *name == done)?;
    Some(text)
}

impl Gate {
    pub(super) async fn end_own(
        &self,
        caller: &Arc<Session>,
        ending: &Ending,
    ) -> Result<Ended, StoreError> {
        let sessions = &self.0.sessions;
        let cause = EndCause::logged_out_by(caller.identity());
        let id = match ending {
            Ending::Others => {
                sessions.end_others(caller, &cause).await?;
                return Ok(Ended::Others);
            }
            Ending::One(id) => *id,
        };
        let session = sessions.get(caller.space_id(), id).await?;
        let Some(session) = session.filter(|s| s.user_key() == caller.user_key()) else {
            return Ok(Ended::Unknown);
        };
        Ok(match sessions.end(&session, cause).await? {
            EndOutcome::Ended(_) if id == caller.id() => Ended::Current,
            EndOutcome::Ended(_) => Ended::One,
            EndOutcome::AlreadyEnded(_) | EndOutcome::Active(_) => Ended::Before,
            EndOutcome::Unknown => Ended::Unknown,
        })
    }

    pub(super) fn tell_ended(&self, request: AuthnRequest<'_>, ended: &Ended) -> Response<Bytes> {
        let parts = request.parts;
        let is_form = parts.method == Method::POST;
        let back = |done| see_other(&format!("{}/.gatepass/sessions?done={done}", self.0.prefix));
        let mut nothing = Response::new(Bytes::new());
        *nothing.status_mut() = StatusCode::NO_CONTENT;
        match ended {
            Ended::One if is_form => back("one"),
            Ended::Others if is_form => back("others"),
            Ended::Before if is_form => back("gone"),
            Ended::One | Ended::Others => nothing,
            Ended::Current => {
                let response = if is_form { self.logged_out() } else { nothing };
                let cookie = self.0.cookie.remove(self.scheme(&request));
                with_cookie(response, Some(cookie))
            }
            Ended::Before => self.say(
                parts,
                StatusCode::CONFLICT,
                "That session had ended already.",
            ),
            Ended::Unknown => self.say(parts, StatusCode::NOT_FOUND, UNKNOWN),
        }
    }
}

pub(super) const UNKNOWN: &str = "You have no such session here.";

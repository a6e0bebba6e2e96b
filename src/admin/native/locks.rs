//! `PUT` and `DELETE /api/v1/spaces/{space}/users/{directory}/{id}/lock`, and the list of locks.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::DateTime;
use serde::Deserialize;

use super::request::{Actor, Body, NoParams, Params, Segments, UserSegments};
use super::wire_access::{LiftedBody, LockBody, LockedBody, LocksBody};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::{Identity, SpaceState, Timestamp};
use crate::sessions::{LockError, LockOrder};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockRequest {
    /// As RFC 3339 has it; until the lock is lifted when there is none.
    until: Option<String>,
    reason: Option<String>,
}

/// Bars a user from new sessions and ends the open ones.
pub(super) async fn lock(
    State(admin): State<Arc<Admin>>,
    actor: Actor,
    Segments(user): Segments<UserSegments>,
    Params(NoParams {}): Params<NoParams>,
    Body(request): Body<LockRequest>,
) -> Result<Response, Problem> {
    let now = admin.sessions().clock().wall();
    let order = LockOrder {
        time: request
            .until
            .map(|text| time_until(&text, now))
            .transpose()?,
        by: Arc::clone(actor.id()),
        reason: request.reason.map(reason).transpose()?,
    };
    let identity = user.identity()?;
    let locked = admin
        .sessions()
        .lock_user(actor.space(), &identity, order)
        .await;
    let locked = locked.map_err(|error| match error {
        LockError::Store(error) => Problem::from(error)
            .detail("the user is locked, and not all of their sessions could be ended"),
        LockError::NoTime => Problem::new(ProblemKind::InvalidBody).detail(PAST),
        other => Problem::new(ProblemKind::Busy).detail(other.to_string()),
    })?;
    let ended = locked.ended.len() as u64;
    actor.audit("user.lock", &user.named(), ended);
    let lock = LockBody::new(&locked.lock);
    Ok(Json(LockedBody { lock, ended }).into_response())
}

/// Lifts the lock on a user.
pub(super) async fn unlock(
    State(admin): State<Arc<Admin>>,
    actor: Actor,
    Segments(user): Segments<UserSegments>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let lifted = admin
        .sessions()
        .unlock_user(actor.space(), &user.identity()?)
        .await?;
    let lifted = lifted.ok_or(ProblemKind::NotLocked)?;
    actor.audit("user.unlock", &user.named(), 0);
    let lock = LockBody::new(&lifted);
    Ok(Json(LiftedBody { lock }).into_response())
}

/// The locks in force, by directory and id.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    let locks = admin.sessions().locks(space.id());
    let locks = locks.iter().map(LockBody::new).collect();
    Json(LocksBody { locks }).into_response()
}

impl UserSegments {
    fn identity(&self) -> Result<Identity, Problem> {
        Identity::new(&self.directory, &self.id)
            .map_err(|error| Problem::new(ProblemKind::InvalidPath).detail(error.to_string()))
    }

    fn named(&self) -> String {
        format!("{}\\{}", self.directory, self.id)
    }
}

/// How long it is from `now` until the time `text`.
fn time_until(text: &str, now: Timestamp) -> Result<Duration, Problem> {
    let invalid = |why: &str| Problem::new(ProblemKind::InvalidBody).detail(why);
    let until = DateTime::parse_from_rfc3339(text).map_err(|_| {
        invalid("until: a date and time with an offset is expected, as 2027-01-31T12:00:00Z")
    })?;
    let until = Timestamp::from_unix_millis(until.timestamp_millis());
    if until <= now {
        return Err(invalid(PAST));
    }
    if until.unix_millis() > LAST {
        return Err(invalid("until: a year up to 9999 is expected"));
    }
    Ok(until.since(now))
}

fn reason(text: String) -> Result<Box<str>, Problem> {
    if text.chars().count() > MAX_REASON || text.chars().any(char::is_control) {
        let why = format!("reason: at most {MAX_REASON} characters on one line are expected");
        return Err(Problem::new(ProblemKind::InvalidBody).detail(why));
    }
    Ok(text.into())
}

const PAST: &str = "until: a time to come is expected";
const MAX_REASON: usize = 500;
/// The end of the year 9999, in milliseconds since 1970.
const LAST: i64 = 253_402_300_799_999;

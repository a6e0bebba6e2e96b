//! `GET` and `DELETE /user/{directory}/{id}`.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::call::Call;
use super::error::QpsError;
use super::lookup;
use super::wire::{SessionForm, json};
use crate::domain::{Session, SpaceState, UserKey};
use crate::sessions::FindQuery;
use crate::store::StateFilter;

/// The open sessions of a user, newest first; of a user nobody knows, none.
pub(super) async fn list(call: &Call) -> Result<Response, QpsError> {
    let user = key(call, call.space()?);
    list_of(call, Some(user)).await
}

/// Ends all of them, and answers those that ended.
pub(super) async fn end(call: &Call) -> Result<Response, QpsError> {
    let space = call.space()?;
    let user = key(call, space);
    let ended = call.sessions().end_user(user, &call.cause()).await?;
    let target = format!("{}\\{}", call.variable(0), call.variable(1));
    call.audit("user.end", space.id(), &target, ended.len());
    Ok(json(StatusCode::OK, &forms(&ended)))
}

/// The open sessions of the space, or of a user there, as an answer.
pub(super) async fn list_of(call: &Call, user: Option<UserKey>) -> Result<Response, QpsError> {
    let mut sessions = open_of(call, user).await?;
    sessions.retain(|session| lookup::is_live(call.sessions(), session));
    Ok(json(StatusCode::OK, &forms(&sessions)))
}

/// The open sessions of the space, or of a user there.
pub(super) async fn open_of(
    call: &Call,
    user: Option<UserKey>,
) -> Result<Vec<Arc<Session>>, QpsError> {
    let query = FindQuery {
        space: Some(call.space()?.id().clone()),
        user,
        state: StateFilter::Open,
        after: None,
        limit: usize::MAX,
    };
    Ok(call.sessions().find(query).await?.sessions)
}

fn forms(sessions: &[Arc<Session>]) -> Vec<SessionForm<'_>> {
    sessions.iter().map(|s| SessionForm::new(s)).collect()
}

/// The user in the path, trimmed as everywhere.
fn key(call: &Call, space: &SpaceState) -> UserKey {
    UserKey::new(space.id(), call.variable(0).trim(), call.variable(1).trim())
}

//! `GET` and `DELETE /api/v1/spaces/{space}/users/{directory}/{id}/sessions`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::request::{Actor, Params, Segments, UserSegments, ViewParams};
use super::wire::{SessionBody, SessionsBody};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::domain::SpaceState;
use crate::sessions::FindQuery;
use crate::store::StateFilter;

/// The open sessions of a user, newest first; of a user nobody knows, none.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Segments(user): Segments<UserSegments>,
    Params(params): Params<ViewParams>,
) -> Result<Response, Problem> {
    let query = FindQuery {
        space: Some(space.id().clone()),
        user: Some(user.key(space.id())),
        state: StateFilter::Open,
        after: None,
        limit: usize::MAX,
    };
    let page = admin.sessions().find(query).await?;
    let sessions = SessionBody::list(&page.sessions, params.view);
    Ok(Json(SessionsBody { sessions }).into_response())
}

/// Ends all of them, and answers those that ended.
pub(super) async fn end(
    State(admin): State<Arc<Admin>>,
    actor: Actor,
    Segments(user): Segments<UserSegments>,
    Params(params): Params<ViewParams>,
) -> Result<Response, Problem> {
    let key = user.key(actor.space());
    let ended = admin.sessions().end_user(key, &actor.cause()).await?;
    let target = format!("{}\\{}", user.directory, user.id);
    actor.audit("user.end", &target, ended.len() as u64);
    let sessions = SessionBody::list(&ended, params.view);
    Ok(Json(SessionsBody { sessions }).into_response())
}

//! `GET /api/v1/spaces/{space}/sessions/groups`: the sessions of a space, counted by a field.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::list::limit;
use super::request::Params;
use super::which::{StateParam, UserName, Which, group_by};
use super::wire::{GroupBody, GroupsBody};
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::domain::SpaceState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupsParams {
    group_by: String,
    #[serde(default)]
    state: StateParam,
    /// `directory\id`.
    user: Option<String>,
    filter: Option<String>,
    limit: Option<usize>,
}

/// The largest group first.
pub(super) async fn groups(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(params): Params<GroupsParams>,
) -> Result<Response, Problem> {
    let limit = limit(params.limit, MAX_LIMIT)?;
    let column = group_by(&params.group_by)?;
    let which = Which {
        state: params.state,
        user: params.user.as_deref().map(UserName::read).transpose()?,
        filter: params.filter.as_deref(),
    };
    let filter = which.compile()?;
    let groups = admin
        .sessions()
        .grouped(space.id(), filter.as_ref(), column)
        .await?;
    let body = GroupsBody {
        total: groups.len(),
        groups: groups
            .iter()
            .take(limit)
            .map(|group| GroupBody::new(group, column))
            .collect(),
    };
    Ok(Json(body).into_response())
}

const MAX_LIMIT: usize = 10_000;

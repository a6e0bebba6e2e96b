//! `GET /api/v1/spaces/{space}/sessions`: the sessions of a space, page by page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::request::{Params, View};
use super::wire::{PageBody, SessionBody};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::{SpaceId, SpaceState, UserKey};
use crate::sessions::FindQuery;
use crate::store::StateFilter;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    #[serde(default)]
    state: StateParam,
    /// `directory\id`.
    user: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(default)]
    view: View,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateParam {
    #[default]
    Open,
    Ended,
    All,
}

/// Newest start first. A page goes on behind its cursor whatever starts and ends meanwhile:
/// no session is shown twice, and none that was there all the time is left out.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let (mut query, limit) = params.query(space.id())?;
    if let Some(cursor) = &params.cursor {
        query.after = Some(admin.cursors().read(cursor, &query)?);
    }
    let mut page = admin.sessions().find(query.clone()).await?;
    // One more was asked for than is shown: if it came, there is a next page.
    let more = page.sessions.len() > limit;
    page.sessions.truncate(limit);
    let next = page
        .sessions
        .last()
        .filter(|_| more)
        .map(|last| admin.cursors().after(last.id(), &query));
    let body = PageBody {
        sessions: SessionBody::list(&page.sessions, params.view),
        total: page.total,
        next,
    };
    Ok(Json(body).into_response())
}

impl ListParams {
    fn query(&self, space: &SpaceId) -> Result<(FindQuery, usize), Problem> {
        let invalid = |why: &str| Problem::new(ProblemKind::InvalidQuery).detail(why);
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(invalid("limit: a number from 1 to 1000 is expected"));
        }
        let user = match &self.user {
            Some(user) => {
                let (directory, id) = user
                    .split_once('\\')
                    .ok_or_else(|| invalid(r"user: directory\id is expected"))?;
                Some(UserKey::new(space, directory, id))
            }
            None => None,
        };
        let query = FindQuery {
            space: Some(space.clone()),
            user,
            state: match self.state {
                StateParam::Open => StateFilter::Open,
                StateParam::Ended => StateFilter::Ended,
                StateParam::All => StateFilter::All,
            },
            after: None,
            limit: limit + 1,
        };
        Ok((query, limit))
    }
}

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

//! `GET /api/v1/spaces/{space}/sessions`: the sessions of a space, page by page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::request::{Params, View};
use super::which::{StateParam, UserName, Which, order};
use super::wire::{PageBody, SessionBody};
use crate::admin::cursor::{Listed, Position};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::SpaceState;
use crate::sessions::search::{Found, Search};
use crate::sessions::{FindQuery, Sessions};
use crate::store::StoreError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    #[serde(default)]
    state: StateParam,
    /// `directory\id`.
    user: Option<String>,
    filter: Option<String>,
    order_by: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(default)]
    view: View,
}

/// Newest start first, unless another order is asked for. A page of the newest goes on behind
/// its cursor whatever starts and ends meanwhile: no session is shown twice, and none that was
/// there all the time is left out. In another order a page begins after so many.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let limit = limit(params.limit, MAX_LIMIT)?;
    let user = params.user.as_deref().map(UserName::read).transpose()?;
    let list = Listed {
        space: space.id(),
        state: params.state.as_filter(),
        user: user.map(|user| user.key(space.id())),
        filter: params.filter.as_deref(),
        order: params.order_by.as_deref(),
    };
    let from = match &params.cursor {
        Some(cursor) => Some(admin.cursors().read(cursor, &list)?),
        None => None,
    };
    let Found {
        mut sessions,
        total,
    } = if list.filter.is_none() && list.order.is_none() {
        newest(admin.sessions(), &list, from, limit + 1).await?
    } else {
        let which = Which {
            state: params.state,
            user,
            filter: list.filter,
        };
        let search = Search {
            space: space.id().clone(),
            filter: which.compile()?,
            order: list.order.map(order).transpose()?,
            offset: offset(from),
            limit: limit + 1,
        };
        match from {
            Some(Position::Behind(last)) => admin.sessions().search_behind(&search, last).await?,
            _ => admin.sessions().search(&search).await?,
        }
    };
    // One more was asked for than is shown: if it came, there is a next page.
    let more = sessions.len() > limit;
    sessions.truncate(limit);
    let last = sessions.last().filter(|_| more);
    let next = last.map(|last| {
        let position = match list.order {
            None => Position::Behind(last.id()),
            Some(_) => Position::Offset((offset(from) + limit) as u64),
        };
        admin.cursors().make(position, &list)
    });
    let body = PageBody {
        sessions: SessionBody::list(&sessions, params.view),
        total,
        next,
    };
    Ok(Json(body).into_response())
}

/// What is asked for without a filter is read off the indexes.
async fn newest(
    sessions: &Sessions,
    list: &Listed<'_>,
    from: Option<Position>,
    limit: usize,
) -> Result<Found, StoreError> {
    let query = FindQuery {
        space: Some(list.space.clone()),
        user: list.user,
        state: list.state,
        after: match from {
            Some(Position::Behind(last)) => Some(last),
            _ => None,
        },
        limit,
    };
    let page = sessions.find(query).await?;
    Ok(Found {
        sessions: page.sessions,
        total: page.total,
    })
}

fn offset(from: Option<Position>) -> usize {
    match from {
        Some(Position::Offset(offset)) => usize::try_from(offset).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// How many to show: what was asked for, which is from 1 to `most`.
pub(super) fn limit(asked: Option<usize>, most: usize) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    let why = format!("limit: a number from 1 to {most} is expected");
    Err(Problem::new(ProblemKind::InvalidQuery).detail(why))
}

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

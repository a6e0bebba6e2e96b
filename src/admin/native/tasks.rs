//! `GET /api/v1/spaces/{space}/tasks[/{task}]`: what goes on in the background.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::request::{NoParams, Params, Segments};
use super::wire::{TaskBody, TasksBody};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::SpaceState;
use crate::tasks::{Task, TaskId, Tasks, Unreachable};

#[derive(Deserialize)]
pub(super) struct TaskSegment {
    task: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitParams {
    /// Milliseconds.
    wait: Option<u64>,
}

/// Those of the space, newest first.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let tasks = admin.tasks().of_space(space.id()).await?;
    let tasks = tasks.iter().map(TaskBody::new).collect();
    Ok(Json(TasksBody { tasks }).into_response())
}

/// One of them; with `wait`, once it has ended or the time is over.
pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Segments(segment): Segments<TaskSegment>,
    Params(params): Params<WaitParams>,
) -> Result<Response, Problem> {
    let wait = waiting_time(params.wait.unwrap_or(0), ProblemKind::InvalidQuery)?;
    // What is no number is the id of no task.
    let id: TaskId = segment.task.parse().map_err(|_| ProblemKind::UnknownTask)?;
    let tasks = admin.tasks();
    // Not a moment for a task of another space, so that the time tells nothing.
    let known = tasks
        .get(id)
        .await?
        .filter(|task| task.space == *space.id());
    known.ok_or(ProblemKind::UnknownTask)?;
    let task = within_a_call(tasks, id, wait).await?;
    let task = task.ok_or(ProblemKind::UnknownTask)?;
    Ok(Json(TaskBody::new(&task)).into_response())
}

/// The task `id` once it has ended, or as it is after `wait`.
///
/// # Errors
///
/// When it may be another node's, and nobody can tell.
pub(super) async fn within_a_call(
    tasks: &Tasks,
    id: TaskId,
    wait: Duration,
) -> Result<Option<Task>, Unreachable> {
    if wait.is_zero() {
        return tasks.get(id).await;
    }
    tasks.wait(id, wait).await
}

/// `millis`, if a call may wait so long; a server answers within 30 s.
pub(super) fn waiting_time(millis: u64, otherwise: ProblemKind) -> Result<Duration, Problem> {
    if millis <= MAX_WAIT {
        return Ok(Duration::from_millis(millis));
    }
    let why = format!("wait: 0 to {MAX_WAIT} milliseconds are expected");
    Err(Problem::new(otherwise).detail(why))
}

const MAX_WAIT: u64 = 25_000;

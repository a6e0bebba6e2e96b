//! `GET .../background_tasks` and `.../background_tasks/{id}`: how far a task is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::fault::Fault;
use super::form::Form;
use super::page::{Shown, Window, order};
use super::space::{EntityId, InSpace};
use super::task_wire::{DEFAULT_FIELDS, StartedTask, TASK, TASK_FIELDS, TaskEntity, TaskRecord};
use super::wire::Envelope;
use crate::admin::state::Admin;
use crate::query::{Limits, Query};
use crate::tasks::Task;

/// The tasks of a space, newest first.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    space: InSpace,
    form: Form,
) -> Result<Response, Fault> {
    let window = Window::of(&form)?;
    let shown = Shown::of(&form, &TASK_FIELDS, DEFAULT_FIELDS)?;
    let order = order(&form, &TASK_FIELDS, DEFAULT_ORDER)?;
    let text = form.get("query").unwrap_or_default();
    let filter = Query::parse(text, &Limits::FILTER.with_id_lists("id"))
        .and_then(|query| query.compile(&TASK_FIELDS))
        .map_err(|error| Fault::query(&error, text))?;
    let mut tasks = admin.tasks().of_space(space.id()).await?;
    tasks.retain(|task| filter.matches(&TaskRecord(task)));
    tasks.sort_by(|a, b| order.compare(&TaskRecord(a), &TaskRecord(b)));
    let total = tasks.len();
    let tasks = window.cut(tasks);
    let data = tasks.iter().map(|task| TaskEntity::new(task, &shown));
    Ok(Json(Envelope::new(total, data.collect())).into_response())
}

/// One task of a space.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    space: InSpace,
    EntityId(text): EntityId,
    form: Form,
) -> Result<Response, Fault> {
    let shown = Shown::of(&form, &TASK_FIELDS, DEFAULT_FIELDS)?;
    let unknown = || Fault::unknown_entity(TASK, &text);
    let id = text.parse().map_err(|_| unknown())?;
    let task = admin.tasks().get(id).await?;
    let task = task.filter(|task| task.space == *space.id());
    let task = task.ok_or_else(unknown)?;
    Ok(Json(TaskEntity::new(&task, &shown)).into_response())
}

/// What is answered to who has started `task`.
pub(super) fn started(task: &Task) -> impl Serialize + '_ {
    StartedTask::new(task)
}

const DEFAULT_ORDER: &str = "-creation_time,-id";

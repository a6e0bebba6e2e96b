//! Background tasks: their fields and their JSON.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::fault::ENTITY_NOT_FOUND;
use super::page::Shown;
use super::terminate::DRY_RUN;
use super::wire::Plain;
use crate::query::{Field, FieldValue, Kind, Record, Schema, ShortText};
use crate::tasks::{Task, TaskError};

/// The type of background tasks.
pub(super) const TASK: &str = "background_task";

/// What a task can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskColumn {
    Id,
    Status,
    Result,
    Failure,
    Created,
    Ended,
}

static FIELDS: [Field<TaskColumn>; 6] = [
    Field::new("id", Kind::Id, TaskColumn::Id)
        .alias(&["background_task_id"])
        .never_null()
        .filterable()
        .sortable(),
    Field::new("status", Kind::Enum, TaskColumn::Status)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("result", Kind::Text, TaskColumn::Result),
    Field::new("failure", Kind::Text, TaskColumn::Failure),
    Field::new("creation_time", Kind::Timestamp, TaskColumn::Created)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("end_time", Kind::Timestamp, TaskColumn::Ended)
        .filterable()
        .sortable(),
];

/// The fields of tasks.
pub(super) static TASK_FIELDS: Schema<TaskColumn> = Schema::new(&FIELDS);
/// What is shown of a task when no fields are asked for.
pub(super) const DEFAULT_FIELDS: &str = "id,status,result,creation_time,end_time";

/// A task, asked about its columns.
pub(super) struct TaskRecord<'t>(pub(super) &'t Task);

impl Record for TaskRecord<'_> {
    type Column = TaskColumn;

    fn value(&self, column: TaskColumn) -> FieldValue<'_> {
        let task = self.0;
        match column {
            TaskColumn::Id => ShortText::print(task.id).map_or(FieldValue::Null, FieldValue::Short),
            TaskColumn::Status => FieldValue::Text(task.status.as_str()),
            // Not a plain value; `TaskEntity` shows it.
            TaskColumn::Result => FieldValue::Null,
            TaskColumn::Failure => task
                .failure
                .as_deref()
                .map_or(FieldValue::Null, FieldValue::Text),
            TaskColumn::Created => FieldValue::Timestamp(task.created.unix_millis()),
            TaskColumn::Ended => task.ended.map_or(FieldValue::Null, |ended| {
                FieldValue::Timestamp(ended.unix_millis())
            }),
        }
    }
}

/// A task, with the fields that are asked for.
pub(super) struct TaskEntity<'t> {
    task: &'t Task,
    shown: &'t Shown<TaskColumn>,
}

impl<'t> TaskEntity<'t> {
    pub(super) const fn new(task: &'t Task, shown: &'t Shown<TaskColumn>) -> Self {
        Self { task, shown }
    }
}

impl Serialize for TaskEntity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entity = serializer.serialize_map(None)?;
        entity.serialize_entry("type", TASK)?;
        entity.serialize_entry("id", &self.task.id.to_string())?;
        for shown in self.shown.fields().filter(|shown| shown.name != "id") {
            match shown.field.column() {
                TaskColumn::Result => {
                    entity.serialize_entry(shown.name, &TaskResult::of(self.task))?;
                }
                column => {
                    let record = TaskRecord(self.task);
                    entity.serialize_entry(shown.name, &Plain(record.value(column)))?;
                }
            }
        }
        entity.end()
    }
}

/// What a task has done; while it runs, so far.
#[derive(Serialize)]
struct TaskResult<'t> {
    requested: u64,
    /// Sessions that the task has ended, or in a dry run would have.
    terminated: u64,
    /// Sessions that had ended before.
    already_closed: u64,
    /// Ids that name nothing. Of very many, the first.
    errors: Vec<ResultError<'t>>,
    total_error_count: u64,
    dry_run: bool,
}

#[derive(Serialize)]
struct ResultError<'t> {
    /// Its place among the ids of the query, from 0.
    index: u64,
    error_code: &'static str,
    properties: Entity<'t>,
}

#[derive(Serialize)]
struct Entity<'t> {
    entity_type: &'static str,
    entity_id: &'t str,
}

impl<'t> TaskResult<'t> {
    fn of(task: &'t Task) -> Self {
        let report = &task.report;
        let error = |error: &'t TaskError| ResultError {
            index: error.index,
            // Whichever API began the task: the native one has a word of its own for it.
            error_code: ENTITY_NOT_FOUND,
            properties: Entity {
                entity_type: super::wire::SESSION,
                entity_id: &error.entity_id,
            },
        };
        Self {
            requested: report.requested,
            terminated: report.done,
            already_closed: report.already,
            errors: report.errors.iter().map(error).collect(),
            total_error_count: report.total_errors,
            dry_run: task.kind == DRY_RUN,
        }
    }
}

/// The answer to who has started a task: the id is in it thrice, as some clients drop members
/// of an envelope that they do not know, and others look for the one or the other name.
#[derive(Serialize)]
pub(super) struct StartedTask<'t> {
    background_task_id: String,
    total_count: usize,
    data: [StartedEntity<'t>; 1],
    exceeds_total_count: bool,
}

#[derive(Serialize)]
struct StartedEntity<'t> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    background_task_id: String,
    status: &'static str,
    /// Once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<TaskResult<'t>>,
}

impl<'t> StartedTask<'t> {
    pub(super) fn new(task: &'t Task) -> Self {
        let id = task.id.to_string();
        let entity = StartedEntity {
            kind: TASK,
            id: id.clone(),
            background_task_id: id.clone(),
            status: task.status.as_str(),
            result: task.status.has_ended().then(|| TaskResult::of(task)),
        };
        Self {
            background_task_id: id,
            total_count: 1,
            data: [entity],
            exceeds_total_count: false,
        }
    }
}

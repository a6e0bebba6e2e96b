//! Background tasks, as they are seen from outside.

use std::borrow::Cow;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use super::named::named_enum;
use super::{SpaceId, Timestamp};

/// The id of a task: a decimal number, larger than that of every task before it.
///
/// Numbers start from a clock's milliseconds, so that a poll for a task of an earlier process
/// does not find another one, whatever has been lost in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    /// The id with this number, as read back from a store.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// As a number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for TaskId {
    type Err = ParseIntError;

    /// # Errors
    ///
    /// When `text` is no decimal number of 64 bits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

named_enum! {
    /// How far a task is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum TaskStatus, "status of a task" {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// It has done everything it was asked to.
        Completed = "completed",
        /// It went through to the end, and some of its items could not be done.
        CompletedWithErrors = "completed_with_errors",
        /// It did not go through to the end.
        Failed = "failed",
    }
}

impl TaskStatus {
    /// Whether nothing will happen to the task any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::CompletedWithErrors | Self::Failed
        )
    }
}

/// An item that a task could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError {
    /// Its place in what the task was asked to do, from 0.
    pub index: u64,
    /// What is wrong with it, from a fixed set of the job's, such as `not_found`.
    pub code: Cow<'static, str>,
    /// Its id, as it was asked for.
    pub entity_id: Box<str>,
}

/// What a task has done so far; what it did in all, once it has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskReport {
    /// How many items it is to do, as far as is known.
    pub requested: u64,
    /// Items done by this task.
    pub done: u64,
    /// Items that had been done before.
    pub already: u64,
    /// Items that could not be done; the first of them, up to the bound of
    /// [`TasksBuilder::max_errors`](crate::tasks::TasksBuilder::max_errors).
    pub errors: Vec<TaskError>,
    /// Items that could not be done, those included that are not in `errors`.
    pub total_errors: u64,
}

impl TaskReport {
    /// Items that have been looked at, whatever came of them.
    #[must_use]
    pub const fn processed(&self) -> u64 {
        self.done + self.already + self.total_errors
    }
}

/// A task as it is at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What kind of job it is, as whoever submitted it called it.
    pub kind: Cow<'static, str>,
    /// The space that it belongs to.
    pub space: SpaceId,
    /// How far it is.
    pub status: TaskStatus,
    /// What it has done.
    pub report: TaskReport,
    /// When it was submitted.
    pub created: Timestamp,
    /// When a worker took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed, in a sentence, when it did.
    pub failure: Option<Box<str>>,
}

/// Why a task has failed whose process died.
const DIED: &str = "the server ended before the task was through";

impl Task {
    /// The task once its process is no more: if it had not ended, it has failed, as of `at`.
    #[must_use]
    pub fn of_dead_process(self, at: Timestamp) -> Self {
        if self.status.has_ended() {
            return self;
        }
        Self {
            status: TaskStatus::Failed,
            ended: Some(at),
            failure: Some(DIED.into()),
            ..self
        }
    }
}

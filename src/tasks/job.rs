//! A job and its work: what runs, and how it tells how far it is.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::entry::Entry;
use crate::domain::{TaskError, TaskId};

/// Why a job gave up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskFailure {
    /// It was told to stop; see [`Work::proceed`].
    #[error("the server was shut down before the task was through")]
    Stopped,
    /// Something it needs did not work; the causes are listed behind it.
    #[error("{0}")]
    Failed(String),
}

impl TaskFailure {
    /// That `what` failed because of `error`, whose causes are added.
    #[must_use]
    pub fn because(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = format!("{what}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::Failed(text)
    }
}

/// What a job comes to. What it did it has told its [`Work`].
pub type JobResult = Result<(), TaskFailure>;

/// A job's end of its task. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Work {
    entry: Arc<Entry>,
    stop: CancellationToken,
    max_errors: usize,
}

impl Work {
    pub(super) const fn new(entry: Arc<Entry>, stop: CancellationToken, max_errors: usize) -> Self {
        Self {
            entry,
            stop,
            max_errors,
        }
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.entry.id
    }

    /// Says how many items there are to do.
    pub fn expect(&self, items: u64) {
        self.entry.expect(items);
    }

    /// Asks whether to go on with the next step.
    ///
    /// # Errors
    ///
    /// [`TaskFailure::Stopped`] when the process ends: return it.
    pub fn proceed(&self) -> JobResult {
        if self.stop.is_cancelled() {
            return Err(TaskFailure::Stopped);
        }
        Ok(())
    }

    /// One more item is done.
    pub fn done(&self) {
        self.entry.count_done();
    }

    /// One more item turned out to be done already.
    pub fn already(&self) {
        self.entry.count_already();
    }

    /// One more item cannot be done.
    pub fn error(&self, index: u64, code: &'static str, entity_id: impl Into<Box<str>>) {
        let error = TaskError {
            index,
            code: code.into(),
            entity_id: entity_id.into(),
        };
        self.entry.add_error(error, self.max_errors);
    }
}

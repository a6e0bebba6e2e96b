//! How a [`Tasks`] is made.

use std::sync::Arc;
use std::time::Duration;

use super::driver::Tasks;
use super::entry::Entry;
use super::keeper::TaskKeeper;
use super::kept::Kept;
use crate::domain::{Clock, Task};

/// Settings for [`Tasks`]. What is not set has the default that it names.
#[derive(Debug)]
#[must_use]
pub struct TasksBuilder {
    settings: Settings,
    kept_for: Duration,
    max_ended: usize,
    restored: Vec<Task>,
}

/// What the workers need to know.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) workers: usize,
    pub(super) max_queued: usize,
    pub(super) max_errors: usize,
    pub(super) keeper: Option<Arc<dyn TaskKeeper>>,
}

impl TasksBuilder {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            settings: Settings {
                clock,
                workers: 2,
                max_queued: 64,
                max_errors: 256,
                keeper: None,
            },
            kept_for: Duration::from_secs(86_400),
            max_ended: 1000,
            restored: Vec::new(),
        }
    }

    /// Tasks of an earlier process, to be asked about until their time is up. Those that had
    /// not ended have failed.
    pub fn restored(mut self, tasks: Vec<Task>) -> Self {
        self.restored = tasks;
        self
    }

    /// Tells `keeper` how tasks are. Default: nobody.
    pub fn keeper(mut self, keeper: Arc<dyn TaskKeeper>) -> Self {
        self.settings.keeper = Some(keeper);
        self
    }

    /// How many tasks run at a time; at least 1. Default: 2.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = workers;
        self
    }

    /// How many tasks may wait; at least 1. Default: 64.
    pub const fn max_queued(mut self, tasks: usize) -> Self {
        self.settings.max_queued = tasks;
        self
    }

    /// How long a task can be asked about after its end. Default: a day.
    pub const fn kept_for(mut self, time: Duration) -> Self {
        self.kept_for = time;
        self
    }

    /// How many ended tasks are kept; the first to end is the first to go. Default: 1,000.
    pub const fn max_ended(mut self, tasks: usize) -> Self {
        self.max_ended = tasks;
        self
    }

    /// How many errors a task's report lists; the rest are counted. Default: 256.
    pub const fn max_errors(mut self, errors: usize) -> Self {
        self.settings.max_errors = errors;
        self
    }

    /// Starts the workers.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(self) -> Tasks {
        let clock = &*self.settings.clock;
        let mut kept = Kept::new(clock.wall(), self.kept_for, self.max_ended);
        for task in self.restored {
            let (known, entry) = (task.status, Entry::restore(task, clock));
            let task = entry.view();
            let keeper = self.settings.keeper.as_ref();
            if let Some(keeper) = keeper.filter(|_| task.status != known) {
                keeper.keep(task);
            }
            kept.restore(entry);
        }
        kept.prune(clock.tick());
        Tasks::start(self.settings, kept)
    }
}

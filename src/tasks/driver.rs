//! The queue, the workers and the handle.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entry::Entry;
use super::job::{JobResult, TaskFailure, Work};
use super::kept::Kept;
use crate::domain::{Clock, SpaceId, Task, TaskId};

/// The background tasks of this process: one handle, cheap to clone. When the last one is
/// dropped, the workers end with what is queued.
#[derive(Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Queued>,
    max_queued: usize,
}

/// What workers and handles share. Does not hold the queue's sender, so that workers notice
/// when nobody can submit any more.
struct Shared {
    kept: Mutex<Kept>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Queued>>,
    workers: TaskTracker,
    stop: CancellationToken,
    clock: Arc<dyn Clock>,
    max_errors: usize,
    keeper: Option<Arc<dyn TaskKeeper>>,
}

type Job = Box<dyn FnOnce(Work) -> Pin<Box<dyn Future<Output = JobResult> + Send>> + Send>;

struct Queued {
    entry: Arc<Entry>,
    job: Job,
}

/// Why a task was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// As many tasks wait as may. Try again later.
    #[error("{max} background tasks are waiting, as many as may")]
    TooMany {
        /// How many may wait.
        max: usize,
    },
    /// The process is ending.
    #[error("no background task is taken any more: the server is shutting down")]
    Stopped,
}

/// Is told how tasks are, so that they can be asked about after a restart.
pub trait TaskKeeper: fmt::Debug + Send + Sync + 'static {
    /// `task` has been submitted, has been started or has ended. Returns at once and does its
    /// work elsewhere, in the order of the calls.
    fn keep(&self, task: Task);
}

/// Settings for [`Tasks`]. What is not set has the default that it names.
#[derive(Debug)]
#[must_use]
pub struct TasksBuilder {
    clock: Arc<dyn Clock>,
    workers: usize,
    max_queued: usize,
    kept_for: Duration,
    max_ended: usize,
    max_errors: usize,
    restored: Vec<Task>,
    keeper: Option<Arc<dyn TaskKeeper>>,
}

impl TasksBuilder {
    /// Tasks of an earlier process, to be asked about until their time is up. Those that had
    /// not ended have failed.
    pub fn restored(mut self, tasks: Vec<Task>) -> Self {
        self.restored = tasks;
        self
    }

    /// Tells `keeper` how tasks are. Default: nobody.
    pub fn keeper(mut self, keeper: Arc<dyn TaskKeeper>) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// How many tasks run at a time; at least 1. Default: 2.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// How many tasks may wait; at least 1. Default: 64.
    pub const fn max_queued(mut self, tasks: usize) -> Self {
        self.max_queued = tasks;
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
        self.max_errors = errors;
        self
    }

    /// Starts the workers.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(self) -> Tasks {
        let max_queued = self.max_queued.max(1);
        let (queue, waiting) = mpsc::channel(max_queued);
        let mut kept = Kept::new(self.clock.wall(), self.kept_for, self.max_ended);
        for task in self.restored {
            let (known, entry) = (task.status, Entry::restore(task, &*self.clock));
            let task = entry.view();
            if let Some(keeper) = self.keeper.as_ref().filter(|_| task.status != known) {
                keeper.keep(task);
            }
            kept.restore(entry);
        }
        kept.prune(self.clock.tick());
        let shared = Arc::new(Shared {
            kept: Mutex::new(kept),
            waiting: tokio::sync::Mutex::new(waiting),
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
            clock: self.clock,
            max_errors: self.max_errors,
            keeper: self.keeper,
        });
        for _ in 0..self.workers.max(1) {
            shared.workers.spawn(Arc::clone(&shared).work());
        }
        shared.workers.close();
        Tasks {
            shared,
            queue,
            max_queued,
        }
    }
}

impl Tasks {
    /// Tasks that go by `clock`, with settings of your own.
    pub fn builder(clock: Arc<dyn Clock>) -> TasksBuilder {
        TasksBuilder {
            clock,
            workers: 2,
            max_queued: 64,
            kept_for: Duration::from_secs(86_400),
            max_ended: 1000,
            max_errors: 256,
            restored: Vec::new(),
            keeper: None,
        }
    }

    /// Takes a task of `space`: `job` runs when a worker is free, in the order of the calls.
    ///
    /// `kind` names the sort of job, from a fixed set. The job is to be idempotent and to ask
    /// [`Work::proceed`] before each step.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]; then the job will not run.
    pub fn submit<F, R>(
        &self,
        kind: &'static str,
        space: SpaceId,
        job: F,
    ) -> Result<TaskId, SubmitError>
    where
        F: FnOnce(Work) -> R + Send + 'static,
        R: Future<Output = JobResult> + Send + 'static,
    {
        let job: Job = Box::new(move |work| Box::pin(job(work)));
        // Under one lock, so that tasks run in the order of their ids.
        let mut kept = self.shared.kept();
        kept.prune(self.shared.clock.tick());
        let entry = kept.add(kind, space, self.shared.clock.wall());
        let id = entry.id;
        // Before a worker can take it, so that what is kept of it comes in order.
        let place = self.queue.try_reserve();
        let refused = match place {
            Ok(place) => {
                self.shared.keep(&entry);
                place.send(Queued { entry, job });
                return Ok(id);
            }
            Err(mpsc::error::TrySendError::Full(())) => SubmitError::TooMany {
                max: self.max_queued,
            },
            Err(mpsc::error::TrySendError::Closed(())) => SubmitError::Stopped,
        };
        kept.drop_unsubmitted(id);
        Err(refused)
    }

    /// The task `id`, unless it is unknown or forgotten. Whether the caller may see it is for
    /// the caller to say: look at its space.
    #[must_use]
    pub fn get(&self, id: TaskId) -> Option<Task> {
        self.entry(id).map(|entry| entry.view())
    }

    /// The tasks of `space`, newest first.
    #[must_use]
    pub fn of_space(&self, space: &SpaceId) -> Vec<Task> {
        let now = self.shared.clock.tick();
        let entries = self.shared.kept().of_space(space, now);
        entries.iter().map(|entry| entry.view()).collect()
    }

    /// Every task that can be asked about, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Task> {
        let now = self.shared.clock.tick();
        let entries = self.shared.kept().all(now);
        entries.iter().map(|entry| entry.view()).collect()
    }

    /// Keeps a task of another process as [`restored`](TasksBuilder::restored) does; `false`
    /// when there is one with its id, which stays as it is.
    pub fn import(&self, task: Task) -> bool {
        let entry = Arc::new(Entry::restore(task, &*self.shared.clock));
        let added = self.shared.kept().import(&entry);
        if added {
            self.shared.keep(&entry);
        }
        added
    }

    /// The task `id` once it has ended, or as it is after `max`, whichever comes first.
    pub async fn wait(&self, id: TaskId, max: Duration) -> Option<Task> {
        let entry = self.entry(id)?;
        let _ = tokio::time::timeout(max, entry.wait()).await;
        Some(entry.view())
    }

    /// Takes no more tasks, fails those that wait, lets those that run finish their step, and
    /// returns when the last of them has ended.
    pub async fn shut_down(&self) {
        let shared = &self.shared;
        shared.stop.cancel();
        {
            let mut waiting = shared.waiting.lock().await;
            waiting.close();
            while let Some(Queued { entry, .. }) = waiting.recv().await {
                shared.end(&entry, Err(TaskFailure::Stopped));
            }
        }
        shared.workers.wait().await;
    }

    fn entry(&self, id: TaskId) -> Option<Arc<Entry>> {
        let now = self.shared.clock.tick();
        self.shared.kept().get(id, now).cloned()
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("kept", &self.shared.kept)
            .field("max_queued", &self.max_queued)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    async fn work(self: Arc<Self>) {
        while let Some(Queued { entry, job }) = self.next().await {
            entry.start(&*self.clock);
            self.keep(&entry);
            let work = Work::new(Arc::clone(&entry), self.stop.clone(), self.max_errors);
            // On a task of its own, whose panic is an answer and not the worker's end; the job
            // makes its future there too.
            let result = match tokio::spawn(async move { job(work).await }).await {
                Ok(result) => result,
                Err(failed) if failed.is_panic() => {
                    Err(TaskFailure::Failed("the task panicked".to_owned()))
                }
                Err(_) => Err(TaskFailure::Stopped),
            };
            self.end(&entry, result);
        }
    }

    /// The next task; `None` when there will be none.
    async fn next(&self) -> Option<Queued> {
        let take = async { self.waiting.lock().await.recv().await };
        self.stop.run_until_cancelled(take).await.flatten()
    }

    fn end(&self, entry: &Entry, result: JobResult) {
        let failure = result.err().map(|failure| failure.to_string());
        if let Some(reason) = &failure {
            tracing::warn!(
                task.id = entry.id.as_u64(),
                space = %entry.space,
                task.failure = reason,
                "a background task failed"
            );
        }
        entry.end(failure.map(Into::into), &*self.clock);
        self.keep(entry);
    }

    fn keep(&self, entry: &Entry) {
        if let Some(keeper) = &self.keeper {
            keeper.keep(entry.view());
        }
    }
}

#[cfg(test)]
impl Tasks {
    /// Waits, without holding a handle, until the workers have ended.
    pub(super) fn workers_end(&self) -> impl Future<Output = ()> + use<> {
        let workers = self.shared.workers.clone();
        async move { workers.wait().await }
    }
}

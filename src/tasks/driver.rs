//! The queue, the workers and the handle.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::builder::{Settings, TasksBuilder};
use super::entry::Entry;
use super::job::{JobResult, TaskFailure, Work};
use super::keeper::{SharedTasks, TaskKeeper, Unreachable};
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
    /// Held while the keeper is told, so that what it is told last is how a task was last.
    telling: Mutex<()>,
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

/// How often others are told how far a task is.
pub const PACE: Duration = Duration::from_secs(1);

/// How often others are asked how far a task of theirs is, when somebody waits for it.
const POLL: Duration = Duration::from_millis(200);

/// Why a task was not taken.
#[derive(Debug, thiserror::Error)]
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
    /// It could not be kept where all processes find it.
    #[error("the background task cannot be kept")]
    Unkept(#[from] Unreachable),
}

impl Tasks {
    /// Tasks that go by `clock`, with settings of your own.
    pub fn builder(clock: Arc<dyn Clock>) -> TasksBuilder {
        TasksBuilder::new(clock)
    }

    /// Starts the workers. Outside a tokio runtime this panics.
    pub(super) fn start(settings: Settings, kept: Kept) -> Self {
        let max_queued = settings.max_queued.max(1);
        let (queue, waiting) = mpsc::channel(max_queued);
        let shared = Arc::new(Shared {
            kept: Mutex::new(kept),
            telling: Mutex::new(()),
            waiting: tokio::sync::Mutex::new(waiting),
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
            clock: settings.clock,
            max_errors: settings.max_errors,
            keeper: settings.keeper,
        });
        for _ in 0..settings.workers.max(1) {
            shared.workers.spawn(Arc::clone(&shared).work());
        }
        shared.workers.close();
        if shared.others().is_some() {
            tokio::spawn(Arc::clone(&shared).tell_others());
        }
        Self {
            shared,
            queue,
            max_queued,
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
    pub async fn submit<F, R>(
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
        let place = match self.queue.clone().try_reserve_owned() {
            Ok(place) => place,
            Err(mpsc::error::TrySendError::Full(_)) => {
                let max = self.max_queued;
                return Err(SubmitError::TooMany { max });
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(SubmitError::Stopped),
        };
        let shared = Arc::clone(&self.shared);
        if shared.others().is_none() {
            return Ok(shared.admit(None, kind, space, |entry| {
                place.send(Queued { entry, job });
            }));
        }
        // On a task of its own: who submits it and goes away must not leave a task in the
        // store that nobody runs.
        let admitted = tokio::spawn(async move {
            let id = shared.number(kind, &space).await?;
            Ok(shared.admit(id, kind, space, |entry| {
                place.send(Queued { entry, job });
            }))
        });
        match admitted.await {
            Ok(result) => result,
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(_) => Err(SubmitError::Stopped),
        }
    }

    /// The task `id`, unless it is unknown or forgotten. Whether the caller may see it is for
    /// the caller to say: look at its space.
    ///
    /// # Errors
    ///
    /// [`Unreachable`] when it may be another process's, and nobody can tell.
    pub async fn get(&self, id: TaskId) -> Result<Option<Task>, Unreachable> {
        match (self.entry(id), self.shared.others()) {
            (Some(entry), _) => Ok(Some(entry.view())),
            (None, Some(others)) => others.get(id).await,
            (None, None) => Ok(None),
        }
    }

    /// The tasks of `space`, newest first.
    ///
    /// # Errors
    ///
    /// [`Unreachable`] when nobody can tell those of other processes.
    pub async fn of_space(&self, space: &SpaceId) -> Result<Vec<Task>, Unreachable> {
        let now = self.shared.clock.tick();
        let of_others = match self.shared.others() {
            Some(others) => others.of_space(space.clone()).await?,
            None => Vec::new(),
        };
        let mut tasks: BTreeMap<_, _> = of_others.into_iter().map(|t| (t.id, t)).collect();
        // Of its own, nobody knows better.
        let own = self.shared.kept().of_space(space, now);
        tasks.extend(own.iter().map(|entry| (entry.id, entry.view())));
        Ok(tasks.into_values().rev().collect())
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
    ///
    /// # Errors
    ///
    /// [`Unreachable`] when it may be another process's, and nobody can tell.
    pub async fn wait(&self, id: TaskId, max: Duration) -> Result<Option<Task>, Unreachable> {
        if let Some(entry) = self.entry(id) {
            let _ = tokio::time::timeout(max, entry.wait()).await;
            return Ok(Some(entry.view()));
        }
        let Some(others) = self.shared.others() else {
            return Ok(None);
        };
        let until = tokio::time::Instant::now() + max;
        loop {
            let task = others.get(id).await?;
            let goes_on = task.as_ref().is_some_and(|task| !task.status.has_ended());
            if !goes_on || tokio::time::Instant::now() >= until {
                return Ok(task);
            }
            tokio::time::sleep_until(until.min(tokio::time::Instant::now() + POLL)).await;
        }
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

    /// The tasks of all processes, if there are others.
    fn others(&self) -> Option<&dyn SharedTasks> {
        self.keeper.as_deref().and_then(TaskKeeper::shared)
    }

    /// An id that no task of any process has; the task is known to all from then on.
    async fn number(
        &self,
        kind: &'static str,
        space: &SpaceId,
    ) -> Result<Option<TaskId>, Unreachable> {
        let Some(others) = self.others() else {
            return Ok(None);
        };
        let created = self.clock.wall();
        let unnumbered = Entry::new(TaskId::new(0), kind, space.clone(), created);
        others.number(unnumbered.view()).await.map(Some)
    }

    /// Keeps a new task and has it queued: under one lock, so that tasks run in the order of
    /// their ids, and before a worker can take it, so that what is kept of it comes in order.
    fn admit(
        &self,
        id: Option<TaskId>,
        kind: &'static str,
        space: SpaceId,
        queue: impl FnOnce(Arc<Entry>),
    ) -> TaskId {
        let mut kept = self.kept();
        kept.prune(self.clock.tick());
        let id = id.unwrap_or_else(|| kept.number());
        let entry = Arc::new(Entry::new(id, kind, space, self.clock.wall()));
        kept.add(Arc::clone(&entry));
        self.keep(&entry);
        queue(entry);
        id
    }

    /// Says again and again how the tasks are, for others to know how far they are and that
    /// they are not dead.
    async fn tell_others(self: Arc<Self>) {
        let workers = self.workers.clone();
        let mut ticks = tokio::time::interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = workers.wait() => return,
                _ = ticks.tick() => {}
            }
            // An end that comes meanwhile is told after this, or found here.
            let unfinished = self.kept().unfinished();
            unfinished.iter().for_each(|entry| self.keep(entry));
        }
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
            let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
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

//! A task as the room keeps it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::{
    Clock, SpaceId, Task, TaskError, TaskId, TaskReport, TaskStatus, Tick, Timestamp,
};

/// A task: its counters, which the job writes without waiting, and its state.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: TaskId,
    pub(super) space: SpaceId,
    kind: Cow<'static, str>,
    created: Timestamp,
    requested: AtomicU64,
    done: AtomicU64,
    already: AtomicU64,
    state: Mutex<State>,
    /// `true` once it has ended.
    ended: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    status: TaskStatus,
    started: Option<Timestamp>,
    ended: Option<(Tick, Timestamp)>,
    failure: Option<Box<str>>,
    errors: Vec<TaskError>,
    total_errors: u64,
}

impl Entry {
    pub(super) fn new(id: TaskId, kind: &'static str, space: SpaceId, created: Timestamp) -> Self {
        Self {
            id,
            space,
            kind: Cow::Borrowed(kind),
            created,
            requested: AtomicU64::new(0),
            done: AtomicU64::new(0),
            already: AtomicU64::new(0),
            state: Mutex::new(State {
                status: TaskStatus::Queued,
                started: None,
                ended: None,
                failure: None,
                errors: Vec::new(),
                total_errors: 0,
            }),
            ended: watch::Sender::new(false),
        }
    }

    /// A task of an earlier process. One that had not ended when that process did has failed.
    pub(super) fn restore(task: Task, clock: &dyn Clock) -> Self {
        let (tick, wall) = (clock.tick(), clock.wall());
        let task = task.of_dead_process(wall);
        let at = task.ended.unwrap_or(wall);
        Self {
            id: task.id,
            space: task.space,
            kind: task.kind,
            created: task.created,
            requested: AtomicU64::new(task.report.requested),
            done: AtomicU64::new(task.report.done),
            already: AtomicU64::new(task.report.already),
            state: Mutex::new(State {
                status: task.status,
                started: task.started,
                ended: Some((tick.before(wall.since(at)), at)),
                failure: task.failure,
                errors: task.report.errors,
                total_errors: task.report.total_errors,
            }),
            ended: watch::Sender::new(true),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expect(&self, items: u64) {
        self.requested.store(items, Ordering::Relaxed);
    }

    pub(super) fn count_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_already(&self) {
        self.already.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes an item that cannot be done; kept while fewer than `max` are.
    pub(super) fn add_error(&self, error: TaskError, max: usize) {
        let mut state = self.state();
        state.total_errors += 1;
        if state.errors.len() < max {
            state.errors.push(error);
        }
    }

    /// Notes that a worker took it.
    pub(super) fn start(&self, clock: &dyn Clock) {
        let mut state = self.state();
        state.status = TaskStatus::Running;
        state.started = Some(clock.wall());
    }

    /// Notes its end: through, or why not. The first end stands.
    pub(super) fn end(&self, failure: Option<Box<str>>, clock: &dyn Clock) {
        {
            let mut state = self.state();
            if state.ended.is_some() {
                return;
            }
            state.status = match (&failure, state.total_errors) {
                (Some(_), _) => TaskStatus::Failed,
                (None, 0) => TaskStatus::Completed,
                (None, _) => TaskStatus::CompletedWithErrors,
            };
            state.failure = failure;
            state.ended = Some((clock.tick(), clock.wall()));
        }
        self.ended.send_replace(true);
    }

    /// When it ended.
    pub(super) fn ended_at(&self) -> Option<Tick> {
        self.state().ended.map(|(tick, _)| tick)
    }

    /// Waits until it has ended.
    pub(super) async fn wait(&self) {
        let mut ended = self.ended.subscribe();
        // The sender is in this entry, which is borrowed: it cannot be gone.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// It as it is now.
    pub(super) fn view(&self) -> Task {
        let state = self.state();
        Task {
            id: self.id,
            kind: self.kind.clone(),
            space: self.space.clone(),
            status: state.status,
            report: TaskReport {
                requested: self.requested.load(Ordering::Relaxed),
                done: self.done.load(Ordering::Relaxed),
                already: self.already.load(Ordering::Relaxed),
                errors: state.errors.clone(),
                total_errors: state.total_errors,
            },
            created: self.created,
            started: state.started,
            ended: state.ended.map(|(_, wall)| wall),
            failure: state.failure.clone(),
        }
    }
}

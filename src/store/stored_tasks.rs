//! Background tasks of several processes.

use std::time::Duration;

use super::StoreFuture;
use crate::domain::{SpaceId, Task, TaskId};

/// After how long without a word a process is taken for dead.
pub const SILENCE: Duration = Duration::from_secs(10);

/// Tasks of a space that can be asked about; of more, the newest.
pub const MAX_TASKS: usize = 1000;

/// The part of a shared store's contract about background tasks, each of which runs in one
/// process and is asked about in all.
///
/// An implementer owes:
/// - What [`put_task`](super::SessionStore::put_task) said last of a task stands, and whoever
///   asks sees it.
/// - A task that has not ended and of which nothing was said for [`SILENCE`] has failed as of
///   then ([`Task::of_dead_process`]). Its process, should it be alive, may still say more.
pub trait StoredTasks: Send + Sync {
    /// Keeps `task` under a new id, larger than all before; its own is of no account.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may not have been kept.
    fn number_task(&self, task: &Task) -> StoreFuture<'_, TaskId>;

    /// The task `id`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn task(&self, id: TaskId) -> StoreFuture<'_, Option<Task>>;

    /// The tasks of `space`, the newest [`MAX_TASKS`] of them at most, newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn tasks_of(&self, space: SpaceId) -> StoreFuture<'_, Vec<Task>>;

    /// The tasks of all spaces.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn all_tasks(&self) -> StoreFuture<'_, Vec<Task>>;
}

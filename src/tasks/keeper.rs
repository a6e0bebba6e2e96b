//! What keeps tasks beyond the process: the contract, as far as this room has to do with it.

use std::error::Error;
use std::fmt;
use std::pin::Pin;

use crate::domain::{SpaceId, Task, TaskId};

/// Is told how tasks are, so that they can be asked about after a restart, and on other nodes.
pub trait TaskKeeper: fmt::Debug + Send + Sync + 'static {
    /// How `task` is now: it has been submitted, has been started, goes on or has ended. Returns
    /// at once and does its work elsewhere; of two words on a task the later stands.
    fn keep(&self, task: Task);

    /// The rest, if other processes have tasks too, and each is to tell those of all. Then
    /// [`keep`](Self::keep) is called for each task that has not ended every [`PACE`](super::PACE), and a
    /// process that has been silent about its own for a few times that is taken for dead.
    fn shared(&self) -> Option<&dyn SharedTasks>;
}

/// The tasks of all processes.
pub trait SharedTasks: Send + Sync {
    /// Keeps `task` under a new id, larger than that of every task before it, of whatever
    /// process. The id that it has is of no account.
    fn number(&self, task: Task) -> KeeperFuture<'_, TaskId>;

    /// The task `id`, of whatever process. One whose process is dead has
    /// [failed](Task::of_dead_process).
    fn get(&self, id: TaskId) -> KeeperFuture<'_, Option<Task>>;

    /// The tasks of `space`, in any order; a bounded number, the newest.
    fn of_space(&self, space: SpaceId) -> KeeperFuture<'_, Vec<Task>>;
}

/// What the methods of [`SharedTasks`] return.
pub type KeeperFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unreachable>> + Send + 'a>>;

/// What keeps the tasks of all processes cannot tell, or cannot keep one more. Conclude nothing.
#[derive(Debug, thiserror::Error)]
#[error("what keeps background tasks does not answer")]
pub struct Unreachable(#[source] Box<dyn Error + Send + Sync>);

impl Unreachable {
    /// Because of `error`.
    pub fn because(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

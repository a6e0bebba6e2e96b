//! How background tasks are, as the store is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::SpaceId;
use crate::store::{SessionStore, StoreFuture};
use crate::tasks::{KeeperFuture, SharedTasks, Task, TaskId, TaskKeeper, Unreachable};

/// Tells the store how background tasks are, and where it is shared asks it about those of
/// other nodes.
#[derive(Debug)]
pub(super) struct KeptTasks {
    store: Arc<dyn SessionStore>,
    /// What the store has not been told: of each task how it was last.
    untold: Mutex<BTreeMap<TaskId, Task>>,
    more: Notify,
}

/// How long a shared store that did not take what it was told is left alone. Others take a
/// node's tasks for dead when it has been silent for some times that.
const RETRY: Duration = Duration::from_millis(500);

impl KeptTasks {
    pub(super) fn new(store: Arc<dyn SessionStore>) -> Arc<Self> {
        Arc::new(Self {
            store,
            untold: Mutex::default(),
            more: Notify::new(),
        })
    }

    /// Tells the store, until `stop`, and then all that there is once more.
    pub(super) async fn tell(self: Arc<Self>, stop: CancellationToken) {
        let forever = async {
            loop {
                self.more.notified().await;
                while !self.tell_all().await {
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        stop.run_until_cancelled(forever).await;
        self.tell_all().await;
    }

    /// Whether nothing is left to tell.
    async fn tell_all(&self) -> bool {
        let tasks: Vec<Task> = self.untold().values().cloned().collect();
        let mut all = true;
        for task in tasks {
            if let Err(error) = self.store.put_task(&task).await {
                let (id, status) = (task.id.as_u64(), task.status.as_str());
                let error = &error as &dyn std::error::Error;
                // Others wait for an end that only this node knows of; a file has nobody but
                // this process, which knows.
                if self.store.shared().is_some() {
                    tracing::debug!(
                        task.id = id,
                        task.status = status,
                        error,
                        "how a background task is will be told later"
                    );
                    all = false;
                    continue;
                }
                tracing::warn!(
                    task.id = id,
                    task.status = status,
                    error,
                    "how a background task is was not kept"
                );
            }
            let mut untold = self.untold();
            if untold.get(&task.id) == Some(&task) {
                untold.remove(&task.id);
            }
        }
        all
    }

    fn untold(&self) -> MutexGuard<'_, BTreeMap<TaskId, Task>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskKeeper for KeptTasks {
    fn keep(&self, task: Task) {
        self.untold().insert(task.id, task);
        self.more.notify_one();
    }

    fn shared(&self) -> Option<&dyn SharedTasks> {
        self.store.shared().is_some().then_some(self)
    }
}

impl SharedTasks for KeptTasks {
    fn number(&self, task: Task) -> KeeperFuture<'_, TaskId> {
        Box::pin(async move {
            let store = self.store.shared().expect("it is shared, or nobody asks");
            answer(store.number_task(&task)).await
        })
    }

    fn get(&self, id: TaskId) -> KeeperFuture<'_, Option<Task>> {
        Box::pin(async move {
            let store = self.store.shared().expect("it is shared, or nobody asks");
            answer(store.task(id)).await
        })
    }

    fn of_space(&self, space: SpaceId) -> KeeperFuture<'_, Vec<Task>> {
        Box::pin(async move {
            let store = self.store.shared().expect("it is shared, or nobody asks");
            answer(store.tasks_of(space)).await
        })
    }
}

async fn answer<T>(asked: StoreFuture<'_, T>) -> Result<T, Unreachable> {
    asked.await.map_err(Unreachable::because)
}

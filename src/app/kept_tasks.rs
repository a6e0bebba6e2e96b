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

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::domain::{Spaces, SystemClock};
    use crate::store::Retention;
    use crate::store::redis::tests::fresh;
    use crate::store::redis::tests::server::RedisServer;
    use crate::store::redis::{RedisOptions, RedisStore};
    use crate::tasks::{SubmitError, TaskStatus, Tasks};

    /// The tasks of a node, until it stops.
    async fn node(options: &RedisOptions) -> (Tasks, CancellationToken) {
        let (clock, spaces) = (Arc::new(SystemClock::new()), Spaces::new());
        let options = options.clone();
        let store = RedisStore::connect(
            options,
            Retention::default(),
            spaces,
            Arc::clone(&clock) as _,
        );
        let keeper = KeptTasks::new(Arc::new(store.await.unwrap()));
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&keeper).tell(stop.clone()));
        let tasks = Tasks::builder(clock).max_queued(1).workers(1);
        (tasks.keeper(keeper).start(), stop)
    }

    async fn until(tasks: &Tasks, id: TaskId, holds: impl Fn(&Task) -> bool) -> Task {
        let wait = async {
            loop {
                let task = tasks.get(id).await.unwrap().expect("it is kept");
                if holds(&task) {
                    return task;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait);
        waited.await.expect("it should have come to that by now")
    }

    #[tokio::test]
    async fn every_node_tells_the_tasks_of_all() {
        let server = RedisServer::start();
        let options = fresh(&RedisOptions::single(server.url()));
        let ((a, stop), (b, _stop)) = (node(&options).await, node(&options).await);
        let space = SpaceId::new("1").unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let job = |gate: &Arc<Semaphore>| {
            let gate = Arc::clone(gate);
            async |work: crate::tasks::Work| {
                work.expect(2);
                work.done();
                gate.acquire_owned().await.unwrap().forget();
                work.already();
                Ok(())
            }
        };
        let first = a.submit("x", space.clone(), job(&gate)).await.unwrap();
        let second = b.submit("x", space.clone(), job(&gate)).await.unwrap();
        assert!(first < second);
        // How far it is, while it runs.
        let half = until(&b, first, |task| task.report.done == 1).await;
        assert_eq!(half.status, TaskStatus::Running);
        let queued = a.submit("x", space.clone(), job(&gate)).await.unwrap();
        let refused = a.submit("x", space.clone(), job(&gate)).await;
        assert!(matches!(refused, Err(SubmitError::TooMany { max: 1 })));
        for tasks in [&a, &b] {
            let all = tasks.of_space(&space).await.unwrap();
            let ids: Vec<_> = all.iter().map(|task| task.id).collect();
            assert_eq!(ids, [queued, second, first]);
        }

        let waiting = b.wait(first, Duration::from_secs(20));
        gate.add_permits(3);
        let done = waiting.await.unwrap().unwrap();
        assert_eq!(done.status, TaskStatus::Completed);
        assert_eq!((done.report.done, done.report.already), (1, 1));
        until(&b, queued, |task| task.status == TaskStatus::Completed).await;
        // What is told at the very end is told.
        let last = a.submit("x", space, job(&gate)).await.unwrap();
        until(&b, last, |task| task.status == TaskStatus::Running).await;
        gate.add_permits(1);
        a.shut_down().await;
        stop.cancel();
        until(&b, last, |task| task.status.has_ended()).await;
    }
}

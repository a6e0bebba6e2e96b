//! The store that the options name, and what is told to it in the background.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::options::{StoreKind, StoreOptions};
use crate::domain::{Clock, Spaces};
use crate::store::file::{FileError, FileStore};
use crate::store::{MemoryStore, Retention, SessionStore};
use crate::tasks::{Task, TaskKeeper};

/// How long ended sessions are kept.
pub(super) const fn retention(options: &StoreOptions) -> Retention {
    Retention {
        time: options.retention,
        max: options.max_ended,
    }
}

/// Opens the store. Its sessions will point to `spaces`.
pub(super) async fn open(
    options: &StoreOptions,
    spaces: &Spaces,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn SessionStore>, FileError> {
    let (retention, clock) = (retention(options), Arc::clone(clock));
    match options.kind {
        StoreKind::Memory => Ok(Arc::new(MemoryStore::new(retention, clock))),
        StoreKind::File => {
            let (path, spaces) = (options.path.clone(), spaces.clone());
            // It reads and verifies the whole file.
            let open = move || FileStore::open(&path, retention, &spaces, clock);
            match tokio::task::spawn_blocking(open).await {
                Ok(store) => Ok(Arc::new(store?)),
                Err(failed) => std::panic::resume_unwind(failed.into_panic()),
            }
        }
    }
}

/// Hands background tasks on to the store, in the order of what happens to them.
#[derive(Debug)]
pub(super) struct TasksToStore(mpsc::UnboundedSender<Task>);

impl TaskKeeper for TasksToStore {
    fn keep(&self, task: Task) {
        // Nobody listens any more once the gateway has stopped.
        let _ = self.0.send(task);
    }
}

/// A keeper of background tasks, and the work of keeping them in `store` until `stop`.
pub(super) fn keep_tasks(
    store: Arc<dyn SessionStore>,
    stop: CancellationToken,
) -> (Arc<TasksToStore>, impl Future<Output = ()>) {
    // Bounded by the tasks there may be, of which each says three things.
    let (told, mut heard) = mpsc::unbounded_channel();
    let work = async move {
        while let Some(task) = stop.run_until_cancelled(heard.recv()).await.flatten() {
            keep(&*store, &task).await;
        }
        while let Ok(task) = heard.try_recv() {
            keep(&*store, &task).await;
        }
    };
    (Arc::new(TasksToStore(told)), work)
}

async fn keep(store: &dyn SessionStore, task: &Task) {
    if let Err(error) = store.put_task(task).await {
        tracing::warn!(
            task.id = task.id.as_u64(),
            task.status = task.status.as_str(),
            error = &error as &dyn std::error::Error,
            "how a background task is was not kept"
        );
    }
}

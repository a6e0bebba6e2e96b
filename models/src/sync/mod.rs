//! What threads and tasks meet on, in a model: at every use shuttle decides who goes on.
//!
//! Stands in the place of `src/sync`, and has what that has.

pub(crate) mod map;
mod once;

pub(crate) use once::OnceLock;
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

/// Numbers that threads share.
pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

/// Tasks, and giving way to others.
pub(crate) mod task {
    use std::any::Any;
    use std::time::Duration;

    pub(crate) use shuttle::future::yield_now;

    /// Why a task came to nothing.
    #[derive(Debug)]
    pub(crate) struct JoinError;

    impl JoinError {
        /// A panic ends the model, so nobody ever sees one.
        pub(crate) const fn is_panic(&self) -> bool {
            false
        }

        pub(crate) fn into_panic(self) -> Box<dyn Any + Send> {
            Box::new("no panic is ever joined")
        }
    }

    /// A task of its own, which goes on when nobody waits for it.
    pub(crate) fn spawn<F>(future: F) -> impl Future<Output = Result<F::Output, JoinError>> + Send
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = shuttle::future::spawn(future);
        async move { task.await.map_err(|_| JoinError) }
    }

    /// However long: others may go first.
    pub(crate) async fn sleep(_: Duration) {
        yield_now().await;
    }
}

//! The thread that speaks with a store other nodes write to.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A thread with a runtime of its own for the connection to a shared store and for what comes
/// over it. An end on another node is felt here within a fraction of a millisecond, whatever
/// searches, sweeps and answers keep the side port's threads busy.
#[derive(Debug)]
pub(super) struct StoreThread {
    runtime: Handle,
    /// Ends the thread, if there is one.
    end: CancellationToken,
}

impl StoreThread {
    /// No thread: work is done on the runtime that this is called on.
    pub(super) fn none() -> Self {
        Self {
            runtime: Handle::current(),
            end: CancellationToken::new(),
        }
    }

    /// # Errors
    ///
    /// When the operating system gives no thread or runtime.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, end) = (runtime.handle().clone(), CancellationToken::new());
        let ended = end.clone();
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || runtime.block_on(ended.cancelled()))?;
        Ok(Self {
            runtime: handle,
            end,
        })
    }

    /// Does `work` on the thread.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    /// Ends the thread, and what is left of its work.
    pub(super) fn end(&self) {
        self.end.cancel();
    }
}

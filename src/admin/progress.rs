//! Answers that take longer than others may, as long as they get on.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// In each request: where an endpoint notes that it gets on, so that it is waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Another piece of the work is done.
    pub(super) fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What `answering` comes to; `None` when it did not get on for `limit`.
    pub(super) async fn wait_for<T>(
        &self,
        answering: impl Future<Output = T>,
        limit: Duration,
    ) -> Option<T> {
        let (mut answering, mut seen) = (pin!(answering), 0);
        loop {
            if let Ok(answer) = tokio::time::timeout(limit, &mut answering).await {
                return Some(answer);
            }
            let steps = self.0.load(Ordering::Relaxed);
            if steps == seen {
                return None;
            }
            seen = steps;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_gets_on_is_waited_for() {
        let limit = Duration::from_secs(30);
        let progress = Progress::default();
        let work = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                progress.step();
            }
            7
        };
        assert_eq!(progress.wait_for(work, limit).await, Some(7));
        let stuck = tokio::time::sleep(Duration::from_secs(100));
        assert_eq!(progress.wait_for(stuck, limit).await, None);
    }
}

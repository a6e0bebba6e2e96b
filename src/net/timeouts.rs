//! How long a client may keep a connection waiting, and the cheap timer behind it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How long a connection waits for its client in each phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a whole request head, from its first byte; for the first of a connection, from
    /// the connection's start. 15 seconds unless told.
    pub head: Duration,
    /// For the first byte of the next request. 60 seconds unless told.
    pub idle: Duration,
    /// For the next bytes of a request's body. 60 seconds unless told.
    pub body: Duration,
    /// For the client to take the next bytes of a response. 60 seconds unless told.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            idle: Duration::from_secs(60),
            body: Duration::from_secs(60),
            write: Duration::from_secs(60),
        }
    }
}

/// A reusable timer that is moved as seldom as possible: an earlier deadline that is left
/// standing costs one idle wake-up, moving it for every request would cost more.
#[derive(Debug, Default)]
pub(super) struct LazySleep(Option<Pin<Box<Sleep>>>);

impl LazySleep {
    /// Ready when `deadline` has passed; otherwise the task is woken then, or before.
    pub(super) fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// Notices when one direction of a connection makes no progress.
#[derive(Debug, Default)]
pub(super) struct Stall {
    sleep: LazySleep,
    deadline: Option<Instant>,
}

impl Stall {
    /// Bytes went through.
    #[inline]
    pub(super) fn progress(&mut self) {
        self.deadline = None;
    }

    /// No bytes went through; ready when that has lasted for `limit`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| after(limit));
        self.sleep.poll_until(cx, deadline)
    }
}

/// The moment `wait` from now; far away when that cannot be told.
pub(super) fn after(wait: Duration) -> Instant {
    Instant::now() + wait.min(FOREVER)
}

/// Longer than any connection lives, and short enough for every clock.
pub(super) const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_counted_from_the_last_progress() {
        let limit = Duration::from_secs(10);
        let mut stall = Stall::default();
        let start = Instant::now();
        let pending = poll_fn(|cx| Poll::Ready(stall.poll(cx, limit).is_pending())).await;
        assert!(pending);
        tokio::time::advance(Duration::from_secs(8)).await;
        stall.progress();
        poll_fn(|cx| stall.poll(cx, limit)).await;
        assert_eq!(start.elapsed().as_secs(), 18);
    }

    #[tokio::test(start_paused = true)]
    async fn a_nearer_deadline_is_kept() {
        let start = Instant::now();
        let mut sleep = LazySleep::default();
        let far = start + Duration::from_secs(60);
        assert!(poll_fn(|cx| Poll::Ready(sleep.poll_until(cx, far).is_pending())).await);
        poll_fn(|cx| sleep.poll_until(cx, start + Duration::from_secs(5))).await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}

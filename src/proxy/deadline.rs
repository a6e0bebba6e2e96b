//! Coarse time limits for what a worker waits on: response heads, bodies, tunnels.
//!
//! A timer of the runtime for each request costs about 130 ns, and 130 more for each body.
//! These limits last seconds to minutes and almost never run out, so one task per worker
//! looks at all of them ten times a second; to wait with one costs about 45 ns, and nothing
//! at all when there was nothing to wait for. A limit may run out up to two ticks late, and
//! never early.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

/// The time limits of one worker, and its coarse clock. Cheap to clone.
#[derive(Clone)]
pub struct Deadlines(Arc<Inner>);

struct Inner {
    tick_nanos: u64,
    now: AtomicU64,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    entries: Vec<Slot>,
    free: Vec<usize>,
}

enum Slot {
    Free,
    Waiting { due: u64, waker: Waker },
    Fired,
}

/// One time limit: how long a wait may last.
///
/// It runs only while something is waited for: [`poll_waiting`](Self::poll_waiting) starts
/// it, [`progress`](Self::progress) ends the wait.
#[derive(Debug)]
pub struct TimeLimit {
    deadlines: Deadlines,
    ticks: u64,
    /// The tick at which the present wait has lasted too long; 0 while nothing is awaited.
    due: u64,
    slot: Option<usize>,
}

impl Deadlines {
    /// Limits that are looked at every [`TICK`], by a task that ends with the last handle.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers.
    #[must_use]
    pub fn start() -> Self {
        Self::with_tick(TICK)
    }

    /// As [`start`](Self::start), with another tick.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and when `tick` is zero.
    #[must_use]
    pub fn with_tick(tick: Duration) -> Self {
        let tick_nanos = u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX);
        assert_ne!(tick_nanos, 0, "a tick takes time");
        let inner = Arc::new(Inner {
            tick_nanos,
            now: AtomicU64::new(1),
            slots: Mutex::default(),
        });
        tokio::spawn(watch(Arc::downgrade(&inner), tick));
        Self(inner)
    }

    /// The present tick. Never 0.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.load(Ordering::Relaxed)
    }

    /// How many ticks must pass to be sure that `duration` has.
    #[must_use]
    pub fn ticks(&self, duration: Duration) -> u64 {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        nanos.div_ceil(self.0.tick_nanos).saturating_add(1)
    }

    /// A limit of `duration` on each wait.
    #[must_use]
    pub fn limit(&self, duration: Duration) -> TimeLimit {
        self.limit_of(self.ticks(duration))
    }

    /// A limit of so many [`ticks`](Self::ticks) on each wait.
    #[must_use]
    pub fn limit_of(&self, ticks: u64) -> TimeLimit {
        TimeLimit {
            deadlines: self.clone(),
            ticks,
            due: 0,
            slot: None,
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeLimit {
    /// Something came: the wait is over, the next one gets the full time.
    #[inline]
    pub const fn progress(&mut self) {
        self.due = 0;
    }

    /// The present wait has lasted too long at the tick `due`, which is not 0, whatever its
    /// time was.
    #[inline]
    pub const fn run_out_at(&mut self, due: u64) {
        self.due = due;
    }

    /// Ready when the present wait has lasted too long; call it when there is nothing to do
    /// but wait.
    pub fn poll_waiting(&mut self, cx: &Context<'_>) -> Poll<()> {
        let now = self.deadlines.now();
        if self.due == 0 {
            self.due = now.saturating_add(self.ticks);
        } else if now >= self.due {
            return Poll::Ready(());
        }
        let (due, mut slots) = (self.due, self.deadlines.slots());
        match self.slot {
            Some(index) => slots.keep(index, due, cx.waker()),
            None => {
                let index = slots.add(due, cx.waker().clone());
                drop(slots);
                self.slot = Some(index);
            }
        }
        Poll::Pending
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        if let Some(index) = self.slot {
            let waker = self.deadlines.slots().remove(index);
            drop(waker);
        }
    }
}

impl Slots {
    fn add(&mut self, due: u64, waker: Waker) -> usize {
        let slot = Slot::Waiting { due, waker };
        if let Some(index) = self.free.pop() {
            self.entries[index] = slot;
            index
        } else {
            self.entries.push(slot);
            self.entries.len() - 1
        }
    }

    /// A slot whose time comes before `due` is left as it is: the waiter is woken early once,
    /// sees that its time has not come, and enters the later time then.
    fn keep(&mut self, index: usize, due: u64, waker: &Waker) {
        match &mut self.entries[index] {
            Slot::Waiting { due: old, waker: w } if *old <= due && w.will_wake(waker) => {}
            slot => {
                *slot = Slot::Waiting {
                    due,
                    waker: waker.clone(),
                };
            }
        }
    }

    fn remove(&mut self, index: usize) -> Slot {
        self.free.push(index);
        std::mem::replace(&mut self.entries[index], Slot::Free)
    }

    fn due(&mut self, now: u64) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for slot in &mut self.entries {
            if matches!(slot, Slot::Waiting { due, .. } if *due <= now)
                && let Slot::Waiting { waker, .. } = std::mem::replace(slot, Slot::Fired)
            {
                wakers.push(waker);
            }
        }
        wakers
    }
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines")
            .field("tick_nanos", &self.0.tick_nanos)
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

async fn watch(inner: Weak<Inner>, tick: Duration) {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        // From the time and not by counting, so that a worker that was held up does not
        // grant everybody more.
        let passed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let now = passed / inner.tick_nanos + 1;
        inner.now.store(now, Ordering::Relaxed);
        let due = Deadlines(inner).slots().due(now);
        due.into_iter().for_each(Waker::wake);
    }
}

/// How often the limits are looked at.
pub const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limit_runs_out_after_its_time_and_never_before() {
        let deadlines = Deadlines::start();
        for millis in [1, 99, 100, 101, 950, 30_000] {
            tokio::time::sleep(Duration::from_millis(millis % 70)).await;
            let (limit, start) = (Duration::from_millis(millis), Instant::now());
            let mut wait = deadlines.limit(limit);
            poll_fn(|cx| wait.poll_waiting(cx)).await;
            let lasted = start.elapsed();
            assert!(lasted >= limit, "{lasted:?} of {limit:?}");
            assert!(lasted <= limit + 2 * TICK, "{lasted:?} of {limit:?}");
        }
        assert_eq!(deadlines.slots().entries.len(), 1, "slots are used again");
    }

    #[tokio::test(start_paused = true)]
    async fn progress_starts_the_wait_anew() {
        let deadlines = Deadlines::start();
        let mut wait = deadlines.limit(Duration::from_secs(10));
        for _ in 0..5 {
            let nine = Duration::from_secs(9);
            let waited = tokio::time::timeout(nine, poll_fn(|cx| wait.poll_waiting(cx))).await;
            assert!(waited.is_err(), "ran out before its time");
            wait.progress();
        }
        let start = Instant::now();
        poll_fn(|cx| wait.poll_waiting(cx)).await;
        assert!(start.elapsed() >= Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn the_watching_task_ends_with_the_last_handle() {
        let deadlines = Deadlines::start();
        let alive = Arc::downgrade(&deadlines.0);
        let limit = deadlines.limit(Duration::MAX);
        drop(deadlines);
        assert!(alive.upgrade().is_some());
        drop(limit);
        assert!(alive.upgrade().is_none());
    }
}

//! Whether a store does what it is for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{Clock, Tick};

/// Whether a store is reached: a shared one over the network, a file by who writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Since when it is not; `None` while it is.
    pub lost_since: Option<Tick>,
    /// How often it was lost since the start.
    pub losses: u64,
    /// When it was last known that nothing is missing of what other processes did: now, where
    /// there are none.
    pub confirmed: Tick,
}

impl StoreState {
    /// Of a store that cannot be lost, at `now`.
    #[must_use]
    pub const fn always_reached(now: Tick) -> Self {
        Self {
            lost_since: None,
            losses: 0,
            confirmed: now,
        }
    }
}

/// Notes outages of a store that one process has.
pub(crate) struct Outages {
    /// Since when it is away; `u64::MAX` while it is not.
    since: AtomicU64,
    count: AtomicU64,
    clock: Arc<dyn Clock>,
}

const REACHED: u64 = u64::MAX;

impl Outages {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            since: AtomicU64::new(REACHED),
            count: AtomicU64::new(0),
            clock,
        }
    }

    /// The store is away, and may have been before.
    pub(crate) fn begin(&self) {
        let now = self.clock.tick().as_millis();
        let begun = self
            .since
            .compare_exchange(REACHED, now, Ordering::AcqRel, Ordering::Acquire);
        if begun.is_ok() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The store is back.
    pub(crate) fn end(&self) {
        self.since.store(REACHED, Ordering::Release);
    }

    pub(crate) fn state(&self) -> StoreState {
        let since = self.since.load(Ordering::Acquire);
        StoreState {
            lost_since: (since != REACHED).then(|| Tick::from_millis(since)),
            losses: self.count.load(Ordering::Relaxed),
            confirmed: self.clock.tick(),
        }
    }
}

//! Whether what the table says may be believed.

use std::time::Duration;

use crate::domain::Tick;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Until when the table is as the store is. Where nobody else writes to the store, that is
/// for ever; else it is for as long as the changes of others come in.
#[derive(Debug)]
pub(super) struct Freshness {
    until: AtomicU64,
    /// Up to when what others did is known, or was before changes went missing.
    confirmed: AtomicU64,
    /// How often changes were missed.
    doubts: AtomicU64,
    believed_for: Duration,
}

impl Freshness {
    pub(super) const fn of_sole_writer() -> Self {
        Self {
            until: AtomicU64::new(u64::MAX),
            confirmed: AtomicU64::new(u64::MAX),
            doubts: AtomicU64::new(0),
            believed_for: Duration::MAX,
        }
    }

    /// Not to be believed before the first changes have come.
    pub(super) const fn of_one_of_many(believed_for: Duration) -> Self {
        Self {
            until: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            doubts: AtomicU64::new(0),
            believed_for,
        }
    }

    /// Whether the table may be believed at `now`. On the hot path.
    pub(super) fn holds(&self, now: Tick) -> bool {
        now.as_millis() <= self.until.load(Ordering::Acquire)
    }

    /// That every change up to `tick` is in the table.
    pub(super) fn confirm(&self, tick: Tick) {
        let until = tick.after(self.believed_for).as_millis();
        self.until.fetch_max(until, Ordering::Release);
        self.confirmed
            .fetch_max(tick.as_millis(), Ordering::Relaxed);
    }

    /// For how long it is not known at `now` what others did; no time at all where there are no
    /// others.
    pub(super) fn silence(&self, now: Tick) -> Duration {
        now.since(Tick::from_millis(self.confirmed.load(Ordering::Relaxed)))
    }

    /// That changes are missing.
    pub(super) fn doubt(&self) {
        self.until.store(0, Ordering::Release);
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    /// How often changes have been missed: what the store said when there were fewer doubts may
    /// be what a change that was missed has overtaken.
    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Acquire)
    }
}

//! Which addresses are left alone for a while.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How connecting to an address has gone lately. Times are ticks of the worker.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures since the last success.
    failures: AtomicU32,
    out_until: AtomicU64,
}

impl Health {
    /// Whether the address is to be left alone at the tick `now`.
    pub(super) fn is_out(&self, now: u64) -> bool {
        now < self.out_until.load(Ordering::Relaxed)
    }

    pub(super) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.out_until.store(0, Ordering::Relaxed);
    }

    /// Counts a failure at the tick `now`; from `limit` failures on, each puts the address
    /// out for `back_off` ticks.
    pub(super) fn failed(&self, now: u64, limit: u32, back_off: u64) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= limit {
            self.out_until
                .store(now.saturating_add(back_off), Ordering::Relaxed);
        }
    }
}

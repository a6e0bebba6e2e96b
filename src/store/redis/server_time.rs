//! One time for all nodes: the server's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::{Clock, Tick, Timestamp};

/// Translates between the node's clocks and the server's. What stands in Redis is in the
/// server's time, so nodes whose clocks are minutes apart agree on how old a session is.
#[derive(Debug)]
pub(super) struct ServerTime {
    clock: Arc<dyn Clock>,
    /// The server's time at tick 0.
    origin: AtomicI64,
    /// How much the wall clock's time is ahead of the server's.
    ahead: AtomicI64,
}

impl ServerTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            origin: AtomicI64::new(0),
            ahead: AtomicI64::new(0),
        }
    }

    /// That the server said `millis` at `tick`.
    pub(super) fn set(&self, millis: i64, tick: Tick) {
        self.origin
            .store(millis.saturating_sub(signed(tick)), Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> i64 {
        self.at(self.clock.tick())
    }

    /// The server's time at `tick`.
    pub(super) fn at(&self, tick: Tick) -> i64 {
        self.origin
            .load(Ordering::Relaxed)
            .saturating_add(signed(tick))
    }

    /// The server's time when the node's wall clock said `time`, as it goes now.
    pub(super) fn server_of(&self, time: Timestamp) -> i64 {
        time.unix_millis().saturating_sub(self.ahead())
    }

    /// What the node's wall clock, as it goes now, said at the server's time.
    pub(super) fn to_wall(&self, millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis.saturating_add(self.ahead()))
    }

    /// How much the wall clock is ahead, and always the same while it goes as it went: two clocks
    /// read one after the other are a millisecond apart or not, and a time that is translated
    /// twice must not differ.
    fn ahead(&self) -> i64 {
        let now = self.now();
        let ahead = self.clock.wall().unix_millis().saturating_sub(now);
        let known = self.ahead.load(Ordering::Relaxed);
        if known.abs_diff(ahead) <= JITTER_MS {
            return known;
        }
        self.ahead.store(ahead, Ordering::Relaxed);
        ahead
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

/// By how much readings of two clocks may differ that go alike.
const JITTER_MS: u64 = 2;

fn signed(tick: Tick) -> i64 {
    i64::try_from(tick.as_millis()).unwrap_or(i64::MAX)
}

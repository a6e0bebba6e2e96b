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
    ahead: AtomicI64,
}

/// Milliseconds that three looks at clocks may be apart, of which each is cut to a millisecond
/// and none is at the same moment.
const ABOUT: u64 = 5;

impl ServerTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            origin: AtomicI64::new(0),
            // As far off as can be: the first look decides.
            ahead: AtomicI64::new(i64::MIN),
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
        time.unix_millis().saturating_sub(self.wall_ahead())
    }

    /// What the node's wall clock, as it goes now, said at the server's time.
    pub(super) fn to_wall(&self, millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis.saturating_add(self.wall_ahead()))
    }

    /// By how much the node's wall clock is ahead of the server's. The same as the last time,
    /// as long as that is about right: what is in an order there is in the same one here, to
    /// the millisecond, and on every other node.
    fn wall_ahead(&self) -> i64 {
        let ahead = self.clock.wall().unix_millis().saturating_sub(self.now());
        let known = self.ahead.load(Ordering::Relaxed);
        if known.abs_diff(ahead) <= ABOUT {
            return known;
        }
        self.ahead.store(ahead, Ordering::Relaxed);
        ahead
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

fn signed(tick: Tick) -> i64 {
    i64::try_from(tick.as_millis()).unwrap_or(i64::MAX)
}

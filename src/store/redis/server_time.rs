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
}

impl ServerTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            origin: AtomicI64::new(0),
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
        let ago = self
            .clock
            .wall()
            .unix_millis()
            .saturating_sub(time.unix_millis());
        self.now().saturating_sub(ago)
    }

    /// What the node's wall clock, as it goes now, said at the server's time.
    pub(super) fn to_wall(&self, millis: i64) -> Timestamp {
        let ago = self.now().saturating_sub(millis);
        Timestamp::from_unix_millis(self.clock.wall().unix_millis().saturating_sub(ago))
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

fn signed(tick: Tick) -> i64 {
    i64::try_from(tick.as_millis()).unwrap_or(i64::MAX)
}

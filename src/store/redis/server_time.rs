//! One time for all nodes: the server's, without its steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

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
    /// Until which tick whatever is heard is followed.
    follows_until: AtomicU64,
}

/// What a reading of the server's clock means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is the time now.
    Taken,
    /// The server's clock has been set, or another server's is read: this much ahead of the
    /// time that the nodes go by.
    Stepped(i64),
}

/// Clocks drift by less than this between two readings.
const DRIFT_MS: i64 = 1000;

/// After a node came, or took a step for the server's, it follows the others for this long. A
/// machine that was suspended takes its own pause for a step of the server: the others soon put
/// that right, and it must not put it wrong again.
const FOLLOWS: Duration = Duration::from_secs(300);

/// A reading that took longer tells little.
const SLOW: Duration = Duration::from_millis(200);

/// Milliseconds that three looks at clocks may be apart, of which each is cut to a millisecond
/// and none is at the same moment.
const ABOUT: u64 = 5;

impl ServerTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            origin: AtomicI64::new(NEVER),
            follows_until: AtomicU64::new(0),
            // As far off as can be: the first look decides.
            ahead: AtomicI64::new(i64::MIN),
        }
    }

    /// That the server said `millis` between the ticks `asked` and `told`.
    pub(super) fn hear(&self, millis: i64, asked: Tick, told: Tick) -> Heard {
        let taken = told.since(asked);
        let now = asked.after(taken / 2);
        if self.origin.load(Ordering::Relaxed) == NEVER {
            self.take(millis, now);
            self.follow_from(now);
            return Heard::Taken;
        }
        let ahead = millis.saturating_sub(self.at(now));
        if ahead.abs() > DRIFT_MS {
            if now.as_millis() >= self.follows_until.load(Ordering::Relaxed) {
                return Heard::Stepped(ahead);
            }
            self.take(millis, now);
        } else if taken <= SLOW {
            self.take(millis, now);
        }
        Heard::Taken
    }

    /// From `now` on, what is heard is followed for a while.
    pub(super) fn follow_from(&self, now: Tick) {
        let until = now.after(FOLLOWS).as_millis();
        self.follows_until.store(until, Ordering::Relaxed);
    }

    fn take(&self, millis: i64, now: Tick) {
        self.origin
            .store(millis.saturating_sub(signed(now)), Ordering::Relaxed);
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

/// The origin before anything was heard.
const NEVER: i64 = i64::MIN;

fn signed(tick: Tick) -> i64 {
    i64::try_from(tick.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;

    const MINUTE: i64 = 60_000;

    fn heard(time: &ServerTime, millis: i64) -> Heard {
        let now = time.clock.tick();
        time.hear(millis, now, now)
    }

    #[test]
    fn drift_is_followed_and_a_step_is_told_of() {
        let clock = ManualClock::new();
        let time = ServerTime::new(Arc::new(clock.clone()));
        assert_eq!(heard(&time, 1_000_000), Heard::Taken);
        assert_eq!(time.now(), 1_000_000);
        clock.advance(Duration::from_secs(600));
        assert_eq!(heard(&time, 1_600_300), Heard::Taken);
        assert_eq!(time.now(), 1_600_300);
        assert_eq!(heard(&time, 1_600_300 + MINUTE), Heard::Stepped(MINUTE));
        assert_eq!(time.now(), 1_600_300, "nobody's session ages by it");
        assert_eq!(heard(&time, 1_600_300 - MINUTE), Heard::Stepped(-MINUTE));
    }

    #[test]
    fn a_node_that_came_just_now_follows_the_others() {
        let clock = ManualClock::new();
        let time = ServerTime::new(Arc::new(clock.clone()));
        assert_eq!(heard(&time, 0), Heard::Taken);
        clock.advance(FOLLOWS / 2);
        assert_eq!(heard(&time, 5_000_000), Heard::Taken);
        assert_eq!(time.now(), 5_000_000);
    }

    #[test]
    fn a_slow_answer_moves_nothing() {
        let clock = ManualClock::new();
        let time = ServerTime::new(Arc::new(clock.clone()));
        assert_eq!(heard(&time, 0), Heard::Taken);
        let asked = clock.tick();
        clock.advance(Duration::from_millis(900));
        assert_eq!(time.hear(700, asked, clock.tick()), Heard::Taken);
        assert_eq!(time.now(), 900);
    }
}

//! Time, behind a trait, so that tests can travel and a stepped wall clock cannot end or
//! prolong a session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

/// A point on a clock that never steps: milliseconds since some fixed start.
///
/// Lifetimes are measured in ticks, never in wall-clock time, so setting the machine's clock
/// changes no session's life (an NTP step logs nobody out and nobody in).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// Later than everything.
    pub const MAX: Self = Self(u64::MAX);

    /// The tick at `millis` milliseconds after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This tick plus `duration`, or [`Tick::MAX`] where that is out of range.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This tick less `duration`, or the clock's start where that is out of range.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A point in UTC wall-clock time, to the millisecond; what people are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `millis` milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time plus `duration`, saturating.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(millis(duration)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As chrono's type.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC with milliseconds: `2026-11-21T09:30:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &self
                .to_datetime()
                .to_rfc3339_opts(SecondsFormat::Millis, true),
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

/// Where time comes from. Cheap to call: the hot path reads [`Clock::tick`] once a request.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now, on the clock that never steps.
    fn tick(&self) -> Tick;

    /// Now, as people read it. May step in either direction at any time.
    fn wall(&self) -> Timestamp;
}

/// The machine's clocks: `CLOCK_MONOTONIC` for ticks, `CLOCK_REALTIME` for the wall.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// A clock whose ticks count from a day before this call, so that a session loaded from
    /// a store at start can have been active before it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Ticks at which every clock starts: room for what happened before the process did.
const TICK_ORIGIN: u64 = 400 * 86_400_000;

impl Clock for SystemClock {
    fn tick(&self) -> Tick {
        Tick(TICK_ORIGIN + millis(self.start.elapsed()))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn wall(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_millis())
    }
}

/// A clock that moves only when told to. For tests of anything that has a lifetime.
///
/// ```
/// use std::time::Duration;
/// use gatepass::domain::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let before = clock.tick();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.tick().since(before), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<ManualState>);

#[derive(Debug)]
struct ManualState {
    tick: AtomicU64,
    wall: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(ManualState {
            tick: AtomicU64::new(TICK_ORIGIN),
            wall: AtomicI64::new(1_767_225_600_000),
        }))
    }

    /// Lets `duration` pass, on both clocks.
    pub fn advance(&self, duration: Duration) {
        self.0.tick.fetch_add(millis(duration), Ordering::SeqCst);
        self.step_wall(i64::try_from(millis(duration)).unwrap_or(i64::MAX));
    }

    /// Sets the wall clock by `millis`, in either direction, without letting time pass.
    pub fn step_wall(&self, millis: i64) {
        self.0.wall.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn tick(&self) -> Tick {
        Tick(self.0.tick.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.0.wall.load(Ordering::SeqCst))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_iso_8601_in_utc() {
        assert_eq!(
            Timestamp::from_unix_millis(1_767_225_600_123).to_string(),
            "2026-01-01T00:00:00.123Z"
        );
    }

    #[test]
    fn ticks_saturate_instead_of_wrapping() {
        assert_eq!(Tick::from_millis(5).after(Duration::MAX), Tick::MAX);
        assert_eq!(
            Tick::from_millis(5).since(Tick::from_millis(9)),
            Duration::ZERO
        );
    }

    #[test]
    fn stepping_the_wall_lets_no_time_pass() {
        let clock = ManualClock::new();
        let (tick, wall) = (clock.tick(), clock.wall());
        clock.step_wall(-3_600_000);
        assert_eq!(clock.tick(), tick);
        assert_eq!(wall.since(clock.wall()), Duration::from_secs(3600));
    }
}

//! How long a session may live, and how many a user may have.

use std::sync::Arc;
use std::time::Duration;

use super::Tick;

/// The two limits of a session's life. Both are always enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Without a request for longer than this, the session ends as idle.
    pub idle: Duration,
    /// Longer than this after its start, the session ends as expired, however busy.
    pub absolute: Duration,
}

impl Lifetime {
    /// 30 minutes idle, 12 hours at most.
    pub const DEFAULT: Self = Self {
        idle: Duration::from_secs(30 * 60),
        absolute: Duration::from_secs(12 * 3600),
    };

    /// When a session that started at `start` and was last active at `active` ends, if
    /// nothing happens until then.
    #[must_use]
    pub fn ends(&self, start: Tick, active: Tick) -> Tick {
        active.after(self.idle).min(start.after(self.absolute))
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What happens to a login of a user who has as many sessions as they may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitPolicy {
    /// The login is refused.
    Refuse,
    /// The user's oldest session ends and makes room.
    #[default]
    EndOldest,
}

/// How many sessions a user may have in a space at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserLimit {
    /// At most this many; at least 1.
    pub max: u32,
    /// What happens to one more.
    pub policy: LimitPolicy,
}

/// How many sessions of a space may use a license at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatLimit {
    /// The license.
    pub license: Arc<str>,
    /// At most this many sessions; at least 1.
    pub seats: u32,
    /// What happens to one more: it is refused, or the oldest session of the license in the
    /// space ends, whoever's it is.
    pub policy: LimitPolicy,
}

/// What a space asks of its sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionPolicy {
    /// How long they may live.
    pub lifetime: Lifetime,
    /// How many a user may have; `None` for any number.
    pub limit: Option<UserLimit>,
}

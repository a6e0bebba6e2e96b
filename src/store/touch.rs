//! When a session was last active, told to a store.

use std::time::Duration;

use crate::domain::{Session, SessionId, Tick, Timestamp, UserKey};

/// That a session was active, in both times: a store that keeps sessions beyond the process
/// needs the wall clock's, one that shares them with the table the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The session.
    pub id: SessionId,
    /// Its user.
    pub user: UserKey,
    /// When, on the clock that never steps.
    pub tick: Tick,
    /// When, as people read it.
    pub at: Timestamp,
    /// When the session ends unless it is used again.
    pub ends: Tick,
}

impl Touch {
    /// The last one of `session`.
    #[must_use]
    pub fn last_of(session: &Session) -> Self {
        let (tick, lifetime) = (session.last_active_tick(), session.space().lifetime());
        Self {
            id: session.id(),
            user: session.user_key(),
            tick,
            at: session.last_active(),
            ends: lifetime.ends(session.started_tick(), tick),
        }
    }

    /// The last one of `session`, which may be idle for `idle` and no longer.
    #[must_use]
    pub fn last_within(session: &Session, idle: Duration) -> Self {
        let last = Self::last_of(session);
        Self {
            ends: last.ends.min(last.tick.after(idle)),
            ..last
        }
    }
}

//! When a session was last active, told to a store.

use crate::domain::{Session, SessionId, Tick, Timestamp};

/// That a session was active, in both times: a store that keeps sessions beyond the process
/// needs the wall clock's, one that shares them with the table the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The session.
    pub id: SessionId,
    /// When, on the clock that never steps.
    pub tick: Tick,
    /// When, as people read it.
    pub at: Timestamp,
}

impl Touch {
    /// The last one of `session`.
    #[must_use]
    pub fn last_of(session: &Session) -> Self {
        Self {
            id: session.id(),
            tick: session.last_active_tick(),
            at: session.last_active(),
        }
    }
}

//! Whether a store does what it is for.

use crate::domain::Tick;

/// Whether a store is reached: a shared one over the network, a file by who writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Since when it is not; `None` while it is.
    pub lost_since: Option<Tick>,
    /// How often it was lost since the start.
    pub losses: u64,
    /// When it was last known that nothing is missing of what other processes did: now, where
    /// there are none.
    pub confirmed: Tick,
}

impl StoreState {
    /// Of a store that cannot be lost, at `now`.
    #[must_use]
    pub const fn always_reached(now: Tick) -> Self {
        Self {
            lost_since: None,
            losses: 0,
            confirmed: now,
        }
    }
}

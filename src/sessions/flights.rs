//! One at a time per key.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use crate::domain::TokenDigest;
use crate::sync::{Mutex, PoisonError};

/// Logins under way, by their join key: the second waits until the first is through and
/// then finds what it opened.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<TokenDigest, Arc<tokio::sync::Mutex<()>>>>);

/// The right to go on; given up when dropped.
pub(super) struct Flight<'f> {
    flights: &'f Flights,
    key: TokenDigest,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    pub(super) async fn board(&self, key: TokenDigest) -> Flight<'_> {
        let lock = Arc::clone(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(key)
                .or_default(),
        );
        // Made before waiting, so that a cancelled wait cleans up as well.
        let mut flight = Flight {
            flights: self,
            key,
            turn: None,
        };
        flight.turn = Some(lock.lock_owned().await);
        flight
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.turn = None;
        let mut open = self
            .flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds a reference; new ones come through the map, which is locked.
        if open
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            open.remove(&self.key);
        }
    }
}

#[cfg(test)]
impl Flights {
    pub(super) fn is_empty(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }
}

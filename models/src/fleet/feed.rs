//! How a node hears of changes.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::server::Fleet;
use crate::domain::Clock as _;
use crate::store::{Change, ChangeBatch};

/// Reads the stream for a node, from the last change it knows of.
pub struct ChangeFeed {
    fleet: Arc<Fleet>,
    changes: mpsc::Sender<ChangeBatch>,
    cursor: usize,
}

impl ChangeFeed {
    pub(super) fn new(fleet: Arc<Fleet>, changes: mpsc::Sender<ChangeBatch>) -> Self {
        Self {
            fleet,
            changes,
            cursor: 0,
        }
    }

    /// Reads what is new, and passes it on.
    pub async fn poll(&mut self) {
        let asked = self.fleet.clock.tick();
        let batch = {
            let Ok(state) = self.fleet.ask() else {
                return;
            };
            let end = state.trimmed + state.stream.len();
            let gap = self.cursor < state.trimmed;
            let new = if gap {
                Vec::new()
            } else {
                state.stream[self.cursor - state.trimmed..].to_vec()
            };
            self.cursor = end;
            ChangeBatch {
                changes: new,
                gap,
                confirmed: Some(asked),
            }
        };
        let _ = self.changes.send(batch).await;
    }

    /// The last change as it is pushed, if there is one: beside the stream, so it may be late.
    #[must_use]
    pub fn pushed(&self) -> Option<Push> {
        let last = self.fleet.state().stream.last().cloned()?;
        let changes = self.changes.clone();
        Some(Push { last, changes })
    }

    /// Waits until all that was passed on is in the table.
    pub async fn settle(&self) {
        // There is room for one: when the second is taken, what was before the first is done.
        for _ in 0..2 {
            let _ = self.changes.send(ChangeBatch::default()).await;
        }
    }
}

/// A change under way beside the stream.
pub struct Push {
    last: Change,
    changes: mpsc::Sender<ChangeBatch>,
}

impl Push {
    /// Lets it arrive.
    pub async fn deliver(self) {
        let batch = ChangeBatch {
            changes: vec![self.last],
            ..ChangeBatch::default()
        };
        let _ = self.changes.send(batch).await;
    }
}

//! How a node hears of changes.

use std::sync::Arc;
use std::time::Duration;

use shuttle::rand::Rng as _;
use tokio::sync::mpsc;

use super::server::Fleet;
use crate::domain::Clock as _;
use crate::sessions::Sessions;
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

    /// What pushes changes beside the stream.
    #[must_use]
    pub fn pusher(&self) -> Pusher {
        Pusher {
            fleet: Arc::clone(&self.fleet),
            changes: self.changes.clone(),
        }
    }

    /// Reads what is new, and waits until all of it is in the table of `sessions`.
    pub async fn settle(&mut self, sessions: &Sessions) {
        self.fleet.clock.advance(Duration::from_millis(1));
        self.poll().await;
        while !sessions.silence().is_zero() {
            shuttle::future::yield_now().await;
        }
    }
}

/// Pushes changes to a node.
pub struct Pusher {
    fleet: Arc<Fleet>,
    changes: mpsc::Sender<ChangeBatch>,
}

impl Pusher {
    /// The end of any session that the stream still has: of those it does not matter when, and
    /// how often, they come.
    #[must_use]
    pub fn any(self) -> Option<Push> {
        let pushed = self.fleet.state().stream.clone();
        let pushed: Vec<_> = pushed
            .into_iter()
            .filter(|change| matches!(change, Change::Ended { .. }))
            .collect();
        let at =
            (!pushed.is_empty()).then(|| shuttle::rand::thread_rng().gen_range(0..pushed.len()))?;
        let (change, changes) = (pushed[at].clone(), self.changes);
        Some(Push { change, changes })
    }
}

/// A change under way beside the stream.
pub struct Push {
    change: Change,
    changes: mpsc::Sender<ChangeBatch>,
}

impl Push {
    /// Lets it arrive.
    pub async fn deliver(self) {
        let batch = ChangeBatch {
            changes: vec![self.change],
            ..ChangeBatch::default()
        };
        let _ = self.changes.send(batch).await;
    }
}

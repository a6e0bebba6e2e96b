//! How this process is, among the nodes that share its sessions.

use std::fmt;
use std::sync::Arc;

use crate::sessions::Sessions;
use crate::store::{InstanceId, Lag, Node};

/// Says how this process is. Cheap to clone.
#[derive(Clone)]
pub struct ThisNode(Arc<dyn Fn() -> Node + Send + Sync>);

impl ThisNode {
    /// As `describe` says whenever it is asked.
    #[must_use]
    pub fn new(describe: impl Fn() -> Node + Send + Sync + 'static) -> Self {
        Self(Arc::new(describe))
    }

    /// A process of which nothing is known but its sessions.
    pub(super) fn of(sessions: &Sessions) -> Self {
        let (instance, started) = (InstanceId::generate(), sessions.clock().wall());
        let sessions = sessions.clone();
        Self::new(move || Node {
            name: "gatepass".to_owned(),
            instance: instance.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            seen: sessions.clock().wall(),
            edges: Vec::new(),
            status: "ready".to_owned(),
            open: sessions.open() as u64,
            opened: 0,
            lag: Lag {
                time: sessions.silence(),
                changes: 0,
            },
            key: None,
        })
    }

    /// How it is now.
    #[must_use]
    pub fn describe(&self) -> Node {
        (self.0)()
    }
}

impl fmt::Debug for ThisNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThisNode").field(&self.describe()).finish()
    }
}

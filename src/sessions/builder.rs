//! How a [`Sessions`] is made.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Inner, LicenseMeter, Observer, Sessions, epochs, exchanges, flights, freshness, locks, refresh,
    table, tombstones,
};
use crate::domain::{Clock, SessionPolicy, SpaceId, Spaces, SystemClock, UserLimit};
use crate::store::{MemoryStore, Retention, SessionStore};

/// Settings for [`Sessions`]. What is not set has the default that it names.
#[must_use]
pub struct SessionsBuilder {
    policy: SessionPolicy,
    space: SpaceId,
    clock: Arc<dyn Clock>,
    retention: Retention,
    store: Option<Arc<dyn SessionStore>>,
    spaces: Spaces,
    observers: Vec<Arc<dyn Observer>>,
}

impl SessionsBuilder {
    pub(super) fn new() -> Self {
        Self {
            policy: SessionPolicy::default(),
            space: SpaceId::new("default").expect("a legal id"),
            clock: Arc::new(SystemClock::new()),
            retention: Retention::default(),
            store: None,
            spaces: Spaces::new(),
            observers: Vec::new(),
        }
    }

    /// The id of the default space. Default: `default`.
    pub fn default_space(mut self, id: SpaceId) -> Self {
        self.space = id;
        self
    }

    /// Idle timeout of the default space. Default: 30 minutes.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.policy.lifetime.idle = timeout;
        self
    }

    /// Absolute timeout of the default space. Default: 12 hours.
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.policy.lifetime.absolute = timeout;
        self
    }

    /// How many sessions a user may have in the default space. Default: any number.
    pub fn limit(mut self, limit: UserLimit) -> Self {
        self.policy.limit = Some(limit);
        self
    }

    /// How long ended sessions can be looked at, when the store is the memory, and of how many
    /// days the peaks of licenses are kept, whatever the store. Default: 30 days, 100,000
    /// sessions.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Where sessions are kept. Default: in memory.
    pub fn store(mut self, store: Arc<dyn SessionStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The registry of spaces: the store's, when the store restores sessions. Default: one of
    /// its own.
    pub fn spaces(mut self, spaces: Spaces) -> Self {
        self.spaces = spaces;
        self
    }

    /// The clock to go by. Default: the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Tells `observer` of every start and end.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// The sessions. Nothing sweeps them yet: see [`Sessions::run_sweeper`].
    #[must_use]
    pub fn build(self) -> Sessions {
        let default_space = self.spaces.put(&self.space, self.policy);
        let store = self
            .store
            .unwrap_or_else(|| Arc::new(MemoryStore::new(self.retention, Arc::clone(&self.clock))));
        let freshness = match store.shared() {
            Some(shared) => freshness::Freshness::of_one_of_many(shared.believed_for()),
            None => freshness::Freshness::of_sole_writer(),
        };
        Sessions(Arc::new(Inner {
            table: table::Table::new(),
            spaces: self.spaces,
            default_space,
            exchanges: exchanges::Exchanges::default(),
            tombstones: tombstones::Tombstones::default(),
            epochs: epochs::Epochs::default(),
            freshness,
            flights: flights::Flights::default(),
            refreshes: refresh::Refreshes::default(),
            locks: locks::Locks::default(),
            licenses: LicenseMeter::new(Arc::clone(&self.clock), self.retention.time),
            observers: self.observers.into(),
            store,
            clock: self.clock,
        }))
    }
}

//! The upstream connections of one worker.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::endpoint::Endpoint;
use super::{Upstream, UpstreamAddress, UpstreamAddresses, UpstreamBody, UpstreamSettings};
use crate::proxy::deadline::Deadlines;

/// The upstream connections of one worker, by address. Cheap to clone.
pub struct Pool<B>(Arc<Inner<B>>);

struct Inner<B> {
    deadlines: Deadlines,
    endpoints: Mutex<HashMap<UpstreamAddress, Arc<Endpoint<B>>>>,
}

/// How many connections and requests an address has at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections that nobody uses.
    pub idle: usize,
    /// Requests that have a connection or open one.
    pub in_flight: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// Whether the address is left alone, as it could not be connected to.
    pub out: bool,
}

impl<B: UpstreamBody> Pool<B> {
    /// A pool for the worker that calls this. A task sweeps idle connections once a second,
    /// as long as the pool lives.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers.
    #[must_use]
    pub fn new(deadlines: Deadlines) -> Self {
        let inner = Arc::new(Inner {
            deadlines,
            endpoints: Mutex::default(),
        });
        tokio::spawn(sweep(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// An upstream at `addresses`. Upstreams that name the same address share its
    /// connections, so that one made anew after a reload goes on with the old one's.
    #[must_use]
    pub fn upstream(
        &self,
        addresses: &UpstreamAddresses,
        settings: UpstreamSettings,
    ) -> Upstream<B> {
        let mut known = self.0.endpoints();
        let endpoints = addresses
            .iter()
            .map(|address| {
                let endpoint = known.entry(address.clone()).or_insert_with(|| {
                    Arc::new(Endpoint::new(address.clone(), self.0.deadlines.clone()))
                });
                Arc::clone(endpoint)
            })
            .collect();
        Upstream::new(endpoints, settings, self.0.deadlines.clone())
    }

    /// The worker's time limits.
    #[must_use]
    pub fn deadlines(&self) -> &Deadlines {
        &self.0.deadlines
    }

    /// The counts of each address.
    #[must_use]
    pub fn stats(&self) -> Vec<(UpstreamAddress, PoolStats)> {
        let endpoints = self.0.endpoints();
        endpoints
            .values()
            .map(|endpoint| (endpoint.address.clone(), endpoint.stats()))
            .collect()
    }
}

impl<B> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> Inner<B> {
    fn endpoints(&self) -> MutexGuard<'_, HashMap<UpstreamAddress, Arc<Endpoint<B>>>> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.endpoints().values()).finish()
    }
}

async fn sweep<B: UpstreamBody>(pool: Weak<Inner<B>>) {
    let mut ticks = tokio::time::interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        pool.endpoints().retain(|_, endpoint| {
            endpoint.sweep();
            // An address that no upstream and no request names any more is forgotten, with
            // the connections that are idle there.
            Arc::strong_count(endpoint) > 1
        });
    }
}

/// How often idle connections are looked at.
const SWEEP: Duration = Duration::from_secs(1);

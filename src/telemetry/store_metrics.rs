//! How the store is reached, as gauges.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// What is shown of a store: whether it can be written, and whether the changes of others come.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreGauges {
    reached: Gauge,
    losses: Gauge,
    silence: Gauge<f64, AtomicU64>,
    behind: Gauge,
    nodes: Gauge,
    name_taken: Gauge,
}

impl StoreGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let this = Self::default();
        this.reached.set(1);
        registry.register(
            "store_reached",
            "Whether the session store is reached and can be written: 1 or 0",
            this.reached.clone(),
        );
        registry.register(
            "store_losses",
            "How often the session store was lost",
            this.losses.clone(),
        );
        registry.register_with_unit(
            "store_feed_silence",
            "For how long what other nodes did is not known",
            Unit::Seconds,
            this.silence.clone(),
        );
        registry.register(
            "store_changes_behind",
            "Changes by other nodes that this node has not read",
            this.behind.clone(),
        );
        this.nodes.set(1);
        registry.register(
            "nodes_seen",
            "Nodes that share the session store, this one included, as this one knows",
            this.nodes.clone(),
        );
        registry.register(
            "node_name_taken",
            "Whether another node that runs has the name of this one: 1 or 0",
            this.name_taken.clone(),
        );
        this
    }

    pub(super) fn set_fleet(&self, nodes: usize, behind: u64, name_taken: bool) {
        self.nodes.set(i64::try_from(nodes).unwrap_or(i64::MAX));
        self.behind.set(i64::try_from(behind).unwrap_or(i64::MAX));
        self.name_taken.set(name_taken.into());
    }

    pub(super) fn set(&self, reached: bool, losses: u64, silence: Duration) {
        self.reached.set(reached.into());
        self.losses.set(i64::try_from(losses).unwrap_or(i64::MAX));
        self.silence.set(silence.as_secs_f64());
    }
}

//! This process among the nodes that share its store: it says that it is there, and hears of the
//! others.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::node_name::node_name;
use super::options::GatewayOptions;
use crate::domain::{Clock, Session};
use crate::proxy::headers::PublishedKeys;
use crate::sessions::{Observer, Sessions};
use crate::store::{BEAT, Entered, Fleet, InstanceId, Lag, Node, SessionStore};
use crate::telemetry::{Health, Metrics};

/// What this process is among the nodes.
#[derive(Debug)]
pub(super) struct Presence {
    /// What does not change.
    node: Node,
    clock: Arc<dyn Clock>,
    edges: OnceLock<Vec<String>>,
    opened: AtomicU64,
    /// Changes that it had not read at the last beat.
    behind: AtomicU64,
}

/// Between two tries to take a name that may have been given up.
const RETRY: Duration = Duration::from_millis(100);

/// How long the others take to publish a new key: they hear of it with their next beat.
const PUBLISHED: Duration = BEAT.saturating_add(Duration::from_millis(300));

/// Between two lines in the log about the same trouble.
const REMIND: Duration = Duration::from_secs(60);

impl Presence {
    pub(super) fn new(options: &GatewayOptions, clock: &Arc<dyn Clock>) -> Self {
        let (instance, now) = (InstanceId::generate(), clock.wall());
        let edges = options.edge.listen.iter().map(ToString::to_string);
        Self {
            node: Node {
                name: node_name(
                    options.store.redis.node.as_deref(),
                    &options.edge.listen,
                    &instance,
                ),
                instance,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started: now,
                seen: now,
                edges: edges.collect(),
                status: "starting".to_owned(),
                open: 0,
                opened: 0,
                lag: Lag::default(),
                key: None,
            },
            clock: Arc::clone(clock),
            edges: OnceLock::new(),
            opened: AtomicU64::new(0),
            behind: AtomicU64::new(0),
        }
    }

    /// The node's name.
    pub(super) fn name(&self) -> &str {
        &self.node.name
    }

    /// Takes the name in a shared store, and gives `keys` to the others to publish. A process
    /// that crashed has the name for a few seconds more: that is waited for, unless it gives a
    /// sign of life. When this returns, the others have had the time to publish the key.
    pub(super) async fn enter(
        &mut self,
        store: &dyn SessionStore,
        keys: &PublishedKeys,
        signs: bool,
    ) -> Result<(), StartError> {
        self.node.key = Some(keys.own().jwk().to_string());
        let Some(shared) = store.shared() else {
            return Ok(());
        };
        let mut holder: Option<Box<Node>> = None;
        let fleet = loop {
            let entered = shared.nodes().enter(&self.node).await;
            let other = match entered.map_err(StartError::Fleet)? {
                Entered::Alone(fleet) => break fleet,
                Entered::Taken(other) => other,
            };
            match &holder {
                None => tracing::warn!(
                    node.name = self.node.name,
                    node.instance = %other.instance,
                    "another process had the node's name a moment ago; waiting for a sign of life"
                ),
                // Of one that lives the next word comes a beat later.
                Some(known)
                    if known.instance == other.instance
                        && other.seen.since(known.seen) < BEAT / 2 => {}
                Some(_) => return Err(taken(&other)),
            }
            holder = holder.or(Some(other));
            tokio::time::sleep(RETRY).await;
        };
        keys.put_others(fleet.keys.iter().map(String::as_str));
        if signs && fleet.nodes.len() > 1 {
            tokio::time::sleep(PUBLISHED).await;
        }
        Ok(())
    }

    /// Where the edge listens, once it does.
    pub(super) fn listens_on(&self, addresses: &[SocketAddr]) {
        let addresses = addresses.iter().map(ToString::to_string).collect();
        let _ = self.edges.set(addresses);
    }

    /// The node as it is now.
    pub(super) fn describe(&self, sessions: &Sessions, health: &Health) -> Node {
        let edges = self.edges.get().unwrap_or(&self.node.edges);
        Node {
            seen: self.clock.wall(),
            edges: edges.clone(),
            status: health.readiness().as_str().to_owned(),
            open: sessions.open() as u64,
            opened: self.opened.load(Ordering::Relaxed),
            lag: Lag {
                time: sessions.silence(),
                changes: self.behind.load(Ordering::Relaxed),
            },
            ..self.node.clone()
        }
    }

    /// Says every second that this node is there, until `stop`, and publishes the keys of the
    /// others. Returns at once where the store is not shared.
    pub(super) async fn run(
        self: Arc<Self>,
        store: Arc<dyn SessionStore>,
        (sessions, health): (Sessions, Health),
        keys: PublishedKeys,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) {
        let Some(shared) = store.shared() else {
            return;
        };
        let mut reminder = None;
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(beats.tick()).await.is_some() {
            if let Ok(changes) = shared.nodes().behind().await {
                self.behind.store(changes, Ordering::Relaxed);
            }
            match shared
                .nodes()
                .beat(&self.describe(&sessions, &health))
                .await
            {
                Ok(fleet) => {
                    keys.put_others(fleet.keys.iter().map(String::as_str));
                    self.heard_of(&fleet, &metrics, &mut reminder);
                }
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the other nodes were not told that this one is there"
                ),
            }
        }
    }

    fn heard_of(
        &self,
        fleet: &Fleet,
        metrics: &Metrics,
        reminder: &mut Option<tokio::time::Instant>,
    ) {
        let namesake = fleet.namesake(&self.node);
        let behind = self.behind.load(Ordering::Relaxed);
        metrics.fleet_is(fleet.nodes.len(), behind, namesake.is_some());
        let Some(other) = namesake else {
            *reminder = None;
            return;
        };
        if reminder.is_none_or(|last| last.elapsed() >= REMIND) {
            *reminder = Some(tokio::time::Instant::now());
            tracing::error!(
                node.name = self.node.name,
                node.instance = %self.node.instance,
                other.instance = %other.instance,
                other.edge = other.edges.join(" "),
                "two gateways have one node name and overwrite what each other notes in Redis: \
                 give each its own, [store.redis] node"
            );
        }
    }

    /// Gives the name up and leaves the fleet.
    pub(super) async fn leave(&self, store: &dyn SessionStore) {
        let Some(shared) = store.shared() else {
            return;
        };
        if let Err(error) = shared.nodes().leave(&self.node).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the other nodes were not told that this one has gone, and will notice"
            );
        }
    }
}

impl Observer for Presence {
    fn started(&self, _: &Arc<Session>) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    fn ended(&self, _: &Arc<Session>) {}
}

fn taken(other: &Node) -> StartError {
    StartError::NameTaken {
        name: other.name.clone(),
        version: other.version.clone(),
        edges: other.edges.join(", "),
        started: other.started,
    }
}

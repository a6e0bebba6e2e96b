//! The nodes of the fleet, and how far this one is behind the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::error::odd_answer;
use super::keys::{SHARDS, Shard};
use super::sessions::millis;
use super::store::RedisStore;
use crate::domain::Timestamp;
use crate::store::{Entered, Fleet, InstanceId, Lag, Node, NodeRegistry, StoreError, StoreFuture};

/// For how long a name is held without a sign of life: a few beats, so that one who starts again
/// after a crash has its name back soon.
const NAME: Duration = Duration::from_secs(3);

/// For how long a node is listed without a sign of life.
const RECORD: Duration = Duration::from_secs(10);

/// For how long a key is published without a sign of life: longer than an assertion holds.
const KEY: Duration = Duration::from_secs(3600);

/// Up to where the change streams have been read.
#[derive(Debug, Default)]
pub(super) struct Progress([AtomicU64; SHARDS as usize]);

impl Progress {
    /// That the stream of `shard` has been read up to entry `number`.
    pub(super) fn note(&self, shard: Shard, number: u64) {
        self.0[usize::from(shard.number())].store(number, Ordering::Relaxed);
    }

    fn of(&self, shard: Shard) -> u64 {
        self.0[usize::from(shard.number())].load(Ordering::Relaxed)
    }
}

/// A node's record, as JSON: what a later version adds is passed over, what an earlier one has
/// not is empty. Times are the server's, in milliseconds.
#[derive(Debug, Deserialize, Serialize)]
struct Record {
    name: String,
    instance: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    started: i64,
    #[serde(default)]
    edges: Vec<String>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    open: u64,
    #[serde(default)]
    opened: u64,
    #[serde(default)]
    lag_ms: u64,
    #[serde(default)]
    lag_changes: u64,
    #[serde(default)]
    key: Option<String>,
}

/// What the script says: whether the name is taken, when, records and when they were heard of,
/// public keys.
type Answer = (String, i64, Vec<(String, i64)>, Vec<String>);

impl RedisStore {
    async fn node(&self, mode: &str, node: Option<&Node>) -> Result<(bool, Fleet), StoreError> {
        let text = |part: fn(&Node) -> &str| node.map_or("", part);
        let record = node.map(|node| self.write(node)).unwrap_or_default();
        let mut script = self.scripts().node.prepare_invoke();
        script
            .key(self.keys().nodes("all"))
            .arg(self.keys().nodes(""))
            .arg(mode)
            .arg(text(|node| node.instance.as_str()))
            .arg(text(|node| &node.name))
            .arg(record)
            .arg(text(|node| node.key.as_deref().unwrap_or_default()))
            .arg(millis(NAME))
            .arg(millis(RECORD))
            .arg(millis(KEY));
        let (word, now, records, keys): Answer = self.link().run(&script).await?;
        let read = |(text, seen): (String, i64)| self.read_node(&text, now.saturating_sub(seen));
        let mut nodes: Vec<Node> = records.into_iter().filter_map(read).collect();
        nodes.sort_by(|a, b| (&a.name, a.started).cmp(&(&b.name, b.started)));
        Ok((word == "taken", Fleet { nodes, keys }))
    }

    fn write(&self, node: &Node) -> String {
        let record = Record {
            name: node.name.clone(),
            instance: node.instance.to_string(),
            version: node.version.clone(),
            started: self.time().server_of(node.started),
            edges: node.edges.clone(),
            status: node.status.clone(),
            open: node.open,
            opened: node.opened,
            lag_ms: u64::try_from(node.lag.time.as_millis()).unwrap_or(u64::MAX),
            lag_changes: node.lag.changes,
            key: node.key.clone(),
        };
        serde_json::to_string(&record).expect("texts and numbers can be written as JSON")
    }

    /// The node of a record that was heard of `ago` milliseconds ago.
    fn read_node(&self, text: &str, ago: i64) -> Option<Node> {
        let record: Record = serde_json::from_str(text)
            .inspect_err(|error| tracing::warn!(%error, "what a node says cannot be read"))
            .ok()?;
        let here = self.time().clock().wall().unix_millis();
        Some(Node {
            name: record.name,
            instance: InstanceId::of(record.instance),
            version: record.version,
            started: self.time().to_wall(record.started),
            seen: Timestamp::from_unix_millis(here.saturating_sub(ago.max(0))),
            edges: record.edges,
            status: record.status,
            open: record.open,
            opened: record.opened,
            lag: Lag {
                time: Duration::from_millis(record.lag_ms),
                changes: record.lag_changes,
            },
            key: record.key,
        })
    }

    async fn behind_now(&self) -> Result<u64, StoreError> {
        let all = join_all(Shard::all().map(|shard| async move {
            let mut command = ::redis::cmd("GET");
            command.arg(self.keys().of(shard, "q"));
            let last: Option<u64> = self.link().ask(&command).await?;
            // After a loss of data the numbers begin anew, which the next read finds out.
            Ok(last.unwrap_or(0).saturating_sub(self.progress().of(shard)))
        }));
        all.await.into_iter().sum()
    }
}

impl NodeRegistry for RedisStore {
    fn enter(&self, node: &Node) -> StoreFuture<'_, Entered> {
        let node = node.clone();
        Box::pin(async move {
            let (taken, mut fleet) = self.node("enter", Some(&node)).await?;
            if !taken {
                return Ok(Entered::Alone(fleet));
            }
            let holder = fleet.nodes.pop().ok_or_else(|| odd_answer("node"))?;
            Ok(Entered::Taken(Box::new(holder)))
        })
    }

    fn beat(&self, node: &Node) -> StoreFuture<'_, Fleet> {
        let node = node.clone();
        Box::pin(async move { Ok(self.node("beat", Some(&node)).await?.1) })
    }

    fn fleet(&self) -> StoreFuture<'_, Fleet> {
        Box::pin(async { Ok(self.node("look", None).await?.1) })
    }

    fn leave(&self, node: &Node) -> StoreFuture<'_, ()> {
        let node = node.clone();
        Box::pin(async move { self.node("leave", Some(&node)).await.map(drop) })
    }

    fn behind(&self) -> StoreFuture<'_, u64> {
        Box::pin(self.behind_now())
    }
}

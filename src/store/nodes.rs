//! Who shares a store: the nodes of a fleet, as each says of itself.

use std::fmt;
use std::time::Duration;

use super::StoreFuture;
use crate::domain::{Timestamp, random};

/// One process among those that may share a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, which no other may have: what it did last stands under it.
    pub name: String,
    /// Which run of a process it is.
    pub instance: InstanceId,
    /// Its version of Gatepass.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// The addresses that its edge listens on.
    pub edges: Vec<String>,
    /// Whether it wants requests, as `/health/ready` spells it.
    pub status: String,
    /// Open sessions in its table: opened there, or used there since.
    pub open: u64,
    /// Sessions that it has opened since it started.
    pub opened: u64,
    /// How far it is behind the store's changes.
    pub lag: Lag,
    /// The public key of its assertions, as a JWK (RFC 7517).
    pub key: Option<String>,
}

/// How far a node is behind what the others change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// For how long it does not know whether anything has changed.
    pub time: Duration,
    /// How many changes there are that it has not read.
    pub changes: u64,
}

/// The id of a run of a process: 128 random bits, in hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InstanceId(String);

/// The nodes that have been heard of lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Each, by name.
    pub nodes: Vec<Node>,
    /// The public keys of these nodes and of those that went within the last hour, as JWKs, the
    /// latest first.
    pub keys: Vec<String>,
}

/// What became of [`NodeRegistry::enter`].
#[derive(Clone, Debug)]
#[must_use]
pub enum Entered {
    /// It is in the fleet, and the only one of its name.
    Alone(Fleet),
    /// Nothing changed: this one has the name, and was heard of lately.
    Taken(Box<Node>),
}

/// Keeps a store's nodes. What is not said again is forgotten after seconds.
pub trait NodeRegistry: Send + Sync {
    /// Takes `node` into the fleet, unless another has its name.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may not have been taken in.
    fn enter(&self, node: &Node) -> StoreFuture<'_, Entered>;

    /// Says how `node` is now, and hears of all. To be said every [`BEAT`]. Where two processes
    /// have one name, both are in the answer.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may not have been heard.
    fn beat(&self, node: &Node) -> StoreFuture<'_, Fleet>;

    /// The fleet as it was last heard of.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell.
    fn fleet(&self) -> StoreFuture<'_, Fleet>;

    /// Takes `node` out of the fleet. Its key stays for a while.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may still be there.
    fn leave(&self, node: &Node) -> StoreFuture<'_, ()>;

    /// How many changes there are in the store that this process has not read.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell.
    fn behind(&self) -> StoreFuture<'_, u64>;
}

/// How often a node says that it is there.
pub const BEAT: Duration = Duration::from_secs(1);

impl InstanceId {
    /// One for this run.
    #[must_use]
    pub fn generate() -> Self {
        let bytes: [u8; 16] = random::bytes();
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The id that another process says that it has.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Fleet {
    /// Another process that has the name of `node`.
    #[must_use]
    pub fn namesake(&self, node: &Node) -> Option<&Node> {
        let others = self.nodes.iter();
        others
            .filter(|other| other.instance != node.instance)
            .find(|other| other.name == node.name)
    }
}

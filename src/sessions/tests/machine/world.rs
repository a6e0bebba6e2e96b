//! The nodes, their stores and their clocks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::step::SPACES;
use crate::domain::{
    Lifetime, LimitPolicy, ManualClock, SessionPolicy, SpaceId, SpaceState, Spaces, TokenDigest,
    UserLimit,
};
use crate::sessions::{Resolution, Sessions};
use crate::store::file::FileStore;
use crate::store::redis::tests::cable::{Cable, Network};
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;
use crate::store::redis::{RedisOptions, RedisStore};
use crate::store::{MemoryStore, Retention, SessionStore, StoreError};

/// Where it is played.
pub(super) enum Stage<'s> {
    /// One process.
    Memory,
    /// One process at a time, on a file.
    File(&'s TempDir),
    /// Nodes on a server, each with a way of its own.
    Redis {
        server: &'s RedisServer,
        nodes: usize,
    },
}

/// A gateway, as far as sessions go.
pub(super) struct Node {
    pub(super) sessions: Sessions,
    pub(super) spaces: Vec<Arc<SpaceState>>,
    pub(super) way: Way,
    store: Arc<dyn SessionStore>,
    clock: ManualClock,
    network: Option<Network>,
    changes: CancellationToken,
}

/// How a node is connected to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Whole,
    /// It asks, and hears of no change.
    Deaf,
    Broken,
}

/// What a request is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Refused,
    /// The node cannot tell: 503.
    Unsure,
}

/// Everything there is.
pub(super) struct World<'s> {
    stage: Stage<'s>,
    options: Option<RedisOptions>,
    pub(super) nodes: Vec<Node>,
    /// The time that has passed.
    pub(super) now: Duration,
}

/// Of sessions, in every space.
pub(super) const LIFETIME: Lifetime = Lifetime {
    idle: Duration::from_secs(600),
    absolute: Duration::from_secs(1500),
};

impl<'s> World<'s> {
    pub(super) async fn new(stage: Stage<'s>) -> Self {
        let (count, options) = match &stage {
            Stage::Redis { server, nodes } => {
                let options = fresh(&RedisOptions {
                    timeout: Duration::from_millis(500),
                    connect_timeout: Duration::from_millis(500),
                    poll: Duration::from_millis(50),
                    ..RedisOptions::single(server.url())
                });
                (*nodes, Some(options))
            }
            Stage::Memory | Stage::File(_) => (1, None),
        };
        let mut world = Self {
            stage,
            options,
            nodes: Vec::new(),
            now: Duration::ZERO,
        };
        for number in 0..count {
            let node = world.start(number).await;
            world.nodes.push(node);
        }
        world
    }

    /// Whether there may be more than one node.
    pub(super) fn is_fleet(&self) -> bool {
        self.options.is_some()
    }

    /// Lets `time` pass everywhere.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.nodes.iter().for_each(|node| node.clock.advance(time));
    }

    /// Puts another node in the place of `number`.
    pub(super) async fn replace(&mut self, number: usize, orderly: bool) {
        if matches!(self.stage, Stage::Memory) {
            return;
        }
        let old = self.nodes.remove(number);
        old.changes.cancel();
        if orderly {
            let _ = old.store.close().await;
        }
        drop(old);
        let new = self.start(number).await;
        self.nodes.insert(number, new);
    }

    pub(super) fn break_way(&mut self, number: usize, cable: Cable) {
        let node = &mut self.nodes[number];
        if let (Some(network), Way::Whole) = (&node.network, node.way) {
            network.set(cable);
            node.way = Way::Broken;
        }
    }

    pub(super) fn deafen(&mut self, number: usize) {
        let is_fleet = self.is_fleet();
        let node = &mut self.nodes[number];
        if is_fleet && node.way == Way::Whole {
            node.changes.cancel();
            node.way = Way::Deaf;
        }
    }

    /// Mends what is broken; a node that is deaf needs another in its place.
    pub(super) async fn mend(&mut self, number: usize) {
        if let (Way::Broken, Some(network)) = (self.nodes[number].way, &self.nodes[number].network)
        {
            network.set(Cable::Whole);
            self.nodes[number].way = Way::Whole;
            self.nodes[number].follows().await;
        } else if self.nodes[number].way == Way::Deaf {
            self.replace(number, false).await;
        }
    }

    async fn start(&self, number: usize) -> Node {
        let (clock, spaces) = (ManualClock::new(), Spaces::new());
        // Clocks are minutes apart, and their ticks begin anywhere.
        clock.advance(Duration::from_secs(1000 * number as u64));
        let ago = i64::try_from(number).unwrap() * 1_240_000;
        clock.step_wall(-ago);
        let (mut network, mut broken) = (None, false);
        let store: Arc<dyn SessionStore> = match (&self.stage, &self.options) {
            (Stage::Redis { server, .. }, Some(options)) => {
                let way = Network::to(server.port).await;
                let options = RedisOptions {
                    nodes: vec![way.url()],
                    node: format!("node{number}"),
                    ..options.clone()
                };
                network = Some(way);
                broken = true;
                let clock = Arc::new(clock.clone());
                Arc::new(connect(options, &spaces, clock).await)
            }
            (Stage::File(folder), _) => {
                clock.advance(self.now);
                let path = folder.path().join("store");
                Arc::new(open(&path, &spaces, &clock).await)
            }
            _ => Arc::new(MemoryStore::new(
                Retention::default(),
                Arc::new(clock.clone()),
            )),
        };
        if broken {
            // The server's time is taken as it is at the connection; from there all go on alike.
            clock.advance(self.now);
        }
        let sessions = Sessions::builder()
            .clock(Arc::new(clock.clone()))
            .spaces(spaces)
            .store(Arc::clone(&store))
            .build();
        let limits = [
            None,
            Some(LimitPolicy::EndOldest),
            Some(LimitPolicy::Refuse),
        ];
        let spaces = SPACES.iter().zip(limits).map(|(id, policy)| {
            let policy = SessionPolicy {
                lifetime: LIFETIME,
                limit: policy.map(|policy| UserLimit { max: 2, policy }),
            };
            sessions.space(&SpaceId::new(id).unwrap(), policy)
        });
        let node = Node {
            spaces: spaces.collect(),
            way: Way::Whole,
            changes: CancellationToken::new(),
            sessions,
            store,
            clock,
            network,
        };
        node.sessions.recover().await.unwrap();
        tokio::spawn(node.sessions.clone().run_changes(node.changes.clone()));
        node.follows().await;
        node
    }
}

async fn open(path: &Path, spaces: &Spaces, clock: &ManualClock) -> FileStore {
    // One that was not closed lets go of its file when its last commit is through.
    for _ in 0..1000 {
        let clock = Arc::new(clock.clone());
        if let Ok(store) = FileStore::open(path, Retention::default(), spaces, clock) {
            return store;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the file is not let go of");
}

async fn connect(options: RedisOptions, spaces: &Spaces, clock: Arc<ManualClock>) -> RedisStore {
    let retention = Retention::default();
    // A machine that has much to do may be too slow once.
    for _ in 0..20 {
        let store = RedisStore::connect(options.clone(), retention, spaces.clone(), clock.clone());
        if let Ok(store) = store.await {
            return store;
        }
    }
    panic!("the server is not reached");
}

impl Node {
    /// A request with the token of `digest`, as the gate treats it.
    pub(super) async fn request(&self, digest: &TokenDigest, space: usize) -> Answer {
        let space = &self.spaces[space];
        let found = match self.sessions.resolve(digest, space) {
            Resolution::Unknown => self.sessions.recall(digest, space).await,
            known => Ok(known),
        };
        self.answer(found).await
    }

    /// A request with a credential that was seen before.
    pub(super) async fn request_by(&self, credential: &TokenDigest, space: usize) -> Answer {
        let space = &self.spaces[space];
        let found = match self.sessions.resolve_credential(credential, space) {
            Resolution::Unknown => self.sessions.recall_credential(credential, space).await,
            known => Ok(known),
        };
        self.answer(found).await
    }

    async fn answer(&self, found: Result<Resolution, StoreError>) -> Answer {
        match found {
            Ok(Resolution::Live(_)) => Answer::Accepted,
            Ok(Resolution::Unknown) => Answer::Refused,
            Ok(Resolution::Due(session, reason)) => {
                match self.sessions.expire(&session, reason).await {
                    Err(_) => Answer::Unsure,
                    // It was used elsewhere.
                    Ok(()) if session.end().is_none() => Answer::Accepted,
                    Ok(()) => Answer::Refused,
                }
            }
            Err(_) => Answer::Unsure,
        }
    }

    /// Until the node believes its table.
    async fn follows(&self) {
        let inner = &self.sessions.0;
        eventually("the node follows", async || {
            inner.freshness.holds(inner.clock.tick())
        })
        .await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.changes.cancel();
    }
}

pub(super) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

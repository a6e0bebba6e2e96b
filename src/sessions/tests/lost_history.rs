//! Redis loses what it has acknowledged: a replica takes over that had not heard of it.

use std::sync::Arc;
use std::time::Duration;

use super::fleet::{Node, Worth, eventually};
use crate::domain::{Identity, Session, TokenDigest};
use crate::sessions::{EndCause, EndOutcome, EstablishError, LockOrder};
use crate::store::redis::RedisOptions;
use crate::store::redis::tests::cable::Network;
use crate::store::redis::tests::fleet::Watched;
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;

type Login = (Arc<Session>, TokenDigest);

/// What two nodes did on a server, and what must be true of it for ever.
struct Fleet {
    a: Node,
    b: Node,
    live: Vec<Login>,
    dead: Vec<Login>,
}

impl Fleet {
    /// Logs in what any replica is to know.
    async fn start(options: &RedisOptions) -> Self {
        let options = |node: &str| RedisOptions {
            node: node.to_owned(),
            timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(1),
            ..options.clone()
        };
        let a = Node::start(&options("a")).await;
        let b = Node::start(&options("b")).await;
        let mut live = Vec::new();
        for n in 0..24 {
            let login = a.log_in(&format!("user{n}")).await.unwrap();
            assert_eq!(b.worth(&login.1).await, Worth::Live);
            live.push(login);
        }
        let dead = Vec::new();
        Self { a, b, live, dead }
    }

    /// Does what is acknowledged and will be lost.
    async fn go_on(&mut self) {
        let (a, b) = (&self.a, &self.b);
        // Ends of sessions that the replica knows, on either node.
        for n in 0..8 {
            let login = self.live.remove(0);
            let node = if n % 2 == 0 { a } else { b };
            assert!(matches!(node.end(&login.0).await, EndOutcome::Ended(_)));
            self.dead.push(login);
        }
        // Logins that it does not know, of which some end elsewhere.
        for n in 0..16 {
            let (here, there) = if n % 2 == 0 { (a, b) } else { (b, a) };
            let login = here.log_in(&format!("late{n}")).await.unwrap();
            match n {
                0..4 => {
                    assert!(matches!(there.end(&login.0).await, EndOutcome::Ended(_)));
                    self.dead.push(login);
                }
                4..8 => {
                    let user = there.user(&format!("late{n}"));
                    let cause = EndCause::terminated_by("ops");
                    let ended = there.sessions.end_user(user, &cause).await.unwrap();
                    assert_eq!(ended.len(), 1);
                    self.dead.push(login);
                }
                _ => self.live.push(login),
            }
        }
        // A lock, and one that was lifted again.
        for user in ["locked", "lifted"] {
            let login = a.log_in(user).await.unwrap();
            let order = LockOrder {
                time: None,
                by: "ops".into(),
                reason: None,
            };
            let ann = Identity::new("LAB", user).unwrap();
            let locked = b.sessions.lock_user(b.space.id(), &ann, order).await;
            assert_eq!(locked.unwrap().ended.len(), 1);
            self.dead.push(login);
        }
        let lifted = Identity::new("LAB", "lifted").unwrap();
        eventually("heard of", async || {
            a.sessions.user_lock(a.space.id(), &lifted).is_some()
        })
        .await;
        a.sessions
            .unlock_user(a.space.id(), &lifted)
            .await
            .unwrap()
            .unwrap();
        for (_, digest) in &self.dead {
            for node in [a, b] {
                eventually("ended", async || node.worth(digest).await == Worth::Nothing).await;
            }
        }
    }

    /// Looks on until all is as it was; nothing may be wrong meanwhile.
    async fn comes_back(&self, has_lost: impl AsyncFn() -> bool) {
        eventually("lost", has_lost).await;
        let nodes = [&self.a, &self.b];
        for node in nodes {
            eventually("all is as it was", async || {
                let mut right = true;
                for (_, digest) in &self.dead {
                    let worth = node.worth(digest).await;
                    assert_ne!(worth, Worth::Live, "an acknowledged end came back");
                    right &= worth == Worth::Nothing;
                }
                for (session, digest) in &self.live {
                    let worth = node.worth(digest).await;
                    assert_ne!(worth, Worth::Nothing, "lost: {session:?}");
                    right &= worth == Worth::Live;
                }
                right && node.sessions.0.freshness.holds(node.sessions.now())
            })
            .await;
        }
        for node in nodes {
            let refused = node.log_in("locked").await.unwrap_err();
            assert!(
                matches!(refused, EstablishError::Locked { .. }),
                "{refused}"
            );
            eventually("lifted", async || node.log_in("lifted").await.is_ok()).await;
        }
        for (session, digest) in &self.live {
            assert!(matches!(self.b.end(session).await, EndOutcome::Ended(_)));
            eventually("ended", async || {
                self.a.worth(digest).await == Worth::Nothing
            })
            .await;
        }
    }
}

/// A node that has seen nothing sees what is true.
async fn stranger(options: &RedisOptions, fleet: &Fleet) {
    let stranger = Node::start(options).await;
    for (_, digest) in &fleet.dead {
        assert_eq!(stranger.worth(digest).await, Worth::Nothing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_replica_takes_over() {
    let master = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let network = Network::to(master.port).await;
    let options = fresh(&RedisOptions::single(network.url()));
    let mut fleet = Fleet::start(&options).await;
    eventually("the replica is in step", async || {
        let offset = |server: &RedisServer| {
            let info = server.text(&["INFO", "replication"]);
            let line = info.lines().find(|l| l.starts_with("master_repl_offset"));
            line.map(str::to_owned)
        };
        offset(&master) == offset(&replica)
    })
    .await;
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    fleet.go_on().await;
    network.fail_over_to(replica.port).await;
    fleet.comes_back(async || true).await;
    stranger(&options, &fleet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sentinels_choose_a_stale_replica() {
    let mut watched = Watched::start().await;
    let options = fresh(&watched.options());
    let mut fleet = Fleet::start(&options).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for replica in &watched.servers[1..] {
        // The sentinels put that right, after seconds.
        replica.command(&["REPLICAOF", "127.0.0.1", "1"]);
    }
    fleet.go_on().await;
    watched.servers[0].kill();
    fleet.comes_back(async || true).await;
    stranger(&options, &fleet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_empties_redis() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let mut fleet = Fleet::start(&options).await;
    fleet.go_on().await;
    for node in [&fleet.a, &fleet.b] {
        for (_, digest) in &fleet.live {
            assert_eq!(node.worth(digest).await, Worth::Live);
        }
    }
    server.command(&["FLUSHALL"]);
    // Until then, a node may not have noticed, and believes what it has cached.
    let count = "return #redis.call('KEYS', '*:s:*')";
    let all = format!(":{}", fleet.live.len() + fleet.dead.len());
    fleet
        .comes_back(async || server.command(&["EVAL", count, "0"]) == all)
        .await;
    stranger(&options, &fleet).await;
}

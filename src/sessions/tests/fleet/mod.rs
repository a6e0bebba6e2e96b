//! Several nodes on one Redis.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::new_session;
use crate::domain::{
    EndReason, Identity, Lifetime, LimitPolicy, Session, SessionPolicy, SpaceId, SpaceState,
    Spaces, SystemClock, Token, TokenDigest, UserLimit,
};
use crate::sessions::{
    Admission, EndCause, EndOutcome, EstablishError, Established, LockOrder, Resolution, Sessions,
};
use crate::store::redis::tests::cable::{Cable, Network};
use crate::store::redis::tests::fleet::{Cluster, Watched};
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;
use crate::store::redis::{OnOutage, RedisOptions, RedisStore};
use crate::store::{Retention, Scan};

/// A node of the fleet, as far as sessions go.
pub(super) struct Node {
    pub(super) sessions: Sessions,
    pub(super) space: Arc<SpaceState>,
    stop: CancellationToken,
}

/// What a token is worth on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Live,
    Nothing,
    /// The node cannot tell.
    Unsure,
}

impl Node {
    pub(super) async fn start(options: &RedisOptions) -> Self {
        Self::with_policy(options, SessionPolicy::default()).await
    }

    pub(super) async fn with_policy(options: &RedisOptions, policy: SessionPolicy) -> Self {
        let (clock, spaces) = (Arc::new(SystemClock::new()), Spaces::new());
        let store = RedisStore::connect(
            options.clone(),
            Retention::default(),
            spaces.clone(),
            clock.clone(),
        );
        let sessions = Sessions::builder()
            .clock(clock)
            .spaces(spaces)
            .store(Arc::new(store.await.unwrap()))
            .build();
        let space = sessions.space(&SpaceId::new("1").unwrap(), policy);
        sessions.recover().await.unwrap();
        let stop = CancellationToken::new();
        let run = sessions.clone().run_changes(stop.clone());
        tokio::spawn(run);
        let node = Self {
            sessions,
            space,
            stop,
        };
        // Until the first changes have been read, the table is not believed.
        eventually("the node follows", async || {
            node.sessions
                .0
                .freshness
                .holds(node.sessions.clock().tick())
        })
        .await;
        node
    }

    pub(super) async fn log_in(
        &self,
        user: &str,
    ) -> Result<(Arc<Session>, TokenDigest), EstablishError> {
        let opened = self
            .sessions
            .establish(&self.space, new_session(user), Admission::default())
            .await?;
        let Established::Opened { session, token } = opened else {
            panic!("joined")
        };
        Ok((session, Token::digest(&token)))
    }

    pub(super) async fn worth(&self, digest: &TokenDigest) -> Worth {
        let found = match self.sessions.resolve(digest, &self.space) {
            Resolution::Unknown => self.sessions.recall(digest, &self.space).await,
            known => Ok(known),
        };
        match found {
            Ok(Resolution::Live(_)) => Worth::Live,
            Ok(_) => Worth::Nothing,
            Err(_) => Worth::Unsure,
        }
    }

    pub(super) async fn end(&self, session: &Arc<Session>) -> EndOutcome {
        let cause = EndCause::terminated_by("ops");
        let ended = self
            .sessions
            .end_by_id(self.space.id(), session.id(), cause);
        ended.await.unwrap()
    }

    pub(super) fn user(&self, id: &str) -> crate::domain::UserKey {
        Identity::new("LAB", id).unwrap().key(self.space.id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let limit = std::time::Duration::from_secs(20);
    let waited = tokio::time::timeout(limit, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

pub(super) async fn pair(options: &RedisOptions) -> (Node, Node) {
    (Node::start(options).await, Node::start(options).await)
}

fn limited(max: u32, policy: LimitPolicy) -> SessionPolicy {
    SessionPolicy {
        limit: Some(UserLimit { max, policy }),
        ..SessionPolicy::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_what_ends_on_one_node_is_refused_on_the_other() {
    let server = RedisServer::start();
    for push in [true, false] {
        let options = fresh(&RedisOptions {
            push,
            poll: Duration::from_millis(50),
            ..RedisOptions::single(server.url())
        });
        let (a, b) = pair(&options).await;
        for _ in 0..20 {
            let (session, digest) = a.log_in("ann").await.unwrap();
            assert_eq!(b.worth(&digest).await, Worth::Live, "opened elsewhere");
            let tie = b.sessions.tie(&session);
            let (_ended, outcome) = (tie.ended(), b.end(&session).await);
            assert!(matches!(outcome, EndOutcome::Ended(_)), "{outcome:?}");
            assert_eq!(b.worth(&digest).await, Worth::Nothing);
            eventually("refused on the other node", async || {
                a.worth(&digest).await == Worth::Nothing
            })
            .await;
            assert_eq!(session.end().unwrap().reason, EndReason::Terminated);
            assert_eq!(session.end().unwrap().by.as_deref(), Some("ops"));
        }
        // One is refused a moment before it is out of the table.
        eventually("nothing is cached", async || {
            (a.sessions.open(), b.sessions.open()) == (0, 0)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_a_limit_holds_over_nodes() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let policy = limited(3, LimitPolicy::Refuse);
    let nodes = [
        Arc::new(Node::with_policy(&options, policy).await),
        Arc::new(Node::with_policy(&options, policy).await),
    ];
    let mut logins = JoinSet::new();
    for n in 0..100 {
        let node = Arc::clone(&nodes[n % 2]);
        logins.spawn(async move { node.log_in("ann").await });
    }
    let (mut opened, mut refused) = (0, 0);
    while let Some(login) = logins.join_next().await {
        match login.unwrap() {
            Ok(_) => opened += 1,
            Err(EstablishError::LimitReached { max: 3 }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((opened, refused), (3, 97));
    let options = fresh(&options);
    let policy = limited(3, LimitPolicy::EndOldest);
    let nodes = [
        Arc::new(Node::with_policy(&options, policy).await),
        Arc::new(Node::with_policy(&options, policy).await),
    ];
    let mut logins = JoinSet::new();
    for n in 0..100 {
        let node = Arc::clone(&nodes[n % 2]);
        logins.spawn(async move { node.log_in("ann").await });
    }
    let mut digests = Vec::new();
    while let Some(login) = logins.join_next().await {
        match login.unwrap() {
            Ok((_, digest)) => digests.push(digest),
            Err(EstablishError::EndedMeanwhile) => {}
            Err(other) => panic!("{other}"),
        }
    }
    for node in &nodes {
        eventually("three are left on every node", async || {
            let mut live = 0;
            for digest in &digests {
                live += usize::from(node.worth(digest).await == Worth::Live);
            }
            live == 3
        })
        .await;
        let page = node
            .sessions
            .find(Scan {
                limit: 9,
                ..Scan::default()
            })
            .await
            .unwrap();
        assert_eq!((page.sessions.len(), page.total), (3, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s12_a_login_is_ended_with_the_others_of_its_user_or_is_newer() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let (a, b) = pair(&options).await;
    let (a, b) = (Arc::new(a), Arc::new(b));
    for _ in 0..20 {
        let mut logins = JoinSet::new();
        for n in 0..10 {
            let node = Arc::clone(if n % 2 == 0 { &a } else { &b });
            logins.spawn(async move { node.log_in("ann").await });
        }
        let cause = EndCause::terminated_by("ops");
        a.sessions.end_user(a.user("ann"), &cause).await.unwrap();
        let mut digests = Vec::new();
        while let Some(login) = logins.join_next().await {
            match login.unwrap() {
                Ok((_, digest)) => digests.push(digest),
                Err(EstablishError::EndedMeanwhile) => {}
                Err(other) => panic!("{other}"),
            }
        }
        // Nothing half-indexed: whoever is live now is found by the next end.
        b.sessions.end_user(b.user("ann"), &cause).await.unwrap();
        for digest in &digests {
            for node in [&a, &b] {
                eventually("ended", async || node.worth(digest).await == Worth::Nothing).await;
            }
        }
    }
    assert_eq!((a.sessions.open(), b.sessions.open()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn s30_a_ticket_is_taken_on_one_of_the_nodes() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let (a, b) = pair(&options).await;
    let ann = Arc::new(Identity::new("LAB", "ann").unwrap());
    let secret = a.sessions.issue_ticket(&a.space, ann, None).await.unwrap();
    let mut takers = JoinSet::new();
    for n in 0..100 {
        let node = if n % 2 == 0 { &a } else { &b };
        let (sessions, space) = (node.sessions.clone(), Arc::clone(&node.space));
        let text = secret.expose().to_owned();
        takers.spawn(async move { sessions.redeem_ticket(&space, &text).await.unwrap() });
    }
    let taken = takers.join_all().await;
    assert_eq!(taken.iter().flatten().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_idles_here_and_is_used_elsewhere_goes_on() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let policy = SessionPolicy {
        lifetime: Lifetime {
            idle: Duration::from_millis(600),
            absolute: Duration::from_secs(60),
        },
        limit: None,
    };
    let a = Node::with_policy(&options, policy).await;
    let b = Node::with_policy(&options, policy).await;
    let flush = b
        .sessions
        .clone()
        .run_flusher(Duration::from_millis(50), b.stop.clone().cancelled_owned());
    tokio::spawn(flush);
    let (session, digest) = a.log_in("ann").await.unwrap();
    let before = session.last_active();
    for _ in 0..30 {
        assert_eq!(b.worth(&digest).await, Worth::Live);
        tokio::time::sleep(Duration::from_millis(50)).await;
        a.sessions.sweep().await.unwrap();
    }
    assert!(session.end().is_none());
    assert!(
        session.last_active() > before,
        "what the other node saw is merged"
    );
    eventually("idle on both", async || {
        a.sessions.sweep().await.unwrap();
        session.end().is_some()
    })
    .await;
    assert_eq!(session.end().unwrap().reason, EndReason::Idle);
    eventually("gone on both", async || b.sessions.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_bars_a_user_on_every_node() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let (a, b) = pair(&options).await;
    let (_, digest) = b.log_in("ann").await.unwrap();
    let ann = Identity::new("LAB", "ann").unwrap();
    let order = LockOrder {
        time: Some(Duration::from_secs(600)),
        by: "ops".into(),
        reason: Some("left".into()),
    };
    let locked = a
        .sessions
        .lock_user(a.space.id(), &ann, order)
        .await
        .unwrap();
    assert_eq!(locked.ended.len(), 1);
    // At once: the store bars them, whatever the node has heard.
    let refused = b.log_in("ann").await.unwrap_err();
    assert!(
        matches!(refused, EstablishError::Locked { until: Some(_) }),
        "{refused}"
    );
    eventually("ended", async || b.worth(&digest).await == Worth::Nothing).await;
    let late = Node::start(&options).await;
    let found = late.sessions.user_lock(late.space.id(), &ann).unwrap();
    assert_eq!(found.reason.as_deref(), Some("left"));
    late.sessions
        .unlock_user(late.space.id(), &ann)
        .await
        .unwrap();
    eventually("lifted", async || b.log_in("ann").await.is_ok()).await;
    eventually("lifted", async || a.log_in("ann").await.is_ok()).await;
}

/// An entry of a stream: its id and its fields.
type Entry = (String, Vec<(String, Vec<u8>)>);

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_was_lifted_stays_so_when_its_message_is_late() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions {
        // What is heard is pushed.
        poll: Duration::from_secs(3600),
        ..RedisOptions::single(server.url())
    });
    let (a, b) = pair(&options).await;
    let (ann, id) = (Identity::new("LAB", "ann").unwrap(), a.space.id());
    let order = LockOrder {
        time: None,
        by: "ops".into(),
        reason: None,
    };
    let barred = async || b.sessions.user_lock(id, &ann).is_some();
    eventually("the lock is heard of", async || {
        a.sessions.lock_user(id, &ann, order.clone()).await.unwrap();
        barred().await
    })
    .await;
    let client = ::redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut message = None;
    for shard in 0..16 {
        let key = format!("{{{}/{shard:02}}}:c", options.namespace);
        let mut last = ::redis::cmd("XREVRANGE");
        last.arg(key).arg("+").arg("-").arg("COUNT").arg(1);
        let last: Vec<Entry> = last.query_async(&mut connection).await.unwrap();
        let says = last.into_iter().flat_map(|(_, fields)| fields);
        message = message.or(says.map(|(_, says)| says).find(|says| says[0] == b'L'));
    }
    a.sessions.unlock_user(id, &ann).await.unwrap();
    eventually("it is lifted", async || !barred().await).await;
    let channels: Vec<String> = ::redis::cmd("PUBSUB")
        .arg("CHANNELS")
        .arg(format!("*{}*", options.namespace))
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut late = ::redis::cmd("PUBLISH");
    late.arg(&channels[0]).arg(message.expect("it is the last"));
    let listeners: usize = late.query_async(&mut connection).await.unwrap();
    assert_eq!((channels.len(), listeners), (1, 2));
    // What is pushed after it has been heard of.
    let (session, digest) = a.log_in("bob").await.unwrap();
    assert_eq!(b.worth(&digest).await, Worth::Live);
    assert!(matches!(a.end(&session).await, EndOutcome::Ended(_)));
    eventually("the end is heard of", async || b.sessions.open() == 0).await;
    assert!(!barred().await, "it was lifted");
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_redis_may_die_and_come_back() {
    // By default Redis writes a little later than it acknowledges.
    let mut server = RedisServer::start_with(&["--appendfsync", "always"]);
    let options = fresh(&RedisOptions {
        timeout: Duration::from_millis(300),
        ..RedisOptions::single(server.url())
    });
    let (a, b) = pair(&options).await;
    let mut kept = Vec::new();
    for n in 0..20 {
        let (session, digest) = a.log_in(&format!("user{n}")).await.unwrap();
        assert_eq!(b.worth(&digest).await, Worth::Live);
        if n % 2 == 0 {
            assert!(matches!(b.end(&session).await, EndOutcome::Ended(_)));
        }
        kept.push((digest, n % 2 == 1));
    }
    server.kill();
    for node in [&a, &b] {
        eventually("nothing is believed", async || {
            node.worth(&kept[1].0).await == Worth::Unsure
        })
        .await;
    }
    for (digest, live) in &kept {
        // What was heard to have ended is no more a session; of the rest, nobody can tell.
        let expected = if *live { Worth::Unsure } else { Worth::Nothing };
        assert_eq!(a.worth(digest).await, expected);
        assert_eq!(b.worth(digest).await, expected);
    }
    assert!(matches!(
        a.log_in("ann").await,
        Err(EstablishError::Store(_))
    ));
    server.launch();
    for node in [&a, &b] {
        for (digest, live) in &kept {
            let expected = if *live { Worth::Live } else { Worth::Nothing };
            eventually("as it was", async || node.worth(digest).await == expected).await;
        }
    }
    assert!(a.log_in("ann").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_cached_sessions_are_served_for_a_while_where_that_is_the_policy() {
    let mut server = RedisServer::start();
    let options = fresh(&RedisOptions {
        on_outage: OnOutage::ServeCached(Duration::from_secs(3)),
        timeout: Duration::from_millis(200),
        ..RedisOptions::single(server.url())
    });
    let node = Node::start(&options).await;
    let (_, digest) = node.log_in("ann").await.unwrap();
    server.kill();
    #[expect(clippy::disallowed_methods, reason = "the time of the test")]
    let killed = std::time::Instant::now();
    while killed.elapsed() < Duration::from_millis(2500) {
        assert_eq!(
            node.worth(&digest).await,
            Worth::Live,
            "{:?}",
            killed.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eventually("no more", async || {
        node.worth(&digest).await == Worth::Unsure
    })
    .await;
    assert!(
        killed.elapsed() < Duration::from_secs(4),
        "{:?}",
        killed.elapsed()
    );
    server.launch();
    eventually("again", async || node.worth(&digest).await == Worth::Live).await;
}

/// What is done to a node's way to Redis, or to Redis.
async fn fault(cable: Cable, trim: bool) {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions {
        timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_millis(500),
        ..RedisOptions::single(server.url())
    });
    let network = Network::to(server.port).await;
    let a = Node::start(&options).await;
    let b = Node::start(&RedisOptions {
        nodes: vec![network.url()],
        ..options.clone()
    })
    .await;
    let mut logins = Vec::new();
    for n in 0..40 {
        let login = a.log_in(&format!("user{n}")).await.unwrap();
        assert_eq!(b.worth(&login.1).await, Worth::Live);
        logins.push(login);
    }
    network.set(cable);
    for (session, _) in &logins[..20] {
        assert!(matches!(a.end(session).await, EndOutcome::Ended(_)));
    }
    if trim {
        for shard in 0..16 {
            let key = format!("{{{}/{shard:02}}}:c", options.namespace);
            server.command(&["XTRIM", &key, "MAXLEN", "0"]);
        }
    }
    // The bound: after it, no session that ended is accepted, whatever the network does.
    tokio::time::sleep(OnOutage::Closed.believed_for()).await;
    for (_, digest) in &logins[..20] {
        assert_ne!(b.worth(digest).await, Worth::Live);
    }
    network.set(Cable::Whole);
    for (n, (_, digest)) in logins.iter().enumerate() {
        let expected = if n < 20 { Worth::Nothing } else { Worth::Live };
        eventually("as on the other node", async || {
            let worth = b.worth(digest).await;
            assert!(worth == expected || worth == Worth::Unsure, "{worth:?}");
            worth == expected
        })
        .await;
    }
    eventually("the table is believed again", async || {
        b.sessions.0.freshness.holds(b.sessions.clock().tick())
    })
    .await;
    eventually("only what is live is cached", async || {
        b.sessions.open() == 20
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_ends_while_the_connection_is_cut() {
    fault(Cable::Cut, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_ends_while_the_network_is_silent() {
    fault(Cable::Silent, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_ends_while_the_network_is_one_way() {
    fault(Cable::OneWay, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_ends_while_the_network_is_one_way_the_other_way() {
    fault(Cable::OtherWay, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_ends_while_the_network_loses_everything() {
    fault(Cable::Dropped, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_ends_that_have_left_the_stream_are_found_by_a_check() {
    fault(Cable::Cut, true).await;
}

/// Redis that does not do what it should, whatever the reason: nobody is logged out, nothing
/// that has ended lives on, and all goes on by itself.
async fn trouble(begin: impl Fn(&RedisServer), end: impl Fn(&RedisServer)) {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions {
        timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_millis(500),
        ..RedisOptions::single(server.url())
    });
    let (a, b) = pair(&options).await;
    let mut logins = Vec::new();
    for n in 0..10 {
        logins.push(a.log_in(&format!("user{n}")).await.unwrap());
        assert_eq!(b.worth(&logins[n].1).await, Worth::Live);
    }
    for (session, _) in &logins[..5] {
        assert!(matches!(a.end(session).await, EndOutcome::Ended(_)));
    }
    begin(&server);
    #[expect(clippy::disallowed_methods, reason = "the time of the test")]
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        for (n, (_, digest)) in logins.iter().enumerate() {
            for node in [&a, &b] {
                let worth = node.worth(digest).await;
                match n < 5 {
                    true => assert_ne!(worth, Worth::Live, "it ended before"),
                    false => assert_ne!(worth, Worth::Nothing, "nobody ended it"),
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = a.log_in("ann").await;
    assert!(
        matches!(refused, Err(EstablishError::Store(_))),
        "{refused:?}"
    );
    end(&server);
    for node in [&a, &b] {
        for (n, (_, digest)) in logins.iter().enumerate() {
            let expected = if n < 5 { Worth::Nothing } else { Worth::Live };
            eventually("as it was", async || node.worth(digest).await == expected).await;
        }
        eventually("logins", async || node.log_in("ann").await.is_ok()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_redis_is_stopped_and_goes_on() {
    trouble(RedisServer::pause, RedisServer::resume).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_redis_pauses_its_clients() {
    trouble(
        |server| drop(server.command(&["CLIENT", "PAUSE", "6000", "ALL"])),
        |_| (),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_redis_wants_a_password_all_of_a_sudden() {
    trouble(
        |server| {
            server.command(&["CONFIG", "SET", "requirepass", "secret"]);
            server.command_as("secret", &["CLIENT", "KILL", "TYPE", "normal"]);
        },
        |server| drop(server.command_as("secret", &["CONFIG", "SET", "requirepass", ""])),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_redis_becomes_read_only() {
    trouble(
        |server| drop(server.command(&["REPLICAOF", "127.0.0.1", "1"])),
        |server| drop(server.command(&["REPLICAOF", "NO", "ONE"])),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_takes_no_logins_and_still_ends_sessions() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let (a, b) = pair(&options).await;
    let (session, digest) = a.log_in("ann").await.unwrap();
    assert_eq!(b.worth(&digest).await, Worth::Live);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = a.log_in("bob").await.unwrap_err();
    assert!(matches!(refused, EstablishError::Store(_)), "{refused}");
    assert_eq!(b.worth(&digest).await, Worth::Live);
    assert!(matches!(b.end(&session).await, EndOutcome::Ended(_)));
    eventually("ended", async || a.worth(&digest).await == Worth::Nothing).await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(a.log_in("bob").await.is_ok());
}

/// Logs in, ends half, lets `change` happen to the servers, and looks at both nodes: what was
/// open is, what had ended has, and all goes on.
async fn over(options: &RedisOptions, change: impl AsyncFnOnce()) {
    let options = fresh(&RedisOptions {
        timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_secs(1),
        ..options.clone()
    });
    let (a, b) = pair(&options).await;
    let mut logins = Vec::new();
    for n in 0..64 {
        logins.push(a.log_in(&format!("user{n}")).await.unwrap());
    }
    for (session, digest) in &logins[..32] {
        assert_eq!(b.worth(digest).await, Worth::Live);
        assert!(matches!(b.end(session).await, EndOutcome::Ended(_)));
    }
    // Redis answers before its replicas know; what is tested here is not that.
    tokio::time::sleep(Duration::from_millis(500)).await;
    change().await;
    for node in [&a, &b] {
        for (n, (_, digest)) in logins.iter().enumerate() {
            let expected = if n < 32 { Worth::Nothing } else { Worth::Live };
            eventually("as it was", async || {
                let worth = node.worth(digest).await;
                assert!(
                    worth == expected || worth == Worth::Unsure,
                    "{n}: {worth:?}"
                );
                worth == expected
            })
            .await;
        }
    }
    for (session, digest) in &logins[32..] {
        eventually("an end", async || {
            let cause = EndCause::terminated_by("ops");
            let id = session.id();
            b.sessions.end_by_id(b.space.id(), id, cause).await.is_ok()
        })
        .await;
        assert_eq!(b.worth(digest).await, Worth::Nothing);
        eventually("felt elsewhere", async || {
            a.worth(digest).await == Worth::Nothing
        })
        .await;
    }
    eventually("the table is believed", async || {
        a.sessions.0.freshness.holds(a.sessions.clock().tick())
    })
    .await;
    assert!(a.log_in("ann").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_a_master_of_the_cluster_dies() {
    let mut cluster = Cluster::start().await;
    let options = cluster.options();
    over(&options, async || cluster.servers[0].kill()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_slots_of_the_cluster_move() {
    let cluster = Cluster::start().await;
    let id = |n: usize| {
        cluster.servers[n]
            .text(&["CLUSTER", "MYID"])
            .trim()
            .to_owned()
    };
    let address = format!("127.0.0.1:{}", cluster.servers[0].port);
    over(&cluster.options(), async || {
        let move_slots = std::process::Command::new("redis-cli")
            .args(["--cluster", "reshard", &address, "--cluster-from", &id(0)])
            .args([
                "--cluster-to",
                &id(1),
                "--cluster-slots",
                "4000",
                "--cluster-yes",
            ])
            .output()
            .unwrap();
        assert!(move_slots.status.success(), "{move_slots:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_the_sentinels_choose_another_master() {
    let mut watched = Watched::start().await;
    let options = watched.options();
    over(&options, async || watched.servers[0].kill()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_an_answer_that_comes_after_the_end_makes_nothing_live() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions {
        timeout: Duration::from_secs(3),
        ..RedisOptions::single(server.url())
    });
    let network = Network::to(server.port).await;
    let a = Node::start(&options).await;
    let b = Node::start(&RedisOptions {
        nodes: vec![network.url()],
        ..options.clone()
    })
    .await;
    let b = Arc::new(b);
    for n in 0..5 {
        let (session, digest) = a.log_in(&format!("user{n}")).await.unwrap();
        network.set(Cable::OneWay);
        let asked = tokio::spawn({
            let b = Arc::clone(&b);
            async move { b.worth(&digest).await }
        });
        // Redis has answered, and the answer is on its way, when the session ends.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(matches!(a.end(&session).await, EndOutcome::Ended(_)));
        network.set(Cable::Whole);
        asked.await.unwrap();
        eventually("refused", async || b.worth(&digest).await == Worth::Nothing).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert_eq!(b.worth(&digest).await, Worth::Nothing);
        }
        assert_eq!(b.sessions.open(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_answer_was_lost_is_taken_back() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions {
        timeout: Duration::from_millis(200),
        ..RedisOptions::single(server.url())
    });
    let network = Network::to(server.port).await;
    let a = Node::start(&options).await;
    let b = Node::start(&RedisOptions {
        nodes: vec![network.url()],
        ..options.clone()
    })
    .await;
    // The scripts are there already, and the first command is answered.
    b.log_in("bob").await.unwrap();
    let open = async || {
        let page = a.sessions.find(Scan::default()).await.unwrap();
        page.total
    };
    for n in 0..200 {
        let login = tokio::spawn({
            let (sessions, space) = (b.sessions.clone(), Arc::clone(&b.space));
            async move {
                let new = new_session("ann");
                sessions.establish(&space, new, Admission::default()).await
            }
        });
        // At some moment of the login, another one each time; on a busy machine it takes longer.
        std::thread::sleep(Duration::from_micros(n % 20 * (25 + n)));
        network.set(Cable::OneWay);
        let login = login.await.unwrap();
        let kept = open().await;
        network.set(Cable::Whole);
        if login.is_err() && kept == 2 {
            eventually("taken back", async || open().await == 1).await;
            return;
        }
        let cause = EndCause::terminated_by("ops");
        eventually("as before", async || {
            let ended = b.sessions.end_user(b.user("ann"), &cause).await;
            ended.is_ok() && open().await == 1
        })
        .await;
    }
    panic!("no login was kept and not answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_a_shorter_idle_time_ends_nobody_who_is_active_elsewhere() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let (a, b) = pair(&options).await;
    let (here, digest) = a.log_in("ann").await.unwrap();
    let Ok(Resolution::Live(there)) = b.sessions.recall(&digest, &b.space).await else {
        panic!("the other node knows it");
    };
    let flush = b
        .sessions
        .clone()
        .run_flusher(Duration::from_millis(20), b.stop.clone().cancelled_owned());
    tokio::spawn(flush);
    let (allowed, since) = (Duration::from_millis(500), here.last_active_tick());
    while a.sessions.now().since(since) < allowed {
        let _ = b.sessions.touch(&there);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let outcome = a.sessions.expire_idle(&here, allowed).await.unwrap();
    assert!(matches!(outcome, EndOutcome::Active(_)), "{outcome:?}");
    assert!(here.last_active_tick() > since, "as the other node knows");
    assert_eq!(b.worth(&digest).await, Worth::Live);
    let since = there.last_active_tick();
    eventually("idle", async || b.sessions.now().since(since) > allowed).await;
    let outcome = a.sessions.expire_idle(&here, allowed).await.unwrap();
    assert!(matches!(outcome, EndOutcome::Ended(_)), "{outcome:?}");
}

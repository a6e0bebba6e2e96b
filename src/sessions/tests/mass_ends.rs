//! Ends of many sessions at once, over several nodes.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinSet;

use super::fleet::{Node, Worth, eventually, pair};
use super::new_session;
use crate::domain::{EndReason, Identity, SessionPolicy, SpaceId, TokenDigest};
use crate::sessions::{Admission, EndCause, EndScope, EstablishError, Established};
use crate::store::redis::RedisOptions;
use crate::store::redis::tests::fleet::Cluster;
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;
use crate::store::{Scan, StateFilter};

async fn ends_a_space(options: &RedisOptions) {
    let (a, b) = pair(&fresh(options)).await;
    let elsewhere = SpaceId::new("2").unwrap();
    let elsewhere = a.sessions.space(&elsewhere, SessionPolicy::default());
    let mut logins = Vec::new();
    for n in 0..40 {
        let (here, there) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let login = here.log_in(&format!("user{}", n % 7)).await.unwrap();
        if n % 3 == 0 {
            assert_eq!(there.worth(&login.1).await, Worth::Live);
        }
        logins.push(login);
    }
    let other = a
        .sessions
        .establish(&elsewhere, new_session("ann"), Admission::default());
    let Established::Opened { session: other, .. } = other.await.unwrap() else {
        panic!("joined")
    };
    let tie = b.sessions.tie(&logins[1].0);
    let cause = EndCause::terminated_by("ops");
    let ended = a.sessions.end_space(&a.space, &cause).await.unwrap();
    assert_eq!(ended, 40, "those of both nodes");
    let newer = b.log_in("user1").await.unwrap();
    for (session, digest) in &logins {
        assert_eq!(a.worth(digest).await, Worth::Nothing);
        eventually("refused on the other node", async || {
            b.worth(digest).await == Worth::Nothing
        })
        .await;
        let kept = b.sessions.get(b.space.id(), session.id()).await.unwrap();
        let end = kept.unwrap().end().cloned().unwrap();
        assert_eq!(
            (end.reason, end.by.as_deref()),
            (EndReason::Terminated, Some("ops"))
        );
    }
    tokio::time::timeout(Duration::from_secs(5), tie.ended())
        .await
        .expect("its streams are told");
    for node in [&a, &b] {
        assert_eq!(node.worth(&newer.1).await, Worth::Live, "it is newer");
    }
    assert!(other.end().is_none(), "it is in another space");
    let total = async |state| {
        let scan = Scan {
            space: Some(a.space.id().clone()),
            state,
            ..Scan::default()
        };
        b.sessions.find(scan).await.unwrap().total
    };
    assert_eq!(total(StateFilter::Open).await, 1);
    assert_eq!(total(StateFilter::Ended).await, 40);
    eventually("nothing else is cached", async || b.space.open() == 1).await;
    assert_eq!(b.sessions.end_everything(&cause).await.unwrap(), 2);
    eventually("ended as well", async || other.end().is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_space_reaches_every_node() {
    let server = RedisServer::start();
    for push in [true, false] {
        let options = RedisOptions {
            push,
            ..RedisOptions::single(server.url())
        };
        ends_a_space(&options).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_space_reaches_every_node_of_a_cluster() {
    let cluster = Cluster::start().await;
    ends_a_space(&cluster.options()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_of_a_user_end_on_every_node_and_the_own_goes_on() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let (own, digest) = a.log_in("ann").await.unwrap();
    let (_, here) = a.log_in("ann").await.unwrap();
    let (_, there) = b.log_in("ann").await.unwrap();
    let cause = EndCause::terminated_by("ann");
    let ended = a.sessions.end_others(&own, &cause).await.unwrap();
    assert_eq!(ended.len(), 2);
    for node in [&a, &b] {
        assert_eq!(node.worth(&digest).await, Worth::Live);
        for digest in [&here, &there] {
            eventually("ended", async || node.worth(digest).await == Worth::Nothing).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_its_node_did_not_finish_is_finished_by_others() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let (session, digest) = a.log_in("ann").await.unwrap();
    assert_eq!(b.worth(&digest).await, Worth::Live);
    // As by a node that dies when it has placed the epoch.
    let shared = a.sessions.0.store.shared().unwrap();
    let end = crate::domain::SessionEnd {
        at: a.sessions.clock().wall(),
        reason: EndReason::Revoked,
        by: None,
    };
    let epochs = shared.end_scope(EndScope::Everything, end).await.unwrap();
    assert_eq!(epochs.len(), 16);
    for node in [&a, &b] {
        eventually("ended", async || {
            node.worth(&digest).await == Worth::Nothing
        })
        .await;
    }
    assert_eq!(
        session.end().map(|end| end.reason),
        Some(EndReason::Revoked)
    );
    // Not yet: who placed it may be at it.
    assert_eq!(b.sessions.sweep().await.unwrap().ended, 0);
}

/// Who ends what in the race, and when.
#[derive(Clone, Debug)]
struct Race {
    scope: u8,
    by: usize,
    logins: Vec<(usize, u8)>,
    before: usize,
    pause: u64,
}

fn race() -> impl Strategy<Value = Race> {
    let login = (0..2usize, 0..3u8);
    let logins = prop::collection::vec(login, 6..24);
    (0..3u8, 0..2usize, logins, 0..6usize, 0..2000u64).prop_map(
        |(scope, by, logins, before, pause)| Race {
            scope,
            by,
            logins,
            before,
            pause,
        },
    )
}

type Login = (u8, TokenDigest);

async fn log_in(node: Arc<Node>, user: u8) -> Option<Login> {
    match node.log_in(&format!("user{user}")).await {
        Ok((_, digest)) => Some((user, digest)),
        Err(EstablishError::EndedMeanwhile) => None,
        Err(other) => panic!("{other}"),
    }
}

async fn run(race: Race, nodes: &[Arc<Node>; 2]) {
    let scope = match race.scope {
        0 => EndScope::User(nodes[0].user("user0")),
        1 => EndScope::Space(nodes[0].space.id().clone()),
        _ => EndScope::Everything,
    };
    let in_scope = |user: u8| race.scope != 0 || user == 0;
    let mut older = Vec::new();
    let (first, racing) = race.logins.split_at(race.before);
    for (node, user) in first {
        older.extend(log_in(Arc::clone(&nodes[*node]), *user).await);
    }
    let mut logins = JoinSet::new();
    for (node, user) in racing {
        logins.spawn(log_in(Arc::clone(&nodes[*node]), *user));
    }
    tokio::time::sleep(Duration::from_micros(race.pause)).await;
    // Those that have returned are older as well.
    while let Some(done) = logins.try_join_next() {
        older.extend(done.unwrap());
    }
    let cause = EndCause::terminated_by("ops");
    let by = &nodes[race.by];
    by.sessions.end_scope(scope, &cause, |_| ()).await.unwrap();
    for (user, digest) in &older {
        let expected = if in_scope(*user) {
            Worth::Nothing
        } else {
            Worth::Live
        };
        assert_eq!(by.worth(digest).await, expected, "{race:?}");
    }
    let newer = log_in(Arc::clone(&nodes[0]), 0).await.unwrap();
    let raced: Vec<_> = logins.join_all().await.into_iter().flatten().collect();
    let other = &nodes[1 - race.by];
    for (user, digest) in &older {
        let expected = if in_scope(*user) {
            Worth::Nothing
        } else {
            Worth::Live
        };
        eventually("as where it was ended", async || {
            other.worth(digest).await == expected
        })
        .await;
    }
    // A login that raced is ended or newer, and both nodes agree on which.
    for (_, digest) in &raced {
        eventually("agreed", async || {
            nodes[0].worth(digest).await == nodes[1].worth(digest).await
        })
        .await;
    }
    for node in nodes {
        assert_eq!(node.worth(&newer.1).await, Worth::Live, "{race:?}");
        for (user, digest) in older.iter().filter(|(user, _)| in_scope(*user)) {
            assert_eq!(node.worth(digest).await, Worth::Nothing, "user{user}");
        }
    }
    // Nothing half-indexed: the next end finds all that is live.
    by.sessions.end_everything(&cause).await.unwrap();
    for (_, digest) in older.iter().chain(&raced).chain([&newer]) {
        for node in nodes {
            eventually("ended", async || node.worth(digest).await == Worth::Nothing).await;
        }
    }
    let page = by.sessions.find(Scan::default()).await.unwrap();
    assert_eq!(page.total, 0);
    for node in nodes {
        eventually("empty", async || node.sessions.open() == 0).await;
    }
}

#[test]
fn s12_mass_ends_against_racing_logins_on_two_nodes() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let nodes = runtime.block_on(async {
        let (a, b) = pair(&options).await;
        [Arc::new(a), Arc::new(b)]
    });
    let config = ProptestConfig {
        cases: 48,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    proptest!(config, |(race in race())| {
        runtime.block_on(run(race, &nodes));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_very_many_sessions_ends_at_once() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let mut digests = Vec::new();
    for _ in 0..600 {
        digests.push(a.log_in("ann").await.unwrap().1);
    }
    assert_eq!(b.worth(&digests[599]).await, Worth::Live);
    let ann = Identity::new("LAB", "ann").unwrap().key(a.space.id());
    let cause = EndCause::terminated_by("ops");
    let ended = b.sessions.end_user(ann, &cause).await.unwrap();
    assert_eq!(ended.len(), 600);
    for digest in &digests {
        assert_eq!(b.worth(digest).await, Worth::Nothing);
        eventually("ended", async || a.worth(digest).await == Worth::Nothing).await;
    }
    assert!(b.log_in("ann").await.is_ok());
}

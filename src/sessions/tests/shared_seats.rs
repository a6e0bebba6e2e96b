//! Seats of licenses over two nodes on one Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::fleet::{Node, Worth, eventually, pair};
use super::new_session;
use crate::domain::{
    EndReason, Lifetime, LimitPolicy, NewSession, SeatLimit, Session, SessionPolicy,
};
use crate::sessions::{Admission, EndCause, EstablishError, Established};
use crate::store::redis::RedisOptions;
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;
use crate::store::{IdRange, SeatClaim};

fn licensed(user: &str) -> NewSession {
    NewSession {
        license: Some("pro".into()),
        ..new_session(user)
    }
}

impl Node {
    fn with_seats(self, seats: u32, policy: LimitPolicy) -> Self {
        let license = "pro".into();
        let limit = SeatLimit {
            license,
            seats,
            policy,
        };
        self.sessions.set_seats(self.space.id(), vec![limit]);
        self
    }

    async fn use_license(&self, user: &str) -> Result<Arc<Session>, EstablishError> {
        let new = licensed(user);
        let login = self
            .sessions
            .establish(&self.space, new, Admission::default());
        match login.await? {
            Established::Opened { session, .. } => Ok(session),
            Established::Joined(session) => panic!("joined {session:?}"),
        }
    }

    /// The sessions that are open in the store, oldest first.
    async fn open(&self) -> Vec<Arc<Session>> {
        let store = self.sessions.0.store.shared().unwrap();
        let space = Some(self.space.id().clone());
        let mut open = store.walk_open(space, IdRange::ALL, 1000).await.unwrap();
        open.reverse();
        open
    }
}

async fn two(options: &RedisOptions, seats: u32, policy: LimitPolicy) -> [Arc<Node>; 2] {
    let (a, b) = pair(options).await;
    [a, b].map(|node| Arc::new(node.with_seats(seats, policy)))
}

/// A hundred logins on both nodes at once, and the most sessions that were open meanwhile.
async fn storm(nodes: &[Arc<Node>; 2]) -> (Vec<Result<Arc<Session>, EstablishError>>, usize) {
    let (over, most) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let watch = tokio::spawn({
        let (node, over, most) = (Arc::clone(&nodes[0]), Arc::clone(&over), Arc::clone(&most));
        async move {
            while !over.load(Ordering::SeqCst) {
                most.fetch_max(node.open().await.len(), Ordering::SeqCst);
            }
        }
    });
    let mut logins = JoinSet::new();
    for n in 0..100 {
        let node = Arc::clone(&nodes[n % 2]);
        logins.spawn(async move { node.use_license(&format!("user{n}")).await });
    }
    let logins = logins.join_all().await;
    over.store(true, Ordering::SeqCst);
    watch.await.unwrap();
    (logins, most.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_seats_hold_over_nodes_where_one_more_is_refused() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let nodes = two(&options, 3, LimitPolicy::Refuse).await;
    let (logins, most) = storm(&nodes).await;
    let opened: Vec<_> = logins.iter().flatten().collect();
    assert_eq!((opened.len(), most), (3, 3));
    for login in &logins {
        if let Err(refused) = login {
            let no_seat = matches!(refused, EstablishError::NoSeat { seats: 3, .. });
            assert!(no_seat, "{refused}");
        }
    }
    assert!(
        opened.iter().all(|session| session.end().is_none()),
        "nobody had to go"
    );
    // A seat that is left on one node is free on the other at once.
    for n in 0..6 {
        let open = nodes[0].open().await;
        let (leaves, takes) = (&nodes[n % 2], &nodes[(n + 1) % 2]);
        let _ = leaves.end(&open[0]).await;
        takes.use_license("next").await.unwrap();
        assert!(leaves.use_license("one more").await.is_err());
    }
    // Whoever has no license, or another one, is not counted.
    nodes[0].log_in("ann").await.unwrap();
    nodes[1].log_in("bob").await.unwrap();
    // All sessions of a user leave their seats.
    let cause = EndCause::terminated_by("ops");
    let ended = nodes[0].sessions.end_user(nodes[0].user("next"), &cause);
    assert_eq!(ended.await.unwrap().len(), 3);
    eventually("their seats are free", async || {
        nodes[1].use_license("carol").await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_seats_hold_over_nodes_where_the_oldest_makes_room() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    for seats in [1, 3] {
        let nodes = two(&fresh(&options), seats, LimitPolicy::EndOldest).await;
        let (logins, most) = storm(&nodes).await;
        let seats = usize::try_from(seats).unwrap();
        assert_eq!(most, seats);
        for login in logins {
            match login {
                // It may have made room again before it was told.
                Ok(_) | Err(EstablishError::EndedMeanwhile) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(nodes[0].open().await.len(), seats);
        // One after the other: a start is known to the millisecond.
        let mut last = Vec::new();
        for n in 0..=seats {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let login = nodes[n % 2].use_license(&format!("late{n}")).await;
            last.push(login.unwrap());
        }
        let open = nodes[0].open().await;
        let ids = |of: &[Arc<Session>]| of.iter().map(|s| s.id()).collect::<Vec<_>>();
        assert_eq!(ids(&open), ids(&last[1..]), "the oldest left");
        let (oldest, newest) = (&last[0], &last[seats]);
        let gone = nodes[1].sessions.get(nodes[1].space.id(), oldest.id());
        let reason = gone.await.unwrap().unwrap().end().map(|end| end.reason);
        assert_eq!(reason, Some(EndReason::Displaced));
        assert_eq!(nodes[0].worth(newest.digest()).await, Worth::Live);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_of_those_who_are_gone_are_found_free() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let policy = SessionPolicy {
        lifetime: Lifetime {
            idle: Duration::from_millis(700),
            absolute: Duration::from_secs(60),
        },
        limit: None,
    };
    let a = Node::with_policy(&options, policy).await;
    let b = Node::with_policy(&options, policy).await;
    let [a, b] = [a, b].map(|node| node.with_seats(2, LimitPolicy::Refuse));
    let first = a.use_license("ann").await.unwrap();
    // One that nobody takes off its seat: its node dies first.
    let claimed = a.use_license("bob").await.unwrap();
    let store = a.sessions.0.store.clone();
    let seats = store.shared().unwrap().seats().unwrap();
    let end = crate::domain::SessionEnd {
        at: a.sessions.clock().wall(),
        reason: EndReason::LoggedOut,
        by: None,
    };
    let _ = store
        .end(crate::store::Touch::last_of(&claimed), end)
        .await
        .unwrap();
    assert_eq!(seats.claim_seat(&first, 2).await.unwrap(), SeatClaim::Taken);
    let third = b.use_license("carol").await.unwrap();
    assert!(b.use_license("dave").await.is_err(), "both are taken");
    // Both idle out, and nobody has noticed.
    eventually("their time is up", async || {
        b.use_license("dave").await.is_ok()
    })
    .await;
    for session in [&first, &third] {
        eventually("idle", async || session.end().is_some()).await;
        assert_eq!(session.end().unwrap().reason, EndReason::Idle);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_had_the_license_before_it_was_limited_are_counted() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let (a, b) = pair(&options).await;
    for n in 0..5 {
        a.use_license(&format!("user{n}")).await.unwrap();
        a.log_in(&format!("other{n}")).await.unwrap();
    }
    let [a, b] = [a, b].map(|node| node.with_seats(7, LimitPolicy::Refuse));
    let one = a.use_license("first").await.unwrap();
    let store = a.sessions.0.store.clone();
    let seats = store.shared().unwrap().seats().unwrap();
    eventually("all are counted", async || {
        seats.seat_holders(&one, 0, 100).await.unwrap().seen == 6
    })
    .await;
    b.use_license("second").await.unwrap();
    assert!(a.use_license("third").await.is_err());
    assert!(b.use_license("third").await.is_err());
}

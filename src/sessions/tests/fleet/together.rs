//! Two nodes that both are well: what one does, the other knows.

use super::*;

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

//! Redis that dies, stops or refuses: nobody is logged out, and nothing that has ended lives on.

use super::*;

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

//! A node that Redis, or what Redis says, does not reach.

use super::*;

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

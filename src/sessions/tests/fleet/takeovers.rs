//! Other servers that take over.

use super::*;

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

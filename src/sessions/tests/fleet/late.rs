//! Answers that come late or not at all, and what another node knows.

use super::*;

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

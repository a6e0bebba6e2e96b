//! Two gateways on one Redis.

use crate::kit::house::header_space;
use crate::kit::redis::RedisServer;
use crate::kit::{PORTS, Served};

pub(super) fn config(redis: &RedisServer, node: &str, more: &str) -> String {
    format!(
        "{PORTS}[store]\nkind = \"redis\"\nflush_interval = \"100ms\"\n[store.redis]\n\
         nodes = [\"{}\"]\nnode = \"{node}\"\ntimeout = \"300ms\"\n{more}{}",
        redis.url(),
        header_space()
    )
}

/// Waits until `holds`; `what` says what does not.
pub(super) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let held = tokio::time::timeout(std::time::Duration::from_secs(20), wait).await;
    assert!(held.is_ok(), "never: {what}");
}

impl Served {
    async fn status_of(&self, cookie: &str) -> u16 {
        let answer = self.script().with("cookie", cookie).get("/echo").await;
        assert!(
            !answer.headers.contains_key("set-cookie"),
            "no cookie is touched: {:?}",
            answer.headers
        );
        answer.status
    }

    pub(super) async fn cookie_of(&self, user: &str) -> String {
        let answer = self.script().with("hdr-usr", user).get("/echo").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").split(';').next();
        cookie.unwrap().to_owned()
    }
}

#[tokio::test]
async fn s16_two_gateways_have_the_same_sessions() {
    let redis = RedisServer::start();
    let a = Served::with(&config(&redis, "a", "")).await;
    let b = Served::with(&config(&redis, "b", "")).await;
    let (ann, bob) = (a.cookie_of("ann").await, b.cookie_of("bob").await);
    for node in [&a, &b] {
        assert_eq!(node.status_of(&ann).await, 200);
        assert_eq!(node.status_of(&bob).await, 200);
        let mut users: Vec<_> = node.admin().sessions("1001").await;
        users.sort_by_key(|s| s["userId"].to_string());
        let users: Vec<_> = users
            .iter()
            .map(|s| s["userId"].as_str().unwrap())
            .collect();
        assert_eq!(users, ["ann", "bob"], "every node lists them all");
    }
    let of_bob = "/api/v1/spaces/1001/users/LAB/bob/sessions";
    let bobs = a.admin().get(of_bob).await.json(200);
    assert_eq!(bobs["sessions"][0]["userId"], "bob", "{bobs}");
    let sessions = b.admin().sessions("1001").await;
    let anns = sessions.iter().find(|s| s["userId"] == "ann").unwrap();
    b.admin().end("1001", anns).await;
    assert_eq!(b.status_of(&ann).await, 401);
    eventually("the other gateway refuses it", async || {
        a.status_of(&ann).await == 401
    })
    .await;
    assert_eq!(a.status_of(&bob).await, 200);
}

#[tokio::test]
async fn s15_a_gateway_goes_on_when_redis_comes_back() {
    // By default Redis writes a little later than it acknowledges.
    let mut redis = RedisServer::start_with(&["--appendfsync", "always"]);
    let a = Served::with(&config(&redis, "a", "")).await;
    let b = Served::with(&config(
        &redis,
        "b",
        "on_outage = \"serve-cached\"\nserve_cached_for = \"1h\"\n",
    ))
    .await;
    let ann = a.cookie_of("ann").await;
    assert_eq!(b.status_of(&ann).await, 200);
    redis.kill();
    eventually("closed", async || a.status_of(&ann).await == 503).await;
    assert_eq!(b.status_of(&ann).await, 200, "cached sessions are served");
    let login = b.script().with("hdr-usr", "new").get("/echo").await;
    assert_eq!(login.status, 503, "{}", login.text());
    for node in [&a, &b] {
        eventually("readiness tells", async || {
            let ready = node.admin().get("/health/ready").await;
            ready.status == 503 && ready.text().contains("Redis is not reached")
        })
        .await;
        let metrics = node.admin().get("/metrics").await;
        let metrics = metrics.text();
        assert!(metrics.contains("gatepass_store_reached 0"), "{metrics}");
    }
    redis.launch();
    eventually("open again", async || a.status_of(&ann).await == 200).await;
    for node in [&a, &b] {
        eventually("ready again", async || {
            node.admin().get("/health/ready").await.status == 200
        })
        .await;
    }
    b.cookie_of("new").await;
}

#[tokio::test]
async fn s11_a_killed_gateway_leaves_its_sessions_to_the_others() {
    let redis = RedisServer::start();
    let mut a = Served::with(&config(&redis, "a", "")).await;
    let b = Served::with(&config(&redis, "b", "")).await;
    let ann = a.cookie_of("ann").await;
    a.die().await;
    assert_eq!(b.status_of(&ann).await, 200);
    assert_eq!(a.status_of(&ann).await, 200);
}

#[tokio::test]
async fn s19_a_rules_idle_time_counts_what_happens_on_every_node() {
    let redis = RedisServer::start();
    let rule = "[[space.access]]\npath = \"/echo\"\nidle_timeout = \"1s\"\n";
    let config = |node| format!("{}{rule}", config(&redis, node, ""));
    let a = Served::with(&config("a")).await;
    let b = Served::with(&config("b")).await;
    let ann = a.cookie_of("ann").await;
    assert_eq!(b.status_of(&ann).await, 200);
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(1500) {
        assert_eq!(b.status_of(&ann).await, 200);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // Here it was idle for longer than the rule allows.
    assert_eq!(a.status_of(&ann).await, 200);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(a.status_of(&ann).await, 401);
    assert_eq!(b.status_of(&ann).await, 401);
}

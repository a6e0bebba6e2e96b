//! A client that brings a bearer token each time has one session: after a restart, and whichever
//! gateway a load balancer sends it to.

use serde_json::Value;
use tokio::task::JoinSet;

use super::redis::config as on_redis;
use crate::kit::redis::RedisServer;
use crate::kit::tokens::{JWT, token};
use crate::kit::{PORTS, Script, Served, eventually};

impl Served {
    fn bearer(&self, token: &str) -> Script {
        self.script().bearer(token)
    }

    async fn open_ids(&self) -> Vec<Value> {
        let sessions = self.admin().sessions("1002").await;
        let ids = sessions.iter().map(|session| session["sessionId"].clone());
        ids.collect()
    }
}

#[tokio::test]
async fn s11_a_bearer_token_goes_on_with_its_session_after_kill_9() {
    let mut served = Served::with(&format!("{PORTS}{JWT}")).await;
    let (carol, dave) = (token("carol"), token("dave"));
    for token in [&carol, &dave] {
        let answer = served.bearer(token).get("/jwt/echo").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let sessions = served.admin().sessions("1002").await;
    let of = |user: &str| {
        let mut all = sessions.iter();
        all.find(|s| s["userId"] == user).unwrap().clone()
    };
    served.admin().end("1002", &of("dave")).await;
    served.die().await;
    let answer = served.bearer(&carol).get("/jwt/echo").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(served.open_ids().await, [of("carol")["sessionId"].clone()]);
    // What had ended is opened by nothing: the token opens another session.
    let answer = served.bearer(&dave).get("/jwt/echo").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let ids = served.open_ids().await;
    assert_eq!(ids.len(), 2);
    assert!(!ids.contains(&of("dave")["sessionId"]));
}

#[tokio::test]
async fn two_gateways_give_a_bearer_token_one_session() {
    let redis = RedisServer::start();
    let a = Served::with(&(on_redis(&redis, "a", "") + JWT)).await;
    let b = Served::with(&(on_redis(&redis, "b", "") + JWT)).await;
    let token = token("carol");
    for n in 0..20 {
        let node = if n % 2 == 0 { &a } else { &b };
        let answer = node.bearer(&token).get("/jwt/echo").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers.contains_key("set-cookie"), n == 0);
    }
    let first = a.open_ids().await;
    assert_eq!(first.len(), 1);
    assert_eq!(b.open_ids().await, first);
    // Ended on one, it goes on nowhere; the token opens one other session on both.
    let session = a.admin().session("1002").await;
    a.admin().end("1002", &session).await;
    eventually(async || {
        let answer = b.bearer(&token).get("/jwt/echo").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let open = b.open_ids().await;
        (!open.is_empty() && open != first).then_some(())
    })
    .await;
    let second = b.open_ids().await;
    assert_eq!(a.bearer(&token).get("/jwt/echo").await.status, 200);
    assert_eq!(second.len(), 1);
    assert_eq!(a.open_ids().await, second);
}

#[tokio::test]
async fn a_hundred_first_requests_to_two_gateways_open_one_session() {
    let redis = RedisServer::start();
    let a = Served::with(&(on_redis(&redis, "a", "") + JWT)).await;
    let b = Served::with(&(on_redis(&redis, "b", "") + JWT)).await;
    for user in ["carol", "dave", "erin"] {
        let token = token(user);
        let mut requests = JoinSet::new();
        for n in 0..100 {
            let node = if n % 2 == 0 { &a } else { &b };
            let script = node.bearer(&token);
            requests.spawn(async move { script.get("/jwt/echo").await });
        }
        let mut cookies = 0;
        for answer in requests.join_all().await {
            assert_eq!(answer.status, 200, "{}", answer.text());
            cookies += usize::from(answer.headers.contains_key("set-cookie"));
        }
        assert_eq!(cookies, 1, "one of them opened it");
    }
    assert_eq!(a.open_ids().await.len(), 3);
    let ended = "/api/v1/spaces/1002/sessions?state=ended";
    let ended = a.admin().get(ended).await.json(200);
    assert_eq!(ended["sessions"].as_array().unwrap().len(), 0);
}

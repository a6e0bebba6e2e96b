//! The nodes of a fleet: who is listed, who may join, and whose keys are published.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use crate::kit::house::header_space;
use crate::kit::redis::RedisServer;
use crate::kit::{House, LOCAL, PORTS, Served, eventually, soon};

fn config(redis: &RedisServer, node: &str, space: &str) -> String {
    format!(
        "{PORTS}[store]\nkind = \"redis\"\n[store.redis]\nnodes = [\"{}\"]\n{node}{space}",
        redis.url()
    )
}

fn named(redis: &RedisServer, node: &str) -> String {
    config(redis, &format!("node = \"{node}\"\n"), &header_space())
}

async fn nodes(admin: &crate::kit::Admin) -> Vec<Value> {
    let list = admin.get("/api/v1/nodes").await.json(200);
    list["nodes"].as_array().unwrap().clone()
}

fn names(nodes: &[Value]) -> Vec<&str> {
    nodes.iter().map(|n| n["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_node_lists_all_of_them() {
    let redis = RedisServer::start();
    let a = House::with(&named(&redis, "a")).await;
    let b = House::with(&named(&redis, "b")).await;
    a.script_of("ann").get("/x").await.says(200, "GET /x");
    let seen = eventually(|| async {
        let list = nodes(&b.admin()).await;
        let told = list.first().is_some_and(|a| a["openedSessions"] == 1);
        (told && list.len() == 2).then_some(list)
    })
    .await;
    assert_eq!(names(&seen), ["a", "b"]);
    let node = &seen[0];
    for (member, value) in [
        ("version", Value::from(env!("CARGO_PKG_VERSION"))),
        ("edges", vec![a.edge().to_string()].into()),
        ("status", "ready".into()),
        ("openSessions", 1.into()),
        ("answering", false.into()),
        ("nameTaken", false.into()),
        ("lagChanges", 0.into()),
    ] {
        assert_eq!(node[member], value, "{member}");
    }
    assert!(node["lagMillis"].as_u64().unwrap() < 2_000, "{node}");
    assert_eq!(node["assertionKey"]["crv"], "P-256");
    assert_eq!(
        (&seen[1]["answering"], &seen[1]["openSessions"]),
        (&true.into(), &0.into())
    );
    let metrics = eventually(|| async {
        let metrics = a.admin().get("/metrics").await;
        let both = metrics.text().contains("gatepass_nodes_seen 2\n");
        both.then_some(metrics)
    })
    .await;
    for line in [
        "gatepass_store_changes_behind 0\n",
        "gatepass_node_name_taken 0\n",
    ] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    // Who stops is gone at once.
    let House { gateway, .. } = a;
    let _ = gateway.shut_down().await;
    assert_eq!(names(&nodes(&b.admin()).await), ["b"]);
}

#[tokio::test]
async fn without_a_shared_store_there_is_one_node() {
    let house = House::header("").await;
    let list = nodes(&house.admin()).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["answering"], true);
    assert_eq!(list[0]["status"], "ready");
    assert_eq!(list[0]["lagMillis"], 0);
    assert_eq!(list[0]["edges"][0], house.edge().to_string());
}

#[tokio::test]
async fn a_name_is_one_nodes_and_free_again_after_it() {
    let redis = RedisServer::start();
    let a = House::with(&named(&redis, "a")).await;
    let options = a.read(&named(&redis, "a")).unwrap().options;
    let refused = soon(gatepass::app::Gateway::start(options.clone())).await;
    let message = refused.err().map(|error| error.to_string()).unwrap();
    assert!(
        message.contains("the node name `a` is that of a gateway that runs"),
        "{message}"
    );
    assert!(message.contains(&a.edge().to_string()), "{message}");
    assert!(message.contains("[store.redis] node"), "{message}");
    assert_eq!(nodes(&a.admin()).await.len(), 1);
    let House { gateway, .. } = a;
    let _ = gateway.shut_down().await;
    let next = soon(gatepass::app::Gateway::start(options)).await.unwrap();
    let _ = next.shut_down().await;
    // Without a name, gateways on one host have different ones.
    let c = House::with(&config(&redis, "", &header_space())).await;
    let d = House::with(&config(&redis, "", &header_space())).await;
    let list = nodes(&d.admin()).await;
    assert_eq!(list.len(), 2, "{list:?}");
    assert_ne!(list[0]["name"], list[1]["name"]);
    drop(c);
}

#[tokio::test]
async fn s11_a_killed_node_has_its_name_back_soon_and_is_forgotten() {
    let redis = RedisServer::start();
    let mut a = Served::with(&named(&redis, "a")).await;
    let b = Served::with(&named(&redis, "b")).await;
    let first = nodes(&a.admin()).await[0]["instanceId"].clone();
    a.die().await;
    let list = nodes(&a.admin()).await;
    let own = list.iter().find(|node| node["answering"] == true).unwrap();
    assert_eq!(own["name"], "a");
    assert_ne!(own["instanceId"], first);
    // The record of the one that was killed runs out.
    eventually(|| async { (nodes(&b.admin()).await.len() == 2).then_some(()) }).await;
}

#[tokio::test]
async fn two_nodes_of_one_name_are_told_of() {
    let redis = RedisServer::start();
    let a = House::with(&named(&redis, "a")).await;
    let first = nodes(&a.admin()).await[0]["instanceId"].clone();
    // As after an outage in which the name ran out and another came.
    let record = r#"{"name":"a","instance":"other","edges":["192.0.2.1:443"],"later":1}"#;
    redis.command(&["SET", "{gatepass/nodes}:i:other", record, "PX", "10000"]);
    let now = "99999999999999";
    redis.command(&["ZADD", "{gatepass/nodes}:all", now, "other"]);
    let both = eventually(|| async {
        let list = nodes(&a.admin()).await;
        (list.len() == 2).then_some(list)
    })
    .await;
    assert!(
        both.iter().all(|node| node["nameTaken"] == true),
        "{both:?}"
    );
    assert!(both.iter().any(|node| node["instanceId"] == first));
    eventually(|| async {
        let metrics = a.admin().get("/metrics").await;
        let told = metrics.text().contains("gatepass_node_name_taken 1\n");
        told.then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_assertion_of_one_node_is_verified_with_the_keys_of_another() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let redis = RedisServer::start();
    let a = House::with(&config(&redis, "node = \"a\"\n", LOCAL)).await;
    let b = House::with(&config(&redis, "node = \"b\"\n", LOCAL)).await;
    let jwks = |house: &House| {
        let script = house.script();
        async move { script.get("/.gatepass/jwks.json").await.json(200) }
    };
    // Who has come last is published by the others before it takes a request.
    let pairs = [(&b, &a), (&a, &b)];
    for (signer, other) in pairs {
        let mut browser = signer.browser();
        let page = browser.log_in("/", "alice", "demo-password").await;
        page.says(200, "GET /");
        let seen = signer.upstream.last();
        let assertion = seen.header("x-gatepass-assertion").unwrap();
        let kid = jsonwebtoken::decode_header(assertion).unwrap().kid.unwrap();
        let set = jwks(other).await;
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "{set}");
        let of_signer = keys.iter().find(|key| key["kid"] == *kid).unwrap();
        assert_ne!(keys[0]["kid"], *kid, "the own key comes first");
        let text = |name: &str| of_signer[name].as_str().unwrap();
        let key = DecodingKey::from_ec_components(text("x"), text("y")).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["sales"]);
        let claims = decode::<Value>(assertion, &key, &rules).unwrap().claims;
        assert_eq!(claims["sub"], "alice");
    }
    // What a node signed is good for a while after it has gone.
    let House { gateway, .. } = a;
    let _ = gateway.shut_down().await;
    eventually(|| async { (nodes(&b.admin()).await.len() == 1).then_some(()) }).await;
    let left = jwks(&b).await;
    assert_eq!(left["keys"].as_array().unwrap().len(), 2, "{left}");
}

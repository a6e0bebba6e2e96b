//! The table `store.redis`.

use std::path::Path;
use std::time::Duration;

use super::{SPACE, check, errors_of, load};
use crate::app::options::StoreKind;
use crate::store::redis::{OnOutage, RedisMode};

#[test]
fn every_key_is_taken() {
    let text = format!(
        r#"[store]
kind = "redis"
[store.redis]
mode = "sentinel"
nodes = ["redis://a:26379", "redis://b"]
master_name = "sessions"
username = "gp"
password_file = "redis.password"
sentinel_username = "watcher"
namespace = "prod.eu"
node = "gw-1"
timeout = "300ms"
on_outage = "serve-cached"
{SPACE}"#
    );
    let store = load(&text, &["redis.password"]).options.store;
    assert_eq!(store.kind, StoreKind::Redis);
    let read = |path: &Path| Ok::<_, ()>(format!("secret of {}\n", path.display()));
    let redis = store.redis.with_files("a", read).unwrap();
    assert!(
        redis
            .password
            .as_ref()
            .is_some_and(|p| p.ends_with("redis.password"))
    );
    assert_eq!(redis.sentinel_username.as_deref(), Some("watcher"));
    let master = "sessions".to_owned();
    assert_eq!(redis.mode, RedisMode::Sentinel { master });
    assert_eq!(redis.nodes, ["redis://a:26379", "redis://b"]);
    assert_eq!(redis.timeout, Duration::from_millis(300));
    assert_eq!(
        redis.on_outage,
        OnOutage::ServeCached(Duration::from_secs(30))
    );
    assert_eq!((&*redis.namespace, &*redis.node), ("prod.eu", "a"));
    assert_eq!(store.redis.node.as_deref(), Some("gw-1"));
    assert!(!format!("{redis:?}").contains("secret"), "{redis:?}");
}

#[test]
fn s20_an_address_with_a_password_in_it() {
    check(
        r##"[store]
kind = "redis"
[store.redis]
nodes = ["redis://:secret@127.0.0.1"]
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: bad value for `store.redis.nodes.0`
 --> $DIR/gatepass.toml:4:10
  |
4 | nodes = ["redis://:secret@127.0.0.1"]
  |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^ it has credentials in it
  |
  = note: allowed: `username` and `password_file`
"##,
    );
}

#[test]
fn s41_nodes_with_tls_and_without() {
    check(
        r##"[store]
kind = "redis"
[store.redis]
mode = "sentinel"
master_name = "sessions"
nodes = ["rediss://a:26379", "redis://b:26379"]
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: bad value for `store.redis.nodes.1`
 --> $DIR/gatepass.toml:6:30
  |
6 | nodes = ["rediss://a:26379", "redis://b:26379"]
  |                              ^^^^^^^^^^^^^^^^^ some nodes are reached with TLS and some without
  |
  = note: allowed: `rediss://host:port` for all of them, or `redis://host:port` for all
"##,
    );
}

#[test]
fn s41_options_of_another_store_are_refused() {
    for (kind, key, reason) in [
        ("", "redis", "sessions are in a file"),
        ("kind = \"file\"", "redis", "sessions are in a file"),
        ("kind = \"memory\"", "redis", "written nowhere"),
        ("kind = \"memory\"", "flush_interval", "written nowhere"),
        ("kind = \"memory\"", "path", "written nowhere"),
        ("kind = \"redis\"", "path", "sessions are in Redis"),
    ] {
        let set = match key {
            "redis" => "[store.redis]\nnamespace = \"gp\"",
            "flush_interval" => "flush_interval = \"1s\"",
            _ => "path = \"x.redb\"",
        };
        let errors = errors_of(&format!("[store]\n{kind}\n{set}\n{SPACE}"), &[]);
        assert!(
            errors.starts_with(&format!("error: unused option `store.{key}`")),
            "{errors}"
        );
        assert!(errors.contains(reason), "{errors}");
        assert_eq!(errors.matches("error:").count(), 1, "{errors}");
    }
}

#[test]
fn s41_options_of_another_redis_are_refused() {
    for (set, expected) in [
        (
            "master_name = \"m\"",
            "unused option `store.redis.master_name`",
        ),
        (
            "serve_cached_for = \"1m\"",
            "unused option `store.redis.serve_cached_for`",
        ),
    ] {
        let text = format!("[store]\nkind = \"redis\"\n[store.redis]\n{set}\n{SPACE}");
        let errors = errors_of(&text, &[]);
        assert!(
            errors.starts_with(&format!("error: {expected}")),
            "{errors}"
        );
        assert_eq!(errors.matches("error:").count(), 1, "{errors}");
    }
}

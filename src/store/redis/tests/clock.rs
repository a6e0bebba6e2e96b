//! A server whose clock is set while nodes go by it.

use std::time::Duration;

use super::server::RedisServer;
use super::{connect, fresh};
use crate::domain::ManualClock;
use crate::store::Retention;
use crate::store::redis::{RedisOptions, RedisStore};

/// To a node whose own clock goes on by `by` in no time, the server's is set back by as much.
async fn see_step_back(node: &RedisStore, clock: &ManualClock, by: Duration) {
    clock.advance(by);
    let connection = node.link().connection().unwrap();
    node.link().read_time(connection).await.unwrap();
}

#[tokio::test]
async fn s19_nodes_go_on_when_the_servers_clock_is_set() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let clock = ManualClock::new();
    let a = connect(&options, clock.clone(), Retention::default()).await;
    let before = a.time().now();
    let hour = Duration::from_secs(3600);
    see_step_back(&a, &clock, hour).await;
    let went_by = a.time().now() - before;
    assert!((3_595_000..3_605_000).contains(&went_by), "{went_by} ms");
    // Whoever comes now, or comes back, has the time that the others have.
    let b = connect(&options, ManualClock::new(), Retention::default()).await;
    let apart = b.time().now().abs_diff(a.time().now());
    assert!(apart < 10_000, "{apart} ms apart");
    // A second step, which the first node takes for the others' word.
    see_step_back(&a, &clock, Duration::from_secs(60)).await;
    let apart = b.time().now().abs_diff(a.time().now());
    assert!(apart < 10_000, "{apart} ms apart");
}

//! The store on real servers.

mod bounds;
#[allow(dead_code, reason = "tests of whole gateways use the rest of it")]
pub(crate) mod cable;
mod clock;
pub(crate) mod fleet;
mod lifetimes;
mod secret;
pub(crate) mod server;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{RedisMode, RedisOptions, RedisStore};
use crate::domain::{ManualClock, Spaces};
use crate::store::{Retention, contract};
use fleet::{Cluster, Watched};
use server::RedisServer;

/// A namespace that no other test has.
pub(crate) fn fresh(options: &RedisOptions) -> RedisOptions {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RedisOptions {
        namespace: format!("test{number}"),
        ..options.clone()
    }
}

impl Cluster {
    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions {
            mode: RedisMode::Cluster,
            nodes: self.servers.iter().map(RedisServer::url).collect(),
            ..RedisOptions::single("")
        }
    }
}

impl Watched {
    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions {
            mode: RedisMode::Sentinel {
                master: "sessions".to_owned(),
            },
            nodes: self.sentinels.iter().map(RedisServer::url).collect(),
            ..RedisOptions::single("")
        }
    }
}

async fn connect(options: &RedisOptions, clock: ManualClock, retention: Retention) -> RedisStore {
    let options = RedisOptions {
        // The test's clock goes another way than the server's.
        clock_check: Duration::from_secs(3600),
        ..options.clone()
    };
    let connected = RedisStore::connect(options, retention, Spaces::new(), Arc::new(clock));
    connected.await.unwrap()
}

/// Runs the contract on the servers of `options`, in namespaces that no other test has.
async fn fulfils_the_contract(options: &RedisOptions) {
    let all = fresh(options).namespace;
    contract::check(async |clock, retention, place| {
        let options = RedisOptions {
            namespace: format!("{all}.{place}"),
            ..options.clone()
        };
        connect(&options, clock, retention).await
    })
    .await;
}

#[tokio::test]
async fn one_server_fulfils_the_contract() {
    let server = RedisServer::start();
    let options = RedisOptions::single(server.url());
    fulfils_the_contract(&options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_fulfils_the_contract() {
    let cluster = Cluster::start().await;
    let options = cluster.options();
    fulfils_the_contract(&options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_with_sentinels_fulfils_the_contract() {
    let watched = Watched::start().await;
    let options = watched.options();
    fulfils_the_contract(&options).await;
}

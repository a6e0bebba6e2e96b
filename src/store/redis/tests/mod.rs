//! The store on real servers.

mod bounds;
pub(crate) mod cable;
pub(crate) mod fleet;
pub(crate) mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{RedisOptions, RedisStore};
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

async fn connect(options: &RedisOptions, clock: ManualClock, retention: Retention) -> RedisStore {
    let connected = RedisStore::connect(options.clone(), retention, Spaces::new(), Arc::new(clock));
    connected.await.unwrap()
}

#[tokio::test]
async fn one_server_fulfils_the_contract() {
    let server = RedisServer::start();
    let options = RedisOptions::single(server.url());
    contract::check(async |clock, retention| connect(&fresh(&options), clock, retention).await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_fulfils_the_contract() {
    let cluster = Cluster::start().await;
    let options = cluster.options();
    contract::check(async |clock, retention| connect(&fresh(&options), clock, retention).await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_with_sentinels_fulfils_the_contract() {
    let watched = Watched::start().await;
    let options = watched.options();
    contract::check(async |clock, retention| connect(&fresh(&options), clock, retention).await)
        .await;
}

#[tokio::test]
async fn a_server_with_tls_and_a_user_fulfils_the_contract() {
    let files = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let (pem, key) = (path("server.pem"), path("server.key"));
    std::fs::write(&pem, certificate.cert.pem()).unwrap();
    std::fs::write(&key, certificate.signing_key.serialize_pem()).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let server = RedisServer::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &pem,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &pem,
        "--tls-auth-clients",
        "no",
    ]);
    let user = [
        "ACL",
        "SETUSER",
        "gp",
        "on",
        ">pw",
        "~*",
        "&*",
        "+@all",
        "-@dangerous",
        "-keys",
    ];
    assert_eq!(server.command(&user), "+OK");
    let options = RedisOptions {
        username: Some("gp".to_owned()),
        password: Some("pw".to_owned()),
        authorities: Some(certificate.cert.pem().into_bytes()),
        ..RedisOptions::single(format!("rediss://127.0.0.1:{port}"))
    };
    contract::check(async |clock, retention| connect(&fresh(&options), clock, retention).await)
        .await;
    // Whoever is not vouched for is not spoken to.
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let strange = RedisOptions {
        authorities: Some(other.cert.pem().into_bytes()),
        ..options
    };
    let refused = RedisStore::connect(
        strange,
        Retention::default(),
        Spaces::new(),
        Arc::new(ManualClock::new()),
    );
    assert!(refused.await.is_err());
}

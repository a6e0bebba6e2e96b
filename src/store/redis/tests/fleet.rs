//! Several servers: a cluster, and a master with replicas and sentinels.

use std::process::Command;
use std::time::Duration;

use super::server::RedisServer;

/// Three masters with a replica each.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<RedisServer>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let server = |_| RedisServer::start_with(&CLUSTER);
        let servers: Vec<_> = (0..6).map(server).collect();
        let addresses = servers.iter().map(|s| format!("127.0.0.1:{}", s.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let this = Self { servers };
        for server in &this.servers {
            wait_for(async || {
                let info = server.text(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok")
                    && info.contains("cluster_slots_ok:16384")
                    && is_in_step(server)
            })
            .await;
        }
        this
    }
}

const CLUSTER: [&str; 6] = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--cluster-config-file",
    "nodes.conf",
];

/// A master, two replicas, three sentinels.
pub(crate) struct Watched {
    pub(crate) servers: Vec<RedisServer>,
    pub(crate) sentinels: Vec<RedisServer>,
}

impl Watched {
    pub(crate) async fn start() -> Self {
        let master = RedisServer::start();
        let of = ["--replicaof", "127.0.0.1", &master.port.to_string()];
        let replicas = [RedisServer::start_with(&of), RedisServer::start_with(&of)];
        let mut servers = vec![master];
        servers.extend(replicas);
        let port = servers[0].port;
        let sentinels: Vec<_> = (0..3).map(|_| RedisServer::sentinel(port)).collect();
        let this = Self { servers, sentinels };
        for server in &this.servers {
            wait_for(async || is_in_step(server)).await;
        }
        for sentinel in &this.sentinels {
            wait_for(async || {
                let known = sentinel.text(&["SENTINEL", "MASTER", "sessions"]);
                let value = |key: &str| {
                    let mut lines = known.lines().skip_while(|line| *line != key);
                    lines.nth(1).map(str::to_owned)
                };
                value("num-slaves").as_deref() == Some("2")
                    && value("num-other-sentinels").as_deref() == Some("2")
            })
            .await;
        }
        this
    }
}

/// Whether it is a master with a replica that follows, or such a replica.
fn is_in_step(server: &RedisServer) -> bool {
    let info = server.text(&["INFO", "replication"]);
    info.contains("state=online") || info.contains("master_link_status:up")
}

async fn wait_for(holds: impl AsyncFn() -> bool) {
    for _ in 0..3000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the servers do not come together");
}

//! Servers that take over from each other: Sentinel and Cluster.

use std::process::Command;

use super::scene::{Pace, Plan, Scene};
use super::verdict::Verdict;
use super::witness::Policy;
use crate::kit::redis::{Cluster, RedisServer, Watched};

const BOTH: [usize; 2] = [0, 1];

/// The way to any of `servers`, with lines of its own.
fn plan(servers: &[RedisServer], more: &str) -> Plan {
    let nodes: Vec<_> = servers.iter().map(|s| format!("{:?}", s.url())).collect();
    let mut plan = Plan::single("");
    plan.way = plan.way.replace("\"\"", &nodes.join(", ")) + more;
    plan
}

fn sentinels(watched: &Watched) -> Plan {
    plan(
        &watched.sentinels,
        "mode = \"sentinel\"\nmaster_name = \"sessions\"\n",
    )
}

fn nodes(cluster: &Cluster) -> Plan {
    plan(&cluster.servers, "mode = \"cluster\"\n")
}

/// Waits until another server than `old` is the master.
async fn another_master(watched: &Watched, old: u16) {
    let waits = async {
        loop {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "sessions"];
            let said = watched.sentinels[0].text(&words);
            let port = said
                .lines()
                .nth(1)
                .and_then(|port| port.parse::<u16>().ok());
            if port.is_some_and(|port| port != old) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let limit = std::time::Duration::from_secs(60);
    tokio::time::timeout(limit, waits)
        .await
        .expect("a failover");
}

pub(super) async fn master_killed(policy: Policy, pace: Pace) -> Verdict {
    let mut watched = Watched::start().await;
    let plan = sentinels(&watched);
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins(&BOTH);
    let old = watched.servers[0].port;
    watched.servers[0].kill();
    another_master(&watched, old).await;
    scene.close("Sentinel: the master killed (`kill -9`)").await
}

pub(super) async fn failover(policy: Policy, pace: Pace) -> Verdict {
    let watched = Watched::start().await;
    let plan = sentinels(&watched);
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins(&BOTH);
    let old = watched.servers[0].port;
    let said = watched.sentinels[0].command(&["SENTINEL", "FAILOVER", "sessions"]);
    assert_eq!(said, "+OK");
    another_master(&watched, old).await;
    scene.close("Sentinel: `SENTINEL FAILOVER`").await
}

/// Redis's own: the master stops taking writes, its replica catches up and takes over.
pub(super) async fn handed_over(policy: Policy, pace: Pace) -> Verdict {
    let master = RedisServer::start();
    let of = ["--replicaof", "127.0.0.1", &master.port.to_string()];
    let replica = RedisServer::start_with(&of);
    let network = crate::kit::redis::Network::to(master.port).await;
    let info = |server: &RedisServer| server.text(&["INFO", "replication"]);
    let in_step = async || {
        while !info(&master).contains("state=online") {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    in_step().await;
    let plan = Plan::single(&network.url());
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins(&BOTH);
    assert_eq!(master.command(&["FAILOVER"]), "+OK");
    // The address of the master leads to the new one, for those who connect again.
    while !info(&replica).contains("role:master") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    network.lead_to(replica.port);
    scene
        .close("`FAILOVER`: the master hands over to its replica, and the address with it")
        .await
}

/// A master that may be the wrong one, cut off from those who know better: it takes no writes
/// any more, and is not believed.
pub(super) async fn alone(policy: Policy, pace: Pace) -> Verdict {
    let alone = ["--min-replicas-to-write", "1"];
    let master = RedisServer::start_with(&alone);
    let of = ["--replicaof", "127.0.0.1", &master.port.to_string()];
    let mut replica = RedisServer::start_with(&of);
    let plan = Plan::single(&master.url());
    while !master
        .text(&["INFO", "replication"])
        .contains("state=online")
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins(&BOTH);
    replica.kill();
    scene.lasts().await;
    replica.launch();
    scene
        .close("the only replica killed (`min-replicas-to-write 1`)")
        .await
}

pub(super) async fn cluster_master_killed(policy: Policy, pace: Pace) -> Verdict {
    let mut cluster = Cluster::start().await;
    let plan = nodes(&cluster);
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins(&BOTH);
    cluster.servers[0].kill();
    let whole = || {
        let info = cluster.servers[1].text(&["CLUSTER", "INFO"]);
        let nodes = cluster.servers[1].text(&["CLUSTER", "NODES"]);
        info.contains("cluster_state:ok") && nodes.contains("master,fail")
    };
    while !whole() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    scene.close("Cluster: a master killed (`kill -9`)").await
}

pub(super) async fn slots_move(policy: Policy, pace: Pace) -> Verdict {
    let cluster = Cluster::start().await;
    let plan = nodes(&cluster);
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins_gently(&BOTH);
    let id = |n: usize| {
        cluster.servers[n]
            .text(&["CLUSTER", "MYID"])
            .trim()
            .to_owned()
    };
    let (from, to) = (id(0), id(1));
    let address = format!("127.0.0.1:{}", cluster.servers[0].port);
    let mut reshard = Command::new("redis-cli");
    reshard
        .args(["--cluster", "reshard", &address, "--cluster-from", &from])
        .args(["--cluster-to", &to, "--cluster-slots", "4000"])
        .arg("--cluster-yes");
    let moved = reshard.output().unwrap();
    assert!(moved.status.success(), "{moved:?}");
    scene
        .close("Cluster: 4,000 slots move to another master")
        .await
}

//! One Redis server that fails, in the ways that servers fail.

use super::scene::{Pace, Plan, Scene};
use super::verdict::Verdict;
use super::witness::Policy;
use crate::kit::redis::RedisServer;

const BOTH: [usize; 2] = [0, 1];

async fn scene(redis: &RedisServer, policy: Policy, pace: Pace) -> Scene {
    let plan = Plan::single(&redis.url());
    Scene::open(&[plan.clone(), plan], policy, pace).await
}

/// A fault that begins and ends with a word to the server, and closes the doors meanwhile.
async fn told(
    fault: &str,
    (policy, pace): (Policy, Pace),
    begin: impl FnOnce(&RedisServer),
    end: impl FnOnce(&RedisServer),
) -> Verdict {
    let redis = RedisServer::start();
    let scene = scene(&redis, policy, pace).await;
    scene.begins(&BOTH);
    begin(&redis);
    scene.lasts().await;
    end(&redis);
    scene.close(fault).await
}

pub(super) async fn killed(policy: Policy, pace: Pace) -> Verdict {
    let mut redis = RedisServer::start_with(&["--appendfsync", "always"]);
    let scene = scene(&redis, policy, pace).await;
    scene.begins(&BOTH);
    redis.kill();
    scene.lasts().await;
    redis.launch();
    scene
        .close("Redis killed (`kill -9`), started again (`appendfsync always`)")
        .await
}

/// While the disk is busy with the last second, Redis answers and writes later: up to two
/// seconds of what it acknowledged are gone with the process.
pub(super) async fn killed_every_second(policy: Policy, pace: Pace) -> Verdict {
    let mut redis = RedisServer::start_with(&["--appendfsync", "everysec"]);
    let scene = scene(&redis, policy, pace).await;
    scene.begins(&BOTH);
    redis.kill();
    scene.lasts().await;
    redis.launch();
    scene
        .close("the same with `appendfsync everysec`, Redis's default")
        .await
}

pub(super) async fn stopped(policy: Policy, pace: Pace) -> Verdict {
    let redis = RedisServer::start();
    let scene = scene(&redis, policy, pace).await;
    scene.begins(&BOTH);
    redis.pause();
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    redis.resume();
    scene.close("Redis stopped for 10 s (`SIGSTOP`)").await
}

pub(super) async fn paused(policy: Policy, pace: Pace) -> Verdict {
    let time = pace.fault.as_millis().to_string();
    let pause = |redis: &RedisServer| drop(redis.command(&["CLIENT", "PAUSE", &time, "ALL"]));
    told("`CLIENT PAUSE`", (policy, pace), pause, |_| ()).await
}

/// Commands of a server that is full are refused; that is no reason to refuse a session.
pub(super) async fn full(policy: Policy, pace: Pace) -> Verdict {
    let redis = RedisServer::start();
    let scene = scene(&redis, policy, pace).await;
    scene.begins_gently(&BOTH);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    scene.lasts().await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    scene.close("`maxmemory` reached (`noeviction`)").await
}

pub(super) async fn read_only(policy: Policy, pace: Pace) -> Verdict {
    told(
        "the server turned replica (`READONLY`)",
        (policy, pace),
        |redis| drop(redis.command(&["REPLICAOF", "127.0.0.1", "1"])),
        |redis| drop(redis.command(&["REPLICAOF", "NO", "ONE"])),
    )
    .await
}

pub(super) async fn password(policy: Policy, pace: Pace) -> Verdict {
    told(
        "a password all of a sudden (`NOAUTH`)",
        (policy, pace),
        |redis| {
            redis.command(&["CONFIG", "SET", "requirepass", "secret"]);
            redis.command_as("secret", &["CLIENT", "KILL", "TYPE", "normal"]);
            redis.command_as("secret", &["CLIENT", "KILL", "TYPE", "pubsub"]);
        },
        |redis| drop(redis.command_as("secret", &["CONFIG", "SET", "requirepass", ""])),
    )
    .await
}

/// A user of the gateways' own, whom `begin` takes something from and `end` gives it back.
async fn user(
    fault: &str,
    (policy, pace): (Policy, Pace),
    begin: &[&[&str]],
    end: &[&str],
) -> Verdict {
    let redis = RedisServer::start();
    redis.command(&[
        "ACL", "SETUSER", "gatepass", "on", ">secret", "~*", "&*", "+@all",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("redis.password");
    std::fs::write(&password, "secret").unwrap();
    let mut plan = Plan::single(&redis.url());
    plan.way += &format!(
        "username = \"gatepass\"\npassword_file = \"{}\"\n",
        password.display()
    );
    let scene = Scene::open(&[plan.clone(), plan], policy, pace).await;
    scene.begins(&BOTH);
    for words in begin {
        redis.command(words);
    }
    scene.lasts().await;
    redis.command(end);
    scene.close(fault).await
}

pub(super) async fn user_off(policy: Policy, pace: Pace) -> Verdict {
    user(
        "the ACL user switched off, then on (`WRONGPASS`)",
        (policy, pace),
        &[
            &["ACL", "SETUSER", "gatepass", "off"],
            &["CLIENT", "KILL", "USER", "gatepass"],
        ],
        &["ACL", "SETUSER", "gatepass", "on"],
    )
    .await
}

pub(super) async fn user_barred(policy: Policy, pace: Pace) -> Verdict {
    user(
        "the ACL user's keys taken, then given back (`NOPERM`)",
        (policy, pace),
        &[&["ACL", "SETUSER", "gatepass", "resetkeys"]],
        &["ACL", "SETUSER", "gatepass", "~*"],
    )
    .await
}

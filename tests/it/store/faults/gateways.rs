//! Gateways that die, and gateways whose clocks are wrong.

use std::time::Duration;

use super::scene::{Pace, Plan, Scene};
use super::verdict::Verdict;
use super::witness::Policy;
use crate::kit::redis::RedisServer;

async fn scene(redis: &RedisServer, policy: Policy, pace: Pace) -> Scene {
    let plan = Plan::single(&redis.url());
    Scene::open(&[plan.clone(), plan], policy, pace).await
}

/// One of two dies in a storm of logins; the other one has all of its sessions.
pub(super) async fn one_killed(policy: Policy, pace: Pace) -> Verdict {
    let redis = RedisServer::start();
    let mut scene = scene(&redis, policy, pace).await;
    let before = scene.logins();
    scene.storm(true);
    tokio::time::sleep(pace.quiet).await;
    let rate = (scene.logins() - before) as f64 / pace.quiet.as_secs_f64();
    scene.begins_gently(&[0]);
    scene.kill(0).await;
    tokio::time::sleep(pace.quiet).await;
    scene.storm(false);
    scene.lasts().await;
    scene.start(0).await;
    let fault = format!("gateway a killed (`kill -9`) at {rate:.0} logins/s, started again");
    scene.close(&fault).await
}

pub(super) async fn all_killed(policy: Policy, pace: Pace) -> Verdict {
    let redis = RedisServer::start();
    let mut scene = scene(&redis, policy, pace).await;
    scene.begins_gently(&[0, 1]);
    scene.kill(0).await;
    scene.kill(1).await;
    tokio::time::sleep(pace.quiet).await;
    scene.start(0).await;
    scene.start(1).await;
    scene
        .close("all gateways killed (`kill -9`), started again")
        .await
}

/// It knows nothing of what was ended meanwhile, and goes on with what was asked of it.
pub(super) async fn stopped(policy: Policy, pace: Pace) -> Verdict {
    let redis = RedisServer::start();
    let scene = scene(&redis, policy, pace).await;
    scene.begins(&[0]);
    scene.nodes[0].process.signal("STOP").await;
    scene.lasts().await;
    scene.nodes[0].process.signal("CONT").await;
    scene
        .close("gateway a stopped (`SIGSTOP`), continued")
        .await
}

/// 12 minutes apart, where sessions end when nobody has used them for five.
pub(super) async fn clocks_apart(policy: Policy, pace: Pace) -> Verdict {
    let redis = RedisServer::start();
    let mut plan = Plan::single(&redis.url());
    plan.more = "[space.session]\nidle_timeout = \"5m\"\n".to_owned();
    let mut ahead = plan.clone();
    ahead.variables = faketime("+7m");
    let mut behind = plan;
    behind.variables = faketime("-5m");
    let scene = Scene::open(&[ahead, behind], policy, pace).await;
    scene.begins_gently(&[]);
    let apart = scene.apart().await;
    assert!(
        apart > Duration::from_secs(11 * 60),
        "the clocks are {apart:?} apart"
    );
    scene.lasts().await;
    scene
        .close("clocks of the gateways 12 minutes apart (idle timeout 5 minutes)")
        .await
}

/// Another wall clock, the same steady one.
fn faketime(offset: &'static str) -> Vec<(&'static str, &'static str)> {
    const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    assert!(
        std::path::Path::new(LIBRARY).exists(),
        "no libfaketime: run tests/redis/install"
    );
    vec![
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
}

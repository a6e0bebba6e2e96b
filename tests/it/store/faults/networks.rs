//! The network between one of two gateways and Redis.

use std::time::Duration;

use super::scene::{Pace, Plan, Scene};
use super::verdict::Verdict;
use super::witness::Policy;
use crate::kit::redis::{Cable, Lines, Network, RedisServer};

/// What the cable of the second gateway does for a while; whether that may close its doors.
async fn cable(
    fault: &str,
    (policy, pace): (Policy, Pace),
    (lines, cable): (Lines, Cable),
    closes: bool,
) -> Verdict {
    let redis = RedisServer::start();
    let network = Network::to(redis.port).await;
    let plans = [Plan::single(&redis.url()), Plan::single(&network.url())];
    let scene = Scene::open(&plans, policy, pace).await;
    if closes {
        scene.begins(&[1]);
    } else {
        scene.begins_gently(&[1]);
    }
    network.set_for(lines, cable);
    scene.lasts().await;
    network.set(Cable::Whole);
    scene.close(fault).await
}

pub(super) async fn delayed(policy: Policy, pace: Pace) -> Verdict {
    let time = Duration::from_millis;
    // What takes up to 0.6 s there and back is slow, and no outage.
    let what = (Lines::All, Cable::Delayed(time(50)..time(300)));
    let fault = "gateway b 50-300 ms from Redis, jittering";
    cable(fault, (policy, pace), what, false).await
}

pub(super) async fn cut(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::All, Cable::Cut);
    cable("gateway b cut from Redis", (policy, pace), what, true).await
}

pub(super) async fn silent(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::All, Cable::Silent);
    let fault = "gateway b and Redis: nothing arrives, and all of it late";
    cable(fault, (policy, pace), what, true).await
}

pub(super) async fn dropped(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::All, Cable::Dropped);
    let fault = "gateway b and Redis: bytes lost, nobody told";
    cable(fault, (policy, pace), what, true).await
}

pub(super) async fn one_way(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::All, Cable::OneWay);
    let fault = "gateway b to Redis one-way: no answers";
    cable(fault, (policy, pace), what, true).await
}

pub(super) async fn other_way(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::All, Cable::OtherWay);
    let fault = "gateway b to Redis one-way: no questions";
    cable(fault, (policy, pace), what, true).await
}

pub(super) async fn pushes_cut(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::Pushes, Cable::Cut);
    let fault = "change stream of gateway b: push connection cut";
    cable(fault, (policy, pace), what, false).await
}

pub(super) async fn pushes_dropped(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::Pushes, Cable::Dropped);
    let fault = "change stream of gateway b: pushes lost, nobody told";
    cable(fault, (policy, pace), what, false).await
}

pub(super) async fn commands_cut(policy: Policy, pace: Pace) -> Verdict {
    let what = (Lines::Commands, Cable::Cut);
    let fault = "gateway b: command connection cut, pushes arrive";
    cable(fault, (policy, pace), what, true).await
}

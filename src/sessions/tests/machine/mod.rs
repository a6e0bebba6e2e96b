//! Steps in any order on nodes that share a store, held against a model of what has to come of
//! them: at no time is a session accepted that ended longer ago than the bound, and no live one
//! is refused, whatever the network, the clocks and the nodes do.
//!
//! `PROPTEST_CASES` says how many cases are tried, instead of the few of a test run. What fails
//! is made small and printed, with the seed, by proptest.

mod actor;
mod reference;
mod step;
mod world;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use actor::Actor;
use step::Step;
use world::{Stage, World};

use crate::domain::random;
use crate::store::redis::tests::server::RedisServer;

/// Tries `cases`, or as many as the environment says, of at most `most` steps.
fn try_steps(
    cases: u32,
    step: impl Strategy<Value = Step>,
    most: usize,
    stage: impl Fn(Vec<Step>),
) {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = asked("PROPTEST_RNG_SEED");
    let seed = seed.unwrap_or_else(|| u64::from_ne_bytes(random::bytes()));
    let cases = asked("PROPTEST_CASES")
        .and_then(|cases| u32::try_from(cases).ok())
        .unwrap_or(cases);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 120_000,
        ..ProptestConfig::default()
    });
    let steps = prop::collection::vec(step, 5..most);
    let run = runner.run(&steps, |steps| {
        stage(steps);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}\nagain with PROPTEST_RNG_SEED={seed}"));
}

/// Goes through `steps` on `stage`, and looks at everything once more.
fn play(stage: Stage<'_>, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut actor = Actor::new(World::new(stage).await);
        for step in steps {
            actor.take(step).await;
        }
        actor.look_at_everything().await;
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

#[test]
fn what_has_ended_is_refused_and_what_has_not_is_not_in_memory() {
    try_steps(200, step::alone(), 60, |steps| play(Stage::Memory, steps));
}

#[test]
fn what_has_ended_is_refused_and_what_has_not_is_not_over_restarts_on_a_file() {
    try_steps(20, step::restarting(), 40, |steps| {
        play(Stage::File(&tempfile::tempdir().unwrap()), steps);
    });
}

#[test]
fn what_has_ended_is_refused_and_what_has_not_is_not_on_nodes_that_age() {
    let server = &RedisServer::start();
    let stage = || Stage::Redis { server, nodes: 3 };
    try_steps(16, step::restarting(), 30, |steps| play(stage(), steps));
}

#[test]
fn what_has_ended_is_refused_and_what_has_not_is_not_on_nodes_that_are_cut_off() {
    let server = &RedisServer::start();
    let stage = || Stage::Redis { server, nodes: 3 };
    try_steps(16, step::cut_off(), 30, |steps| play(stage(), steps));
}

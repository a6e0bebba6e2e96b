//! Properties of a running gateway: many cases against one house.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

use super::House;

/// Runs `test` with `cases` cases of `strategy`; a failing one is made smaller.
pub(crate) fn for_all<S: Strategy>(
    cases: u32,
    strategy: S,
    house: impl AsyncFnOnce() -> House,
    test: impl AsyncFn(&House, S::Value),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let house = runtime.block_on(house());
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::with_cases(cases)
    };
    let run = TestRunner::new(config).run(&strategy, |case| {
        runtime.block_on(test(&house, case));
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

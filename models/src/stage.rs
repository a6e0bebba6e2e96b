//! What every scenario needs.

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use crate::domain::{
    ClientInfo, Identity, LimitPolicy, Method, NewSession, SessionPolicy, UserLimit,
};
use crate::sessions::EndCause;

/// Orders that a scenario is tried in, if it needs no more and no fewer.
pub const ORDERS: usize = 4000;

/// Tries `scenario` in many `orders`: the same ones each time, unless `MODEL_SEED` says from
/// where to go; `MODEL_TIMES` as many. Half of them are any, half change the course seldom,
/// which finds what needs one to be late by far. A failure prints its order, for
/// `shuttle::replay`.
pub fn check(scenario: impl Fn() + Send + Sync + 'static, orders: usize) {
    let scenario = Arc::new(scenario);
    let (orders, seed) = (orders * number("MODEL_TIMES", 1), number("MODEL_SEED", 7));
    let mut config = Config::new();
    config.stack_size = 0x8_0000;
    config.silence_warnings = true;
    let (run, half) = (Arc::clone(&scenario), orders.div_ceil(2));
    let any = RandomScheduler::new_from_seed(seed as u64, half);
    Runner::new(any, config.clone()).run(move || run());
    let seldom = PctScheduler::new_from_seed(seed as u64, 4, half);
    Runner::new(seldom, config).run(move || scenario());
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A session of `user` that is to be.
#[must_use]
pub fn new_session(user: &str) -> NewSession {
    NewSession {
        identity: Arc::new(Identity::new("LAB", user).expect("a legal name")),
        method: Method::Custom,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    }
}

/// At most `max` sessions a user.
#[must_use]
pub fn limited(max: u32, policy: LimitPolicy) -> SessionPolicy {
    SessionPolicy {
        limit: Some(UserLimit { max, policy }),
        ..SessionPolicy::default()
    }
}

/// By an administrator.
#[must_use]
pub fn terminated() -> EndCause {
    EndCause::terminated_by("ops")
}

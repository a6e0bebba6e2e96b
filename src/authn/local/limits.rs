//! How often somebody may try.

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::{Clock, TokenDigest};

/// What logins may take. Whoever logs in once a day meets none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Attempts at one user in a row, from anywhere. 10.
    pub user_burst: u32,
    /// The time after which a user has one attempt more. 30 seconds.
    pub user_refill: Duration,
    /// Attempts by one address in a row; all addresses of an IPv6 /64 are one. 30.
    pub address_burst: u32,
    /// The time after which an address has one attempt more. 2 seconds.
    pub address_refill: Duration,
    /// Passwords that are hashed at the same time, each of which takes 19 MiB. 4.
    pub parallel_hashes: usize,
    /// How long an attempt waits for its turn before it is told to come back. 2 seconds.
    pub max_wait: Duration,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            user_burst: 10,
            user_refill: Duration::from_secs(30),
            address_burst: 30,
            address_refill: Duration::from_secs(2),
            parallel_hashes: 4,
            max_wait: Duration::from_secs(2),
        }
    }
}

/// Counts attempts by some key.
///
/// Forgets a key as soon as it has all its attempts back, so the number of keys is bounded by
/// the number of attempts within that time.
pub(super) struct Attempts<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, TickClock, NoOpMiddleware<Duration>>,
    clock: TickClock,
    since_sweep: AtomicU32,
}

/// The crate's clock, for the rate limiter.
#[derive(Clone)]
struct TickClock(Arc<dyn Clock>);

impl GovernorClock for TickClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.tick().as_millis())
    }
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    pub(super) fn new(burst: u32, refill: Duration, clock: Arc<dyn Clock>) -> Self {
        let clock = TickClock(clock);
        let quota = Quota::with_period(refill.max(Duration::from_millis(1)))
            .expect("the period is not zero")
            .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            clock,
            since_sweep: AtomicU32::new(0),
        }
    }

    /// Counts an attempt; says how long to wait when there is none left.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter
            .check_key(key)
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Keys that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Attempts<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").finish_non_exhaustive()
    }
}

/// The key of a user: a digest, as a name that somebody made up can be long.
pub(super) fn user_key(parts: &[&str]) -> TokenDigest {
    let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
    TokenDigest::of_parts(&parts)
}

/// The key of an address: itself, or its /64, which is what one customer has of IPv6.
pub(super) fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

const SWEEP_EVERY: u32 = 256;

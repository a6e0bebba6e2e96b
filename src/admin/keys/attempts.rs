//! How often an address may present a wrong key.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use dashmap::DashMap;

use crate::domain::Tick;

/// Failed attempts by address: after [`BURST`] in a row one more is allowed every
/// [`INTERVAL`].
///
/// The generic cell rate algorithm, by hand: only a *failure* may use up an allowance, so
/// "is one left?" is asked before the check and "use one" after it. The rate limiter of the
/// login page cannot ask without using.
#[derive(Debug, Default)]
pub(super) struct Attempts(DashMap<Source, Tick>);

/// Whom a failure is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    /// A /64, which is what one customer is given.
    V6([u8; 8]),
    /// Callers without an address, and those that come when the table is full.
    Others,
}

const BURST: u32 = 10;
const INTERVAL: Duration = Duration::from_secs(6);
const MAX_SOURCES: usize = 10_000;

impl Attempts {
    /// How long `from` has to wait before it may try again; `None` when it may now.
    pub(super) fn wait(&self, from: Option<IpAddr>, now: Tick) -> Option<Duration> {
        let due = self.0.get(&self.source(from)).map(|tick| *tick)?;
        let wait = due.since(now).saturating_sub(INTERVAL * (BURST - 1));
        (wait > Duration::ZERO).then_some(wait)
    }

    /// Charges a failure to `from`.
    pub(super) fn failed(&self, from: Option<IpAddr>, now: Tick) {
        if self.0.len() >= MAX_SOURCES {
            self.0.retain(|_, due| now < *due);
        }
        let source = self.source(from);
        let mut due = self.0.entry(source).or_insert(now);
        *due = (*due).max(now).after(INTERVAL);
    }

    fn source(&self, from: Option<IpAddr>) -> Source {
        let source = match from.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => Source::V4(ip.octets()),
            Some(IpAddr::V6(ip)) => Source::V6(network(ip)),
            None => Source::Others,
        };
        if self.0.len() >= MAX_SOURCES && !self.0.contains_key(&source) {
            return Source::Others;
        }
        source
    }
}

fn network(ip: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = ip.octets();
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_one_at_a_time() {
        let attempts = Attempts::default();
        let here = Some(IpAddr::from([10, 0, 0, 1]));
        let mapped = Some("::ffff:10.0.0.1".parse().unwrap());
        let now = Tick::from_millis(1_000_000);
        for _ in 0..BURST {
            assert_eq!(attempts.wait(here, now), None);
            attempts.failed(here, now);
        }
        assert_eq!(attempts.wait(here, now), Some(INTERVAL));
        assert_eq!(attempts.wait(mapped, now), Some(INTERVAL));
        assert_eq!(attempts.wait(None, now), None);
        let later = now.after(INTERVAL);
        assert_eq!(attempts.wait(here, later), None);
        attempts.failed(here, later);
        assert_eq!(attempts.wait(here, later), Some(INTERVAL));
        assert_eq!(attempts.wait(here, later.after(INTERVAL * BURST)), None);
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_the_table_is_bounded() {
        let attempts = Attempts::default();
        let now = Tick::from_millis(1_000_000);
        for host in 0..u16::try_from(BURST).unwrap() {
            let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, host);
            attempts.failed(Some(ip.into()), now);
        }
        let other = Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 9, 9, 9, 9);
        assert!(attempts.wait(Some(other.into()), now).is_some());
        for n in 0..u32::try_from(MAX_SOURCES).unwrap() + 100 {
            attempts.failed(Some(IpAddr::from(n.to_be_bytes())), now);
        }
        assert_eq!(attempts.0.len(), MAX_SOURCES + 1);
        assert!(attempts.wait(Some([9, 9, 9, 9].into()), now).is_some());
        attempts.failed(None, now.after(Duration::from_secs(3_600)));
        assert_eq!(attempts.0.len(), 1, "what is over is forgotten");
    }
}

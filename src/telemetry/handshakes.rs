//! Counts TLS handshakes.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// The TLS handshakes of one port, by how they went. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Handshakes {
    full: Counter,
    resumed: Counter,
    timed_out: Counter,
    failed: Counter,
}

/// The family of all ports.
pub(super) type Family2 = Family<[(&'static str, &'static str); 2], Counter>;

impl Handshakes {
    pub(super) fn new(family: &Family2, port: &'static str) -> Self {
        let counter = |result| {
            family
                .get_or_create(&[("port", port), ("result", result)])
                .clone()
        };
        Self {
            full: counter("full"),
            resumed: counter("resumed"),
            timed_out: counter("timed-out"),
            failed: counter("failed"),
        }
    }

    /// One led to a connection; an earlier session may have been resumed.
    pub fn done(&self, resumed: bool) {
        if resumed {
            self.resumed.inc();
        } else {
            self.full.inc();
        }
    }

    /// The client took too long.
    pub fn timed_out(&self) {
        self.timed_out.inc();
    }

    /// There was no agreement, or the client left.
    pub fn failed(&self) {
        self.failed.inc();
    }
}

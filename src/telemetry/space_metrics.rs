//! The counters of one space, resolved once.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::histogram::Durations;
use super::metrics::Families;
use crate::domain::{EndReason, Method, SpaceState};

/// How a request of a space went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It had a live session.
    Live,
    /// It was authenticated and opened or joined a session.
    Established,
    /// It was sent to log in.
    Challenged,
    /// Its credential was refused.
    Refused,
    /// Its session may not do this.
    Denied,
    /// Something failed here, not at the upstream.
    Error,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Live,
        Self::Established,
        Self::Challenged,
        Self::Refused,
        Self::Denied,
        Self::Error,
    ];

    /// As the label spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Established => "established",
            Self::Challenged => "challenged",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

/// The counters of one space. Ask [`Metrics::space`](super::Metrics::space) for it when the
/// space is set up and keep it: recording then looks nothing up.
#[derive(Debug)]
pub struct SpaceMetrics {
    state: Arc<SpaceState>,
    requests: [Counter; Outcome::ALL.len()],
    responses: [Counter; CLASSES.len()],
    durations: Durations,
    upgraded: Gauge,
    connect_errors: Counter,
    started: Counter,
    ended: [Counter; EndReason::ALL.len()],
    families: Arc<Families>,
}

/// Classes of upstream responses: the first digit of the status.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl SpaceMetrics {
    pub(super) fn new(families: &Arc<Families>, state: Arc<SpaceState>) -> Self {
        let space = state.id().as_str();
        let of = || [("space", space.to_owned())];
        let with = |name, value: &str| [("space", space.to_owned()), (name, value.to_owned())];
        Self {
            requests: Outcome::ALL.map(|outcome| {
                families
                    .requests
                    .get_or_create_owned(&with("outcome", outcome.as_str()))
            }),
            responses: CLASSES.map(|class| {
                families
                    .responses
                    .get_or_create_owned(&with("class", class))
            }),
            durations: families.durations.get_or_create_owned(&of()),
            upgraded: families.upgraded.get_or_create_owned(&of()),
            connect_errors: families.connect_errors.get_or_create_owned(&of()),
            started: families.started.get_or_create_owned(&of()),
            ended: EndReason::ALL.map(|reason| {
                families
                    .ended
                    .get_or_create_owned(&with("reason", reason.as_str()))
            }),
            families: Arc::clone(families),
            state,
        }
    }

    /// Counts a request.
    pub fn request(&self, outcome: Outcome) {
        self.requests[outcome as usize].inc();
    }

    /// Counts an upstream's response by its status; a number that is no status is not counted.
    pub fn response(&self, status: u16) {
        if let Some(counter) = usize::from(status / 100)
            .checked_sub(1)
            .and_then(|class| self.responses.get(class))
        {
            counter.inc();
        }
    }

    /// Notes how long a request took until its response's head was written.
    pub fn duration(&self, duration: Duration) {
        self.durations.observe(duration);
    }

    /// Counts an upgraded connection as open for as long as the answer is held.
    pub fn upgraded(&self) -> Upgraded {
        self.upgraded.inc();
        Upgraded(self.upgraded.clone())
    }

    /// Counts a connection to an upstream that could not be made.
    pub fn connect_error(&self) {
        self.connect_errors.inc();
    }

    /// Counts what came of an authentication: `result` is `authenticated` or a reason from a
    /// fixed set, never a text that a caller sent. Off the hot path: it looks up a label.
    pub fn authentication(&self, method: Method, result: &'static str) {
        let labels = [
            ("space", self.state.id().to_string()),
            ("method", method.as_str().to_owned()),
            ("result", result.to_owned()),
        ];
        self.families.authentications.get_or_create(&labels).inc();
    }

    /// Counts a session that started.
    pub fn session_started(&self) {
        self.started.inc();
    }

    /// Counts a session that ended.
    pub fn session_ended(&self, reason: EndReason) {
        self.ended[reason as usize].inc();
    }

    /// The space that is counted.
    #[must_use]
    pub const fn state(&self) -> &Arc<SpaceState> {
        &self.state
    }
}

/// An open upgraded connection; dropping it counts it as closed.
#[derive(Debug)]
#[must_use]
pub struct Upgraded(Gauge);

impl Drop for Upgraded {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_indexes_its_own_counter() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
        }
        for (index, reason) in EndReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}

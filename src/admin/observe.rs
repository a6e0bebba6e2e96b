//! Starts and ends of sessions, told to metrics and audit.

use std::sync::Arc;

use crate::domain::Session;
use crate::sessions::Observer;
use crate::telemetry::{Metrics, audit};

/// Counts every start and end of a session and writes it to the audit log.
#[derive(Clone, Debug)]
pub struct SessionObserver {
    metrics: Arc<Metrics>,
}

impl SessionObserver {
    /// Counts in `metrics`.
    #[must_use]
    pub const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

impl Observer for SessionObserver {
    fn started(&self, session: &Arc<Session>) {
        self.metrics.space(session.space()).session_started();
        audit::session_started(session);
    }

    fn ended(&self, session: &Arc<Session>) {
        if let Some(end) = session.end() {
            self.metrics
                .space(session.space())
                .session_ended(end.reason);
        }
        audit::session_ended(session);
    }
}

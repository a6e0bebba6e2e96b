//! How long ended sessions are kept.

use std::time::Duration;

/// For how long, and how many, ended sessions are kept to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long after its end a session can still be listed.
    pub time: Duration,
    /// At most so many ended sessions; the first to end is the first to go.
    pub max: usize,
}

impl Default for Retention {
    /// 30 days, 100,000 sessions.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30 * 86_400),
            max: 100_000,
        }
    }
}

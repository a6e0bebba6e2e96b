//! What the witness has seen of a fault, as a line of the table.

use std::fmt::{self, Write as _};
use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) served: u64,
    pub(super) refused: u64,
    /// Requests of open sessions that got 503; with `serve-cached`, of those that the node knew.
    pub(super) unavailable: u64,
    /// With `serve-cached`, requests of sessions that the node did not know.
    pub(super) unavailable_unknown: u64,
    pub(super) logins_unavailable: u64,
    pub(super) unanswered: u64,
    pub(super) unknown_logins: u64,
    pub(super) longest_503: Duration,
    pub(super) longest_login_503: Duration,
    pub(super) longest_silence: Duration,
    pub(super) longest_wait: Duration,
    pub(super) logins: u64,
    pub(super) ends: u64,
    pub(super) lost: u64,
    pub(super) wrongly_accepted: u64,
    pub(super) wrongly_refused: u64,
    /// How long after the acknowledgement of its end a session was last accepted.
    pub(super) latest_accepted: Duration,
}

/// What became of a fault.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) fault: String,
    pub(super) policy: &'static str,
    pub(super) counts: Counts,
    pub(super) violations: Vec<String>,
}

/// The head of the table.
pub(super) const HEAD: &str = "\
| fault | policy | what users saw | longest 503 span | acknowledged logins / ends | lost \
| wrongly accepted | wrongly refused | accepted after its end, at the latest |\n\
|---|---|---|--:|--:|--:|--:|--:|--:|";

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        write!(
            f,
            "| {} | {} | {} | {} | {} / {} | {} | {} | {} | {} |",
            self.fault,
            self.policy,
            counts.what_users_saw(),
            span(counts.longest_503.max(counts.longest_login_503)),
            counts.logins,
            counts.ends,
            counts.lost,
            counts.wrongly_accepted,
            counts.wrongly_refused,
            span(counts.latest_accepted),
        )
    }
}

impl Verdict {
    /// What is wrong.
    pub(super) fn complaints(&self) -> Vec<String> {
        let of = |what: &String| format!("{}, {}: {what}", self.fault, self.policy);
        self.violations.iter().map(of).collect()
    }
}

impl Counts {
    fn what_users_saw(&self) -> String {
        let mut saw = String::new();
        let mut also = |what: &str, longest: Duration| {
            let comma = if saw.is_empty() { "" } else { "; " };
            let _ = write!(saw, "{comma}{what}");
            if !longest.is_zero() {
                let _ = write!(saw, " for {}", span(longest));
            }
        };
        if self.unavailable > 0 {
            also("503", self.longest_503);
        }
        if self.unavailable_unknown > 0 {
            also("503 for sessions new to a gateway", Duration::ZERO);
        }
        if self.logins_unavailable > 0 {
            also("logins 503", self.longest_login_503);
        }
        if self.unanswered > 0 {
            also("a gateway away", self.longest_silence);
        }
        if self.longest_wait > Duration::from_millis(250) {
            also("waits up to", Duration::ZERO);
            let _ = write!(saw, " {}", span(self.longest_wait));
        }
        if saw.is_empty() {
            saw.push_str("nothing");
        }
        saw
    }
}

fn span(time: Duration) -> String {
    match time.as_millis() {
        0 => "-".to_owned(),
        millis @ 1..1000 => format!("{millis} ms"),
        millis => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
    }
}

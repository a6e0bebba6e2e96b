//! What the process tells about itself: metrics, audit events, logs, health.
//!
//! - [`Metrics`]: counters for a scrape, with a [`SpaceMetrics`] handle per space for the
//!   hot path: recording a request costs a few relaxed atomic additions.
//! - [`audit`]: who started, ended or touched what, through `tracing`, apart from the log.
//! - [`LogOptions`]: the log itself, for the binary.
//! - [`Health`]: whether the process wants requests.
//!
//! No label of a metric names a user or holds a secret, and no audit event holds a secret.

pub mod audit;
mod handshakes;
mod health;
mod histogram;
mod license_metrics;
mod log;
mod metrics;
mod space_metrics;
mod store_metrics;

pub use handshakes::Handshakes;
pub use health::{Health, Readiness, Reason};
pub use log::{LogError, LogFormat, LogGuard, LogOptions, dropped_lines};
pub use metrics::Metrics;
pub use space_metrics::{Outcome, SpaceMetrics, Upgraded};

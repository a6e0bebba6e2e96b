//! The wall clock, as the TLS library and X.509 tell time.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::domain::{Clock, Timestamp};

/// A [`Clock`] that validity is checked against.
#[derive(Clone, Debug)]
pub(super) struct Wall(Arc<dyn Clock>);

impl Wall {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.wall()
    }
}

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.now().unix_seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// A time as X.509 writes it, to the second.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(seconds.saturating_mul(1000))
}

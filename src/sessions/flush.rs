//! Telling the store, now and then, when sessions were last active.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Sessions;
use crate::domain::{DayPeak, LicensePeak, SpaceId, Tick};
use crate::store::{StoreError, Touch};

/// What the store was told of last.
#[derive(Debug)]
struct Told {
    /// Everything before this tick.
    until: Tick,
    /// How often the store had been lost by then.
    losses: u64,
    peaks: HashMap<(SpaceId, Option<Arc<str>>), DayPeak>,
}

/// Sessions that the store is told of at once.
const BATCH: usize = 4096;

/// A request may read the clock, and note the time it read a moment later.
const SLACK: Duration = Duration::from_millis(100);

/// A store that was lost may have lost what it was told for so long: longer than any failover
/// takes.
const UNSURE: Duration = Duration::from_secs(120);

impl Sessions {
    /// Tells the store every `interval` which sessions were active since, and the peaks of
    /// licenses, until `stop` is through; then once more. A store that ends with the process
    /// is told nothing.
    ///
    /// What is lost with the process is therefore at most `interval` of last activity. A
    /// failed flush is logged and made up for by the next.
    pub async fn run_flusher(self, interval: Duration, stop: impl Future<Output = ()>) {
        if !self.0.store.outlives_process() {
            return;
        }
        let mut told = Told {
            until: Tick::from_millis(0),
            losses: 0,
            peaks: HashMap::new(),
        };
        let mut stop = std::pin::pin!(stop);
        let mut ends = false;
        while !ends {
            ends = tokio::time::timeout(interval, stop.as_mut()).await.is_ok();
            if let Err(error) = self.flush(&mut told).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the store was not told which sessions were active, and will be"
                );
            }
        }
    }

    async fn flush(&self, told: &mut Told) -> Result<(), StoreError> {
        // What happens during the walk is told of next time.
        let now = self.0.clock.tick();
        let losses = self.0.store.state().losses;
        if losses != told.losses {
            told.until = told.until.before(UNSURE);
            told.losses = losses;
        }
        let mut touched = Vec::new();
        self.0.table.for_each(|session| {
            let active = session.last_active_tick();
            if active >= told.until && session.last_active() > session.started_at() {
                touched.push(Touch::last_of(session));
            }
        });
        for batch in touched.chunks(BATCH) {
            self.0.store.touch_many(batch).await?;
        }
        told.until = now.before(SLACK);
        let key = |peak: &LicensePeak| (peak.space.clone(), peak.license.clone());
        let mut peaks = self.licenses().peaks_now();
        peaks.retain(|peak| told.peaks.get(&key(peak)) != Some(&peak.day));
        if !peaks.is_empty() {
            self.0.store.put_peaks(&peaks).await?;
            told.peaks
                .extend(peaks.iter().map(|peak| (key(peak), peak.day)));
        }
        Ok(())
    }
}

//! Ending what is due without a request that finds it so.

use std::sync::Arc;
use std::time::Duration;

use super::end::Due;
use super::{EndCause, EndOutcome, Sessions};
use crate::domain::{EndReason, Liveness, Session, Tick};
use crate::store::StoreError;
use crate::sync::task;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions ended as idle or expired.
    pub ended: usize,
    /// Ended sessions forgotten after their retention.
    pub purged: usize,
}

/// Between two looks at the sessions that somebody notices the end of, at most and at least.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(100));

/// After this time, a session that is due and that nobody ended is one of a process that is no
/// more. Long enough for every process to tell when its sessions were last active.
const OVERDUE: Duration = Duration::from_secs(60);

impl Sessions {
    /// Ends every session whose time is up and forgets what need not be kept.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store could not end or forget some; the next sweep will.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = self.0.clock.tick();
        let mut due = Vec::new();
        self.0.table.for_each(|session| {
            if let Liveness::Due(reason) = session.liveness(now) {
                due.push((Arc::clone(session), reason));
            }
        });
        let mut swept = Swept {
            ended: self.expire_due(due).await?,
            ..Swept::default()
        };
        if let Some(store) = self.0.store.shared() {
            self.settle(store, None, |ended| swept.ended += ended.len())
                .await?;
            loop {
                let overdue = store.end_overdue(OVERDUE).await?;
                if overdue.is_empty() {
                    break;
                }
                self.note_ended(&overdue);
                swept.ended += overdue.len();
            }
        }
        self.0.table.sweep_aliases(now);
        self.0.tombstones.sweep(now);
        self.0.epochs.sweep(now);
        self.0.spaces.sweep();
        self.0.locks.sweep(now);
        loop {
            match self.0.store.purge().await? {
                0 => return Ok(swept),
                purged => swept.purged += purged,
            }
            task::yield_now().await;
        }
    }

    /// Ends the sessions whose time is up among those with exchanges that outlast their
    /// request: a WebSocket is open until somebody ends its session. Returns how many ended,
    /// and when the next of them is due if none is used until then.
    ///
    /// # Errors
    ///
    /// As [`sweep`](Self::sweep).
    pub async fn sweep_tied(&self) -> Result<(usize, Tick), StoreError> {
        let now = self.now();
        let (mut due, mut next) = (Vec::new(), Tick::MAX);
        self.0
            .exchanges
            .for_each(|session| match session.liveness(now) {
                Liveness::Due(reason) => due.push((Arc::clone(session), reason)),
                Liveness::Live => next = next.min(session.due_at()),
                Liveness::Ended => {}
            });
        Ok((self.expire_due(due).await?, next))
    }

    async fn expire_due(&self, due: Vec<(Arc<Session>, EndReason)>) -> Result<usize, StoreError> {
        // A request may have come in between.
        let still =
            |session: &Session, reason| session.liveness(self.now()) == Liveness::Due(reason);
        let ends = due
            .into_iter()
            .filter(|(session, reason)| still(session, *reason))
            .map(|(session, reason)| Due {
                session,
                at: None,
                cause: EndCause::because(reason),
            });
        let outcomes = self.end_all(ends.collect()).await?;
        let ended = |outcome: &&EndOutcome| matches!(outcome, EndOutcome::Ended(_));
        Ok(outcomes.iter().filter(ended).count())
    }

    /// Sweeps every `interval`, for as long as it is polled, and looks at sessions with open
    /// exchanges as often as their ends need it. A failed sweep is logged and tried again.
    pub async fn run_sweeper(self, interval: Duration) {
        // Side by side, neither of which ends.
        let mut all = std::pin::pin!(self.sweep_all_every(interval));
        let mut tied = std::pin::pin!(self.watch_tied());
        std::future::poll_fn(|context| {
            let _ = tied.as_mut().poll(context);
            all.as_mut().poll(context)
        })
        .await;
    }

    async fn watch_tied(&self) {
        let (longest, shortest) = LOOKS;
        loop {
            let pause = match self.sweep_tied().await {
                Ok((_, next)) => next.since(self.now()).clamp(shortest, longest),
                Err(error) => {
                    tracing::warn!(%error, "sessions with open exchanges could not be ended and will be");
                    longest
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn sweep_all_every(&self, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.sweep().await {
                Ok(swept) if swept != Swept::default() => {
                    tracing::debug!(
                        sessions.ended = swept.ended,
                        sessions.purged = swept.purged,
                        "swept"
                    );
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a sweep of sessions failed and will be repeated")
                }
            }
        }
    }
}

//! Sessions whose time is up, as far as this process knows.

use std::sync::Arc;
use std::time::Duration;

use super::gate::{Ask, Gate};
use crate::domain::{EndReason, Ruling, Session, Tick};
use crate::sessions::EndOutcome;
use crate::store::StoreError;

/// Why a session is to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// Its time is up.
    Over(EndReason),
    /// It was idle for longer than a rule allows, as far as this process knows.
    TooIdle(Duration),
}

impl Gate {
    /// Ends the sessions whose time was found to be up.
    pub(super) async fn end_due(&self, ask: &Ask) -> Result<(), StoreError> {
        for (session, due) in &ask.due {
            match due {
                Due::Over(reason) => self.0.sessions.expire(session, *reason).await?,
                Due::TooIdle(allowed) => {
                    let _ = self.0.sessions.expire_idle(session, *allowed).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether `session` may go on, and the request counts as activity, as `rule` says: one
    /// that was idle for too long ends, unless another process knows better.
    pub(super) async fn goes_on(
        &self,
        session: &Arc<Session>,
        rule: impl Fn(&Session, Tick) -> Ruling,
    ) -> Result<bool, StoreError> {
        let sessions = &self.0.sessions;
        loop {
            let now = sessions.now();
            match rule(session, now) {
                Ruling::Ruled { is_activity, .. } => {
                    if is_activity {
                        session.touch(now);
                    }
                    return Ok(true);
                }
                Ruling::TooIdle { allowed } => {
                    let before = session.last_active_tick();
                    let outcome = sessions.expire_idle(session, allowed).await?;
                    let is_active = matches!(outcome, EndOutcome::Active(_));
                    if !is_active || session.last_active_tick() <= before {
                        return Ok(false);
                    }
                }
            }
        }
    }
}

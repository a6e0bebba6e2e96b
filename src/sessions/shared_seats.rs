//! Seats of licenses where several nodes open sessions: the store knows who holds them.

use std::sync::Arc;
use std::time::Duration;

use super::{EstablishError, Sessions};
use crate::domain::{EndReason, LimitPolicy, Liveness, Session};
use crate::store::{IdRange, SeatClaim, SeatStore, SharedStore, StoreError};
use crate::sync::task::{sleep, spawn};

/// Those on seats who are looked at in one step, and at most in one look for some whose time
/// is up.
const STEP: usize = 256;
const LOOKED_AT: usize = 32 * STEP;

/// For how long a login waits for those who are about to begin to be there, so that the oldest
/// can end, and how often it looks.
const WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

impl Sessions {
    /// A seat for `session`, which is about to be created, where the store counts them for all
    /// nodes and those of its license are limited. The caller has its turn among the logins of
    /// the license here.
    pub(super) async fn take_shared_seat(
        &self,
        session: &Arc<Session>,
    ) -> Result<(), EstablishError> {
        let Some(store) = self.shared_seats() else {
            return Ok(());
        };
        let Some(limit) = self.licenses().seat_limit(session) else {
            return Ok(());
        };
        let until = self.now().after(WAIT);
        loop {
            match store.claim_seat(session, limit.seats).await? {
                SeatClaim::Taken => return Ok(()),
                SeatClaim::FirstTaken => {
                    self.count_in_background(session);
                    return Ok(());
                }
                SeatClaim::Full => {}
            }
            if self.licenses().may_look(session, self.now())
                && self.clear_seats(store, session).await?
            {
                continue;
            }
            let no_seat = || EstablishError::NoSeat {
                license: Arc::clone(&limit.license),
                seats: limit.seats,
            };
            if limit.policy == LimitPolicy::Refuse {
                return Err(no_seat());
            }
            let holders = store.seat_holders(session, 0, STEP).await?;
            if let Some(oldest) = holders.open.first() {
                self.expire_known(oldest, EndReason::Displaced).await?;
            } else if holders.left == 0 {
                // They are being opened, on other nodes.
                if self.now() >= until {
                    return Err(no_seat());
                }
                sleep(PAUSE).await;
            }
        }
    }

    /// Gives the seat of `session` up, which has ended or did not come to be. Should the store
    /// not answer, it is found to be free when seats run short.
    pub(super) async fn leave_shared_seat(&self, session: &Arc<Session>) {
        if let Some(store) = self.shared_seats()
            && self.licenses().is_limited(session)
            && let Err(error) = store.leave_seat(session).await
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a seat is left to be found free"
            );
        }
    }

    /// As [`leave_shared_seat`](Self::leave_shared_seat), for who cannot wait.
    pub(super) fn leave_shared_seat_soon(&self, session: &Arc<Session>) {
        if self.shared_seats().is_some() && self.licenses().is_limited(session) {
            let (this, session) = (self.clone(), Arc::clone(session));
            spawn(async move { this.leave_shared_seat(&session).await });
        }
    }

    fn shared_seats(&self) -> Option<&dyn SeatStore> {
        self.0.store.shared().and_then(SharedStore::seats)
    }

    /// Looks for seats of the license of `session` whose holders are over, or should be; says
    /// whether there was one.
    async fn clear_seats(
        &self,
        store: &dyn SeatStore,
        session: &Arc<Session>,
    ) -> Result<bool, StoreError> {
        let (mut from, mut cleared) = (0, false);
        while from < LOOKED_AT {
            let holders = store.seat_holders(session, from, STEP).await?;
            let mut left = holders.left;
            for holder in &holders.open {
                let holder = self.known(holder);
                if let Liveness::Due(reason) = holder.liveness(self.now()) {
                    self.expire(&holder, reason).await?;
                    left += usize::from(holder.end().is_some());
                }
            }
            cleared |= left > 0;
            if holders.seen < STEP {
                break;
            }
            from += STEP - left;
        }
        Ok(cleared)
    }

    /// Puts those on seats who had the license of `session` before its seats were limited.
    /// Until that is through, there may be more of them than seats, as they may stay.
    fn count_in_background(&self, session: &Arc<Session>) {
        let (this, session) = (self.clone(), Arc::clone(session));
        spawn(async move {
            if let Err(error) = this.count_seats(&session).await {
                tracing::warn!(
                    license = session.license(),
                    error = &error as &dyn std::error::Error,
                    "not all sessions are counted that had the license before it was limited"
                );
            }
        });
    }

    async fn count_seats(&self, session: &Session) -> Result<(), StoreError> {
        let (Some(store), Some(seats)) = (self.0.store.shared(), self.shared_seats()) else {
            return Ok(());
        };
        let mut range = IdRange::ALL;
        loop {
            let space = Some(session.space_id().clone());
            let found = store.walk_open(space, range, STEP).await?;
            // A piece may be short of some that were forgotten meanwhile.
            let Some(last) = found.last() else {
                return Ok(());
            };
            range = range.before(last.id());
            seats.hold_seats(licensed(found, session)).await?;
        }
    }

    /// The session of the table that `stored` is, if it is there.
    fn known(&self, stored: &Arc<Session>) -> Arc<Session> {
        let known = self.0.table.by_id(stored.id());
        known.unwrap_or_else(|| Arc::clone(stored))
    }

    async fn expire_known(
        &self,
        stored: &Arc<Session>,
        reason: EndReason,
    ) -> Result<(), StoreError> {
        self.expire(&self.known(stored), reason).await
    }
}

/// Those that have the license of `session`.
fn licensed(mut found: Vec<Arc<Session>>, session: &Session) -> Vec<Arc<Session>> {
    found.retain(|other| other.license() == session.license());
    found
}

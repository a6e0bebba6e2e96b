//! The end of sessions: one, many, a user's.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use super::Sessions;
use crate::domain::{
    EndReason, Identity, Session, SessionEnd, SessionId, SpaceId, Timestamp, UserKey,
};
use crate::store::{self, StoreError, Touch};
use crate::sync::task;

/// Why, and by whom, a session is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndCause {
    reason: EndReason,
    by: Option<Arc<str>>,
}

impl EndCause {
    /// For this reason, by nobody in particular.
    #[must_use]
    pub const fn because(reason: EndReason) -> Self {
        Self { reason, by: None }
    }

    /// By its user, or by the user's other session.
    #[must_use]
    pub fn logged_out_by(user: &Identity) -> Self {
        Self {
            reason: EndReason::LoggedOut,
            by: Some(user.to_string().into()),
        }
    }

    /// By an administrator, named as the audit log names them.
    #[must_use]
    pub fn terminated_by(who: impl Into<Arc<str>>) -> Self {
        Self {
            reason: EndReason::Terminated,
            by: Some(who.into()),
        }
    }

    pub(super) const fn reason(&self) -> EndReason {
        self.reason
    }

    pub(super) const fn by(&self) -> Option<&Arc<str>> {
        self.by.as_ref()
    }
}

/// What became of a session that was to end.
#[derive(Clone, Debug)]
#[must_use]
pub enum EndOutcome {
    /// It has ended now.
    Ended(Arc<Session>),
    /// It had ended before; the first end stands.
    AlreadyEnded(Arc<Session>),
    /// It goes on: it was to end as idle, and it was active in another process.
    Active(Arc<Session>),
    /// There is no such session (any more).
    Unknown,
}

/// A session that is to be ended.
pub(super) struct Due {
    pub(super) session: Arc<Session>,
    /// As of when; `None` for the moment when it is ended.
    pub(super) at: Option<Timestamp>,
    pub(super) cause: EndCause,
}

/// Ends under way at a time.
const AT_ONCE: usize = 1024;

impl EndOutcome {
    /// The session, if there is one.
    #[must_use]
    pub const fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Ended(session) | Self::AlreadyEnded(session) | Self::Active(session) => {
                Some(session)
            }
            Self::Unknown => None,
        }
    }
}

impl Sessions {
    /// Ends `session`. When this returns, its token is refused and its open exchanges have
    /// been told to close.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store may still think it open; end it again.
    pub async fn end(
        &self,
        session: &Arc<Session>,
        cause: EndCause,
    ) -> Result<EndOutcome, StoreError> {
        self.end_at(session, self.0.clock.wall(), cause).await
    }

    /// Ends `session` as of `at`.
    pub(super) async fn end_at(
        &self,
        session: &Arc<Session>,
        at: Timestamp,
        cause: EndCause,
    ) -> Result<EndOutcome, StoreError> {
        let last = Touch::last_of(session);
        self.end_from(session, last, at, cause).await
    }

    async fn end_from(
        &self,
        session: &Arc<Session>,
        last: Touch,
        at: Timestamp,
        cause: EndCause,
    ) -> Result<EndOutcome, StoreError> {
        let end = SessionEnd {
            at,
            reason: cause.reason,
            by: cause.by,
        };
        let stored = self.0.store.end(last, end.clone()).await?;
        // What a list shows may be another object than the table's, which streams watch.
        let ours = self.0.table.by_id(session.id());
        let session = ours.as_ref().unwrap_or(session);
        // Another process may know of later requests.
        if let store::Ended::Now(kept) | store::Ended::Before(kept) | store::Ended::Active(kept) =
            &stored
        {
            session.touch(kept.last_active_tick());
        }
        if let store::Ended::Active(_) = &stored {
            return Ok(EndOutcome::Active(Arc::clone(session)));
        }
        self.0
            .tombstones
            .bury(*session.digest(), end.clone(), self.0.clock.tick());
        // A look-up may have put it into the table by now; one that does so later sees that it
        // is buried.
        let ours = self.0.table.by_id(session.id());
        let session = ours.as_ref().unwrap_or(session);
        {
            let user = self.0.table.lock(session.user_key());
            // The store's object may be another than ours; ours is what streams watch.
            session.set_end(match &stored {
                store::Ended::Now(kept) | store::Ended::Before(kept) => {
                    kept.end().cloned().unwrap_or(end)
                }
                store::Ended::Active(_) | store::Ended::Unknown => end,
            });
            let was_published = user.remove(session);
            self.note_closed(session, was_published);
        }
        self.0.exchanges.cut(session.id());
        self.0.refreshes.forget(session.id());
        self.leave_shared_seat(session).await;
        Ok(match stored {
            store::Ended::Now(_) => {
                // One that ended while it was being opened has never started for anybody.
                // One that began elsewhere has.
                if session.is_announced() || self.0.store.shared().is_some() {
                    self.0.observers.iter().for_each(|o| o.ended(session));
                }
                EndOutcome::Ended(Arc::clone(session))
            }
            store::Ended::Before(_) => EndOutcome::AlreadyEnded(Arc::clone(session)),
            store::Ended::Active(_) | store::Ended::Unknown => EndOutcome::Unknown,
        })
    }

    /// Ends the session `id` of `space`; a session of another space is unknown.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_by_id(
        &self,
        space: &SpaceId,
        id: SessionId,
        cause: EndCause,
    ) -> Result<EndOutcome, StoreError> {
        match self.get_to_end(space, id).await? {
            Some(session) => self.end(&session, cause).await,
            None => Ok(EndOutcome::Unknown),
        }
    }

    /// Ends a session that nobody asked to end: its time is up, or another takes its place.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn expire(
        &self,
        session: &Arc<Session>,
        reason: EndReason,
    ) -> Result<(), StoreError> {
        self.end(session, EndCause::because(reason)).await.map(drop)
    }

    /// Ends a session that, as far as this process knows, was idle for longer than `allowed`,
    /// which may be less than its space allows. Where another process knows better, it goes on,
    /// and is as active as that process says.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn expire_idle(
        &self,
        session: &Arc<Session>,
        allowed: Duration,
    ) -> Result<EndOutcome, StoreError> {
        let last = Touch::last_within(session, allowed);
        let cause = EndCause::because(EndReason::Idle);
        self.end_from(session, last, self.0.clock.wall(), cause)
            .await
    }

    /// Ends `sessions`; says what became of each, in their order.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end), at the first that fails; others may have ended.
    pub async fn end_many(
        &self,
        sessions: &[Arc<Session>],
        cause: &EndCause,
    ) -> Result<Vec<EndOutcome>, StoreError> {
        let ends = sessions.iter().map(|session| Due {
            session: Arc::clone(session),
            at: None,
            cause: cause.clone(),
        });
        self.end_all(ends.collect()).await
    }

    /// Ends all of `due`, in their order or, where a store takes its time, many at once.
    pub(super) async fn end_all(&self, due: Vec<Due>) -> Result<Vec<EndOutcome>, StoreError> {
        let mut outcomes = Vec::new();
        if !self.0.store.outlives_process() {
            for Due { session, at, cause } in due {
                let at = at.unwrap_or_else(|| self.0.clock.wall());
                outcomes.push(self.end_at(&session, at, cause).await?);
                if outcomes.len().is_multiple_of(256) {
                    task::yield_now().await;
                }
            }
            return Ok(outcomes);
        }
        // A store that groups what it is asked at once is asked for many at once.
        let mut due = due.into_iter();
        let mut under_way = VecDeque::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(Due { session, at, cause }) = due.next()
            {
                let this = self.clone();
                under_way.push_back(task::spawn(async move {
                    let at = at.unwrap_or_else(|| this.0.clock.wall());
                    this.end_at(&session, at, cause).await
                }));
            }
            let Some(next) = under_way.pop_front() else {
                return Ok(outcomes);
            };
            outcomes.push(match next.await {
                Ok(outcome) => outcome?,
                Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
                Err(_) => return Err(StoreError::Unavailable("the process ends".into())),
            });
        }
    }

    /// Ends all sessions of `user`, including those that are being opened at this moment:
    /// a login that is not ended by this is newer than the call. Returns the sessions ended.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_user(
        &self,
        user: UserKey,
        cause: &EndCause,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        self.end_user_but(user, None, cause).await
    }

    /// Ends all sessions that the user of `session` has in its space but this one, as
    /// [`end_user`](Self::end_user) does.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_others(
        &self,
        session: &Session,
        cause: &EndCause,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        self.end_user_but(session.user_key(), Some(session.id()), cause)
            .await
    }

    async fn end_user_but(
        &self,
        user: UserKey,
        kept: Option<SessionId>,
        cause: &EndCause,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let mut published = Vec::new();
        {
            let guard = self.0.table.lock(user);
            let sessions = guard.sessions().into_iter();
            for session in sessions.filter(|session| Some(session.id()) != kept) {
                if guard.is_published(&session) {
                    published.push(session);
                } else {
                    // Not in the store yet: marking it makes its login fail.
                    let at = self.0.clock.wall();
                    session.set_end(SessionEnd {
                        at,
                        reason: cause.reason,
                        by: cause.by.clone(),
                    });
                }
            }
        }
        if let Some(store) = self.0.store.shared() {
            self.tell_last_of(&published).await?;
            let end = SessionEnd {
                at: self.0.clock.wall(),
                reason: cause.reason,
                by: cause.by.clone(),
            };
            let ended = store.end_user(user, kept, end).await?;
            self.note_ended(&ended);
            return Ok(ended);
        }
        let outcomes = self.end_many(&published, cause).await?;
        Ok(outcomes
            .into_iter()
            .filter_map(EndOutcome::into_ended)
            .collect())
    }
}

impl EndOutcome {
    pub(super) fn into_ended(self) -> Option<Arc<Session>> {
        match self {
            Self::Ended(session) => Some(session),
            Self::AlreadyEnded(_) | Self::Active(_) | Self::Unknown => None,
        }
    }
}

//! From a token's digest to a live session: the hot path.

use std::sync::Arc;

use super::Sessions;
use super::table::UserGuard;
use crate::domain::{EndReason, Liveness, Session, SpaceState, Tick, TokenDigest};
use crate::store::StoreError;

/// What a token or credential opens.
#[derive(Clone, Debug)]
#[must_use]
pub enum Resolution {
    /// This live session; the request was noted on it.
    Live(Arc<Session>),
    /// A session whose time is up; it is to be [expired](Sessions::expire).
    Due(Arc<Session>, EndReason),
    /// Nothing that this process knows, or can believe: a [recall](Sessions::recall) may find
    /// more.
    Unknown,
}

impl Sessions {
    /// The session of `space` that the token with `digest` opens, touched. Does not wait and
    /// allocates nothing.
    pub fn resolve(&self, digest: &TokenDigest, space: &SpaceState) -> Resolution {
        match self.0.table.by_digest(digest) {
            Some(session) => self.judge_cached(session, space),
            None => Resolution::Unknown,
        }
    }

    /// The session of `space` that a credential verified earlier opens, touched.
    pub fn resolve_credential(&self, credential: &TokenDigest, space: &SpaceState) -> Resolution {
        match self.0.table.by_credential(credential, self.0.clock.tick()) {
            Some(session) => self.judge_cached(session, space),
            None => Resolution::Unknown,
        }
    }

    /// As [`resolve`](Self::resolve), for a digest that is unknown here: asks the store, if
    /// the store may know more.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell; that is no logout.
    pub async fn recall(
        &self,
        digest: &TokenDigest,
        space: &SpaceState,
    ) -> Result<Resolution, StoreError> {
        if self.0.store.shared().is_none() || self.0.tombstones.has(digest, self.0.clock.tick()) {
            return Ok(Resolution::Unknown);
        }
        let Some(stored) = self.0.store.load(digest).await? else {
            if let Some(session) = self.0.table.by_digest(digest) {
                self.confirm(&session).await?;
            }
            return Ok(Resolution::Unknown);
        };
        let session = {
            let user = self.0.table.lock(stored.user_key());
            let now = self.0.clock.tick();
            let barred = self.0.locks.barring(stored.user_key(), now).is_some();
            if barred || self.0.tombstones.has(digest, now) || stored.end().is_some() {
                return Ok(Resolution::Unknown);
            }
            self.adopt(&user, &stored);
            match self.0.table.by_digest(digest) {
                Some(session) => session,
                None => return Ok(Resolution::Unknown),
            }
        };
        session.touch(stored.last_active_tick());
        Ok(self.judge(session, space, self.0.clock.tick()))
    }

    /// Asks the store about a session of the table that cannot be believed; `true` when it is
    /// open.
    pub(super) async fn confirm(&self, session: &Arc<Session>) -> Result<bool, StoreError> {
        let Some(store) = self.0.store.shared() else {
            return Ok(session.end().is_none());
        };
        let standing = store.standing(vec![Arc::clone(session)]).await?;
        if let Some(standing) = standing.into_iter().next() {
            self.apply_standing(session, standing);
        }
        Ok(session.end().is_none())
    }

    /// Takes a session that the store knows into the table: of a user whom `user` locks.
    pub(super) fn adopt(&self, user: &UserGuard<'_>, session: &Arc<Session>) {
        if !user.is_published(session) {
            user.reserve(Arc::clone(session));
            user.publish(session);
            self.note_opened(session);
            self.take_back(user, session);
        }
    }

    /// Takes a session that has just been published out again, if its end came in meanwhile:
    /// who applied that may have looked before. Says whether it did.
    pub(super) fn take_back(&self, user: &UserGuard<'_>, session: &Session) -> bool {
        let ended = self.0.tombstones.has(session.digest(), self.0.clock.tick());
        if ended {
            let was_published = user.remove(session);
            self.note_closed(session, was_published);
        }
        ended
    }

    /// Notes a request of `session` now: for exchanges that go on after their request.
    pub fn touch(&self, session: &Session) {
        session.touch(self.0.clock.tick());
    }

    /// What is cached and not to be believed is unknown: the store is asked then.
    fn judge_cached(&self, session: Arc<Session>, space: &SpaceState) -> Resolution {
        let now = self.0.clock.tick();
        if self.0.freshness.holds(now) {
            self.judge(session, space, now)
        } else {
            Resolution::Unknown
        }
    }

    pub(super) fn judge(&self, session: Arc<Session>, space: &SpaceState, now: Tick) -> Resolution {
        if !std::ptr::eq(&**session.space(), space) {
            return Resolution::Unknown;
        }
        match session.liveness(now) {
            Liveness::Live => {
                session.touch(now);
                Resolution::Live(session)
            }
            Liveness::Due(reason) => Resolution::Due(session, reason),
            Liveness::Ended => Resolution::Unknown,
        }
    }
}

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
    /// This live session.
    Live(Arc<Session>),
    /// A session whose time is up; it is to be [expired](Sessions::expire).
    Due(Arc<Session>, EndReason),
    /// Nothing that this process knows, or can believe: a [recall](Sessions::recall) may find
    /// more.
    Unknown,
}

impl Sessions {
    /// Now, on the clock that sessions go by.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.0.clock.tick()
    }

    /// The session of `space` that the token with `digest` opens, touched. Does not wait and
    /// allocates nothing.
    pub fn resolve(&self, digest: &TokenDigest, space: &SpaceState) -> Resolution {
        let now = self.now();
        self.resolve_at(digest, space, now).touched(now)
    }

    /// As [`resolve`](Self::resolve) at `now`, not touched: for who has to look first at when
    /// it was active.
    pub fn resolve_at(&self, digest: &TokenDigest, space: &SpaceState, now: Tick) -> Resolution {
        if !self.0.freshness.holds(now) {
            return Resolution::Unknown;
        }
        judge(self.0.table.by_digest(digest), space, now)
    }

    /// The session of `space` that a credential verified earlier opens, touched.
    pub fn resolve_credential(&self, credential: &TokenDigest, space: &SpaceState) -> Resolution {
        let now = self.now();
        self.resolve_credential_at(credential, space, now)
            .touched(now)
    }

    /// As [`resolve_credential`](Self::resolve_credential) at `now`, not touched.
    pub fn resolve_credential_at(
        &self,
        credential: &TokenDigest,
        space: &SpaceState,
        now: Tick,
    ) -> Resolution {
        if !self.0.freshness.holds(now) {
            return Resolution::Unknown;
        }
        judge(self.0.table.by_credential(credential, now), space, now)
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
        let resolution = self.recall_untouched(digest, space).await?;
        Ok(resolution.touched(self.now()))
    }

    /// As [`recall`](Self::recall), not touched.
    ///
    /// # Errors
    ///
    /// As [`recall`](Self::recall).
    pub async fn recall_untouched(
        &self,
        digest: &TokenDigest,
        space: &SpaceState,
    ) -> Result<Resolution, StoreError> {
        if self.0.store.shared().is_none() || self.0.tombstones.has(digest, self.0.clock.tick()) {
            return Ok(Resolution::Unknown);
        }
        let doubts = self.0.freshness.doubts();
        let Some(stored) = self.0.store.load(digest).await? else {
            if let Some(session) = self.0.table.by_digest(digest) {
                self.confirm(&session).await?;
            }
            return Ok(Resolution::Unknown);
        };
        let session = self.take_in(&stored, doubts).await?;
        Ok(judge(session, space, self.now()))
    }

    /// The session of the table that `stored`, which a shared store says is open, is; it comes
    /// into the table unless it has ended or its user is locked. `doubts` is how often changes
    /// had been missed before the store was asked.
    pub(super) async fn take_in(
        &self,
        stored: &Arc<Session>,
        doubts: u64,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let session = {
            let user = self.0.table.lock(stored.user_key());
            let now = self.0.clock.tick();
            let barred = self.0.locks.barring(stored.user_key(), now).is_some();
            let buried = self.0.tombstones.has(stored.digest(), now);
            if barred || buried || stored.end().is_some() {
                return Ok(None);
            }
            self.adopt(&user, stored);
            match self.0.table.by_digest(stored.digest()) {
                Some(session) => session,
                None => return Ok(None),
            }
        };
        if !self.outlived_doubts(&session, doubts).await? {
            return Ok(None);
        }
        session.touch(stored.last_active_tick());
        Ok(Some(session))
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

    /// Whether `session`, of which the store said when there were `doubts` that it is open, and
    /// which is in the table since, is. Its end may be among changes that were missed in
    /// between, and who checked the table then may have looked before it was there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell; then the table does not have it any more.
    pub(super) async fn outlived_doubts(
        &self,
        session: &Arc<Session>,
        doubts: u64,
    ) -> Result<bool, StoreError> {
        if self.0.freshness.doubts() == doubts {
            return Ok(true);
        }
        let confirmed = self.confirm(session).await;
        if confirmed.is_err() {
            {
                let user = self.0.table.lock(session.user_key());
                let was_published = user.remove(session);
                self.note_closed(session, was_published);
            }
            self.0.exchanges.cut(session.id());
        }
        confirmed
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
        let now = self.0.clock.tick();
        let buried = self.0.tombstones.end_of(session.digest(), now);
        let Some(end) = buried.or_else(|| self.0.epochs.end_of(session)) else {
            return false;
        };
        // Who found it in between may have tied an exchange to it.
        session.set_end(end);
        let was_published = user.remove(session);
        self.note_closed(session, was_published);
        self.0.exchanges.cut(session.id());
        true
    }

    /// Notes a request of `session` now, if it is live, and says whether it is: for exchanges
    /// that go on after their request. One that is due is to be [expired](Self::expire).
    pub fn touch(&self, session: &Session) -> Liveness {
        let now = self.0.clock.tick();
        let liveness = session.liveness(now);
        if liveness == Liveness::Live {
            session.touch(now);
        }
        liveness
    }
}

impl Resolution {
    /// The same, with a request at `now` noted on a live session.
    fn touched(self, now: Tick) -> Self {
        if let Self::Live(session) = &self {
            session.touch(now);
        }
        self
    }
}

/// What a session of the table, whatever the table is worth, is at `now`.
pub(super) fn judge(session: Option<Arc<Session>>, space: &SpaceState, now: Tick) -> Resolution {
    let Some(session) = session else {
        return Resolution::Unknown;
    };
    if !std::ptr::eq(&**session.space(), space) {
        return Resolution::Unknown;
    }
    match session.liveness(now) {
        Liveness::Live => Resolution::Live(session),
        Liveness::Due(reason) => Resolution::Due(session, reason),
        Liveness::Ended => Resolution::Unknown,
    }
}

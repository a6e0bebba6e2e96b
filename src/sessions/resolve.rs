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
    /// Nothing that this process knows.
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
        if !self.0.store.is_shared() || self.0.tombstones.has(digest, self.0.clock.tick()) {
            return Ok(Resolution::Unknown);
        }
        let Some(session) = self.0.store.load(digest).await? else {
            return Ok(Resolution::Unknown);
        };
        {
            let user = self.0.table.lock(session.user_key());
            let now = self.0.clock.tick();
            let barred = self.0.locks.barring(session.user_key(), now).is_some();
            if barred || self.0.tombstones.has(digest, now) || session.end().is_some() {
                return Ok(Resolution::Unknown);
            }
            self.adopt(&user, &session);
        }
        Ok(self.resolve_at(digest, space, self.now()))
    }

    /// Takes a session that the store knows into the table: of a user whom `user` locks.
    pub(super) fn adopt(&self, user: &UserGuard<'_>, session: &Arc<Session>) {
        if !user.is_published(session) {
            user.reserve(Arc::clone(session));
            user.publish(session);
            self.note_opened(session);
        }
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

fn judge(session: Option<Arc<Session>>, space: &SpaceState, now: Tick) -> Resolution {
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

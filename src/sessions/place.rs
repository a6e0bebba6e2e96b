//! A place for a session: under its user's limit, on a seat of its license.

use std::sync::Arc;

use super::{EstablishError, Sessions};
use crate::domain::{EndReason, LimitPolicy, Liveness, Session, Tick, UserKey, UserLimit};
use crate::store::SharedStore;

/// Sessions that must end, and why.
type Leaving = Vec<(Arc<Session>, EndReason)>;

/// The place of a session that is being opened; given back unless the session is published,
/// also when the login is cancelled half-way.
pub(super) struct Place<'s> {
    sessions: &'s Sessions,
    session: Arc<Session>,
    published: bool,
}

impl Sessions {
    /// A place for `session`, once those that leave it have ended.
    ///
    /// The caller has its turn among the logins of the user and of the license, so nobody
    /// takes the room that is made.
    pub(super) async fn take_place(
        &self,
        session: &Arc<Session>,
    ) -> Result<Place<'_>, EstablishError> {
        loop {
            match self.find_place(session)? {
                Ok(place) => return Ok(place),
                Err(leaving) => {
                    for (session, reason) in leaving {
                        self.expire(&session, reason).await?;
                    }
                }
            }
        }
    }

    /// A place for `session`, or who must leave first. A login that is refused ends nobody.
    fn find_place(
        &self,
        session: &Arc<Session>,
    ) -> Result<Result<Place<'_>, Leaving>, EstablishError> {
        let key = session.user_key();
        let user = self.0.table.lock(key);
        let now = self.0.clock.tick();
        self.refuse_locked(key, now)?;
        let mut leaving = Vec::new();
        // Where the store is shared, not all sessions may be here: it counts them.
        let shared = self.0.store.shared();
        if let (Some(limit), None) = (session.space().policy().limit, shared) {
            leaving = over_limit(user.sessions(), limit, now)?;
        }
        if shared.and_then(SharedStore::seats).is_none() {
            leaving.extend(self.licenses().ask_seat(session, &leaving, now)?);
        }
        if !leaving.is_empty() {
            return Ok(Err(leaving));
        }
        user.reserve(Arc::clone(session));
        Ok(Ok(Place {
            sessions: self,
            session: Arc::clone(session),
            published: false,
        }))
    }

    /// Refuses a user who is locked.
    pub(super) fn refuse_locked(&self, user: UserKey, now: Tick) -> Result<(), EstablishError> {
        match self.0.locks.barring(user, now) {
            Some(lock) => Err(EstablishError::Locked { until: lock.until }),
            None => Ok(()),
        }
    }
}

/// Those of a user's sessions, oldest first, that must end before there may be one more.
fn over_limit(
    sessions: Vec<Arc<Session>>,
    limit: UserLimit,
    now: Tick,
) -> Result<Leaving, EstablishError> {
    let mut leaving = Vec::new();
    let mut live = Vec::new();
    for session in sessions {
        match session.liveness(now) {
            Liveness::Due(reason) => leaving.push((session, reason)),
            Liveness::Live => live.push(session),
            Liveness::Ended => {}
        }
    }
    let max = usize::try_from(limit.max).unwrap_or(usize::MAX);
    let excess = (live.len() + 1).saturating_sub(max);
    if excess > 0 && limit.policy == LimitPolicy::Refuse {
        return Err(EstablishError::LimitReached { max: limit.max });
    }
    let oldest = live.into_iter().take(excess);
    leaving.extend(oldest.map(|session| (session, EndReason::Displaced)));
    Ok(leaving)
}

impl Place<'_> {
    /// Makes the session resolvable and tells of its start, unless it has been ended.
    pub(super) fn publish(&mut self) -> bool {
        let inner = &self.sessions.0;
        let user = inner.table.lock(self.session.user_key());
        if self.session.end().is_some() {
            return false;
        }
        user.publish(&self.session);
        self.sessions.note_opened(&self.session);
        self.published = true;
        if self.sessions.take_back(&user, &self.session) {
            return false;
        }
        // Under the lock, so that nobody is told of its end first.
        for observer in &inner.observers {
            observer.started(&self.session);
        }
        true
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.published {
            let user = self.sessions.0.table.lock(self.session.user_key());
            user.release(self.session.id());
            self.sessions.note_closed(&self.session, false);
        }
    }
}

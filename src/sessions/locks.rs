//! Users who may open no session until a time, or until somebody lifts it.

use std::sync::Arc;
use std::time::Duration;

use super::{EndCause, Sessions};
use crate::domain::{Identity, Session, SpaceId, Tick, UserKey, UserLock};
use crate::store::StoreError;
use crate::sync::map::DashMap;

/// What a lock is to be.
#[derive(Clone, Debug)]
pub struct LockOrder {
    /// For how long; `None` until it is lifted.
    pub time: Option<Duration>,
    /// Who orders it, named as the audit log names them.
    pub by: Arc<str>,
    /// Why, in their words.
    pub reason: Option<Box<str>>,
}

/// What [`Sessions::lock_user`] did.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The lock in force.
    pub lock: UserLock,
    /// The sessions that it ended.
    pub ended: Vec<Arc<Session>>,
}

/// Why a user was not locked, or not wholly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// A lock of no time bars nobody.
    #[error("a lock must last for longer than nothing")]
    NoTime,
    /// As many users are locked as can be.
    #[error("{max} users are locked, as many as can be")]
    TooMany {
        /// How many can be.
        max: usize,
    },
    /// The user is locked here, but the lock may end with the process, and sessions of theirs
    /// may still be open. Lock them again.
    #[error("the user is locked, and the store has not all that follows from it")]
    Store(#[from] StoreError),
}

/// The locks of this process.
#[derive(Debug, Default)]
pub(super) struct Locks(DashMap<UserKey, Held>);

#[derive(Debug)]
struct Held {
    lock: UserLock,
    /// When it ends, on the clock that never steps.
    ends: Tick,
}

/// How many users can be locked at a time.
const MAX_LOCKS: usize = 100_000;

impl Locks {
    /// The lock that bars `user` at `now`.
    pub(super) fn barring(&self, user: UserKey, now: Tick) -> Option<UserLock> {
        let held = self.0.get(&user)?;
        (now < held.ends).then(|| held.lock.clone())
    }

    /// The locks in force at `now`.
    #[cfg(feature = "server")]
    pub(super) fn all(&self, now: Tick) -> Vec<UserLock> {
        let held = self.0.iter().filter(|held| now < held.ends);
        held.map(|held| held.lock.clone()).collect()
    }

    /// Whether nobody is locked.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the lock on `user`.
    pub(super) fn lift(&self, user: UserKey) {
        self.0.remove(&user);
    }

    /// Forgets the locks on users whom `keep` does not name.
    pub(super) fn keep(&self, keep: impl Fn(UserKey) -> bool) {
        self.0.retain(|user, _| keep(*user));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn sweep(&self, now: Tick) {
        self.0.retain(|_, held| now < held.ends);
    }
}

impl Sessions {
    /// Bars `user` from opening sessions of `space`, and ends those that are open. When this
    /// returns, no login of theirs that began earlier comes out with a live session. An
    /// earlier lock on the user gives way to this one.
    ///
    /// The lock is as durable as the store makes anything.
    ///
    /// # Errors
    ///
    /// [`LockError`]; the user is locked all the same if it is [`LockError::Store`].
    pub async fn lock_user(
        &self,
        space: &SpaceId,
        user: &Identity,
        order: LockOrder,
    ) -> Result<Locked, LockError> {
        if order.time.is_some_and(|time| time.is_zero()) {
            return Err(LockError::NoTime);
        }
        let (locks, key) = (&self.0.locks, user.key(space));
        if locks.0.len() >= MAX_LOCKS && !locks.0.contains_key(&key) {
            return Err(LockError::TooMany { max: MAX_LOCKS });
        }
        let now = self.0.clock.wall();
        let cause = EndCause::terminated_by(Arc::clone(&order.by));
        let lock = UserLock {
            space: space.clone(),
            directory: user.directory().into(),
            id: user.id().into(),
            until: order.time.map(|time| now.after(time)),
            since: now,
            by: order.by,
            reason: order.reason,
        };
        let ends = order
            .time
            .map_or(Tick::MAX, |time| self.0.clock.tick().after(time));
        let held = Held {
            lock: lock.clone(),
            ends,
        };
        locks.0.insert(key, held);
        self.0.store.put_lock(&lock).await?;
        // A login looks for a lock and takes its place under the user's lock of the table, as
        // does the end of all sessions: it has seen this one, or its place is seen now.
        let ended = self.end_user(key, &cause).await?;
        Ok(Locked { lock, ended })
    }

    /// Lifts the lock on `user`; the lock that was in force.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store may still have it; then it stays in force.
    pub async fn unlock_user(
        &self,
        space: &SpaceId,
        user: &Identity,
    ) -> Result<Option<UserLock>, StoreError> {
        let key = user.key(space);
        if !self.0.locks.0.contains_key(&key) {
            return Ok(None);
        }
        // Before the store is asked: it may tell of the change before it answers.
        let lock = self.0.locks.barring(key, self.0.clock.tick());
        self.0.store.remove_lock(key).await?;
        self.0.locks.lift(key);
        Ok(lock)
    }

    /// Puts a lock of an earlier process into force, for the time that is left of it.
    pub(super) fn restore_lock(&self, lock: UserLock) {
        let (tick, wall) = (self.0.clock.tick(), self.0.clock.wall());
        let ends = match lock.until {
            Some(until) => tick.after(until.since(wall)),
            None => Tick::MAX,
        };
        self.0.locks.0.insert(lock.user_key(), Held { lock, ends });
    }

    /// The lock in force on `user`.
    #[must_use]
    pub fn user_lock(&self, space: &SpaceId, user: &Identity) -> Option<UserLock> {
        self.0.locks.barring(user.key(space), self.0.clock.tick())
    }

    /// The locks in force in `space`, by directory and id.
    #[must_use]
    pub fn locks(&self, space: &SpaceId) -> Vec<UserLock> {
        let now = self.0.clock.tick();
        let all = self.0.locks.0.iter();
        let mut found: Vec<_> = all
            .filter(|held| held.lock.space == *space && now < held.ends)
            .map(|held| held.lock.clone())
            .collect();
        found.sort_by(|a, b| (&a.directory, &a.id).cmp(&(&b.directory, &b.id)));
        found
    }
}

//! What is renewed for a session, by one node at a time: the contract, and how it is kept by
//! one process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{MemoryStore, StoreFuture};
use crate::domain::{Session, SessionId, Tick};

/// The part of a store's contract about what is renewed for sessions, such as tokens of an
/// identity provider that hands out a new refresh token each time and refuses the old one.
///
/// An implementer owes:
/// - Of all who ask for the lease of a session, on however many nodes, one has it at a time;
///   one that nobody finishes runs out.
/// - Attempts are numbered, in the order of their leases. Once a later one has begun, an
///   earlier one changes nothing any more.
/// - Nothing is kept of a session that has ended.
pub trait RefreshStore: Send + Sync {
    /// Asks for the right to renew what is kept of `session`, for `time`, when the caller has
    /// seen version `seen` of it, and has waited for the attempt `waited` (0 for none).
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell; a lease that was given all
    /// the same runs out.
    fn lease(
        &self,
        session: &Arc<Session>,
        seen: u64,
        waited: u64,
        time: Duration,
    ) -> StoreFuture<'_, Lease>;

    /// Finishes `attempt`: with what came of it, which is kept as the next version, or with
    /// nothing, when it failed. To say so again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may not have been kept; say it again.
    fn finish(
        &self,
        session: &Arc<Session>,
        attempt: u64,
        outcome: Option<Arc<[u8]>>,
    ) -> StoreFuture<'_, Finished>;

    /// What is kept of `session`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn refreshed(&self, session: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>>;
}

/// What was renewed for a session, last or at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// 1 for the first, one more each time.
    pub version: u64,
    /// What whoever renewed it wants kept.
    pub secret: Arc<[u8]>,
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed")
            .field("version", &self.version)
            .field("bytes", &self.secret.len())
            .finish_non_exhaustive()
    }
}

/// What became of [`RefreshStore::lease`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Lease {
    /// The caller has it.
    Held {
        /// The number of the attempt, from 1.
        attempt: u64,
        /// What is kept so far.
        current: Option<Refreshed>,
    },
    /// There is no need: this is newer than what the caller has seen.
    Newer(Refreshed),
    /// Somebody else has it, for this attempt.
    Elsewhere {
        /// Its number.
        attempt: u64,
    },
    /// The attempt that the caller has waited for has failed.
    Failed,
    /// The session is over.
    Ended,
}

/// What became of [`RefreshStore::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Finished {
    /// It is noted; this version is kept.
    Kept {
        /// The version.
        version: u64,
    },
    /// Nothing changed: the lease ran out, and somebody else has had it since.
    Late,
    /// The session is over; nothing is kept of it.
    Ended,
}

/// What a process keeps that nobody shares the store with.
#[derive(Debug, Default)]
pub(super) struct LocalRefreshes(Mutex<HashMap<SessionId, State>>);

#[derive(Debug, Default)]
struct State {
    kept: Option<Refreshed>,
    /// The last attempt, and until when it has the lease, if it does.
    attempt: u64,
    until: Option<Tick>,
    /// The last attempt that failed, and the one that `kept` is of.
    failed: u64,
    kept_by: u64,
}

impl State {
    fn version(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.version)
    }
}

impl LocalRefreshes {
    fn states(&self) -> MutexGuard<'_, HashMap<SessionId, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`RefreshStore::lease`] at `now`, of a session that is open.
    pub(super) fn lease(
        &self,
        id: SessionId,
        (seen, waited): (u64, u64),
        now: Tick,
        time: Duration,
    ) -> Lease {
        let mut states = self.states();
        let state = states.entry(id).or_default();
        if let Some(kept) = state.kept.as_ref().filter(|kept| kept.version > seen) {
            return Lease::Newer(kept.clone());
        }
        if state.until.is_some_and(|until| now < until) {
            return Lease::Elsewhere {
                attempt: state.attempt,
            };
        }
        if waited > 0 && state.failed >= waited {
            return Lease::Failed;
        }
        state.attempt += 1;
        state.until = Some(now.after(time));
        Lease::Held {
            attempt: state.attempt,
            current: state.kept.clone(),
        }
    }

    /// The version that the outcome of `attempt` is going to be, or was.
    #[cfg(feature = "server")]
    pub(super) fn next_version(&self, id: SessionId, attempt: u64) -> Finished {
        match self.states().get(&id) {
            Some(state) if state.attempt != attempt => Finished::Late,
            Some(state) if state.kept_by == attempt => Finished::Kept {
                version: state.version(),
            },
            Some(state) => Finished::Kept {
                version: state.version() + 1,
            },
            None => Finished::Ended,
        }
    }

    /// As [`RefreshStore::finish`], of a session that is open.
    pub(super) fn finish(
        &self,
        id: SessionId,
        attempt: u64,
        outcome: Option<Arc<[u8]>>,
    ) -> Finished {
        let mut states = self.states();
        let Some(state) = states.get_mut(&id) else {
            return Finished::Ended;
        };
        if state.attempt != attempt {
            return Finished::Late;
        }
        state.until = None;
        match outcome {
            None => state.failed = attempt,
            Some(_) if state.kept_by == attempt => {}
            Some(secret) => {
                state.kept_by = attempt;
                let version = state.version() + 1;
                state.kept = Some(Refreshed { version, secret });
            }
        }
        Finished::Kept {
            version: state.version(),
        }
    }

    pub(super) fn get(&self, id: SessionId) -> Option<Refreshed> {
        self.states().get(&id)?.kept.clone()
    }

    /// Puts back what was kept by the process before.
    #[cfg(feature = "server")]
    pub(super) fn restore(&self, id: SessionId, kept: Refreshed) {
        self.states().entry(id).or_default().kept = Some(kept);
    }

    /// Forgets all about a session that has ended.
    pub(super) fn forget(&self, id: SessionId) {
        self.states().remove(&id);
    }
}

impl RefreshStore for MemoryStore {
    fn lease(
        &self,
        session: &Arc<Session>,
        seen: u64,
        waited: u64,
        time: Duration,
    ) -> StoreFuture<'_, Lease> {
        let (id, now) = (session.id(), self.clock.tick());
        let leased = match self.open.contains_key(&id) {
            true => self.refreshes.lease(id, (seen, waited), now, time),
            false => Lease::Ended,
        };
        Box::pin(async move { Ok(leased) })
    }

    fn finish(
        &self,
        session: &Arc<Session>,
        attempt: u64,
        outcome: Option<Arc<[u8]>>,
    ) -> StoreFuture<'_, Finished> {
        let id = session.id();
        let mut finished = self.refreshes.finish(id, attempt, outcome);
        if !self.open.contains_key(&id) {
            self.refreshes.forget(id);
            finished = Finished::Ended;
        }
        Box::pin(async move { Ok(finished) })
    }

    fn refreshed(&self, session: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>> {
        let kept = self.refreshes.get(session.id());
        Box::pin(async move { Ok(kept) })
    }
}

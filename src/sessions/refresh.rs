//! One refresh at a time: whoever renews something for a session, such as tokens of an
//! identity provider, does it once for all requests on all nodes.

use std::collections::{HashMap, hash_map};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Sessions;
use crate::domain::{Session, SessionId};
use crate::store::{Finished, Lease, StoreError};
use crate::sync::map::{DashMap, Entry};
use crate::sync::task::{sleep, spawn};
use crate::sync::{Mutex, PoisonError};

pub use crate::store::Refreshed;

/// Why nothing was renewed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The session is over.
    #[error("the session is over")]
    Ended,
    /// The work failed, on this node.
    #[error("the refresh failed")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
    /// The work failed on the node that did it.
    #[error("the refresh failed on another node")]
    FailedElsewhere,
    /// The work took too long, and was given up.
    #[error("the refresh was given up after {} ms", limit.as_millis())]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
    /// The work gave more than is kept.
    #[error("the outcome has {bytes} bytes, and {max} may be kept")]
    TooLarge {
        /// How much it gave.
        bytes: usize,
        /// How much is kept at most.
        max: usize,
    },
    /// The outcome came when another node had begun anew; it is not kept.
    #[error("another node has begun anew, as this one took too long")]
    Late,
    /// The store does not answer. That says nothing about the session.
    #[error("the store could not be asked")]
    Store(#[source] Arc<StoreError>),
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

type Outcome = Result<Refreshed, RefreshError>;
type Flight = watch::Receiver<Option<Outcome>>;

/// The refreshes under way in this process, and what came of those before.
#[derive(Default)]
pub(super) struct Refreshes {
    flights: Mutex<HashMap<SessionId, Flight>>,
    kept: DashMap<SessionId, Refreshed>,
}

impl Refreshes {
    /// The flight of `id`; when there was none, the way to tell what came of it.
    fn board(&self, id: SessionId) -> (Flight, Option<watch::Sender<Option<Outcome>>>) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.entry(id) {
            hash_map::Entry::Occupied(entry) => (entry.get().clone(), None),
            hash_map::Entry::Vacant(entry) => {
                let (tell, flight) = watch::channel(None);
                entry.insert(flight.clone());
                (flight, Some(tell))
            }
        }
    }

    fn land(&self, id: SessionId) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&id);
    }

    /// Forgets what was renewed for a session that has ended.
    pub(super) fn forget(&self, id: SessionId) {
        self.kept.remove(&id);
    }
}

#[cfg(all(test, feature = "server"))]
impl Refreshes {
    pub(super) fn is_empty(&self) -> bool {
        let flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.is_empty() && self.kept.len() == 0
    }
}

/// Takes the flight off the list, however it ends.
struct Landing {
    sessions: Sessions,
    id: SessionId,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.sessions.0.refreshes.land(self.id);
    }
}

/// Bytes that are kept of a session at most.
const MAX_OUTCOME: usize = 64 << 10;

/// Between two looks at what another node is doing, or tries to tell the store.
const LOOK: Duration = Duration::from_millis(20);

impl Sessions {
    /// Renews what is kept with `session`: once, however many requests on however many nodes
    /// ask for it. The caller has `seen` a version of it and found it stale; 0 stands for
    /// nothing at all, so this is also how the first one is kept. `work` is given what is kept
    /// now, and gives what is to be kept: at most 64 KiB that nobody here looks into. It is
    /// kept as long as the session is open, in the store as it is: who does not trust the
    /// store's disk or memory with it seals it first.
    ///
    /// Of those who ask at the same time, one runs its `work`, for at most `limit`, whether
    /// its request lasts that long or not; the others wait for it and have what it got. Its
    /// node may die: after twice the `limit` somebody else runs theirs, and should the first
    /// be still alive, what it brings is refused.
    ///
    /// So a provider that takes a refresh token once, and refuses it afterwards, sees each
    /// token once, unless a node dies, or the store is away for longer than `limit`, between
    /// its answer and the moment that the answer is kept.
    ///
    /// ```
    /// # use gatepass::sessions::Sessions;
    /// # use gatepass::domain::Session;
    /// # use std::{sync::Arc, time::Duration};
    /// # async fn redeem(_: &[u8]) -> Result<Vec<u8>, std::io::Error> { Ok(Vec::new()) }
    /// # async fn example(sessions: Sessions, session: Arc<Session>) -> Result<(), Box<dyn std::error::Error>> {
    /// let stale = sessions.refreshed(&session).await?.ok_or("no tokens yet")?;
    /// let limit = Duration::from_secs(10);
    /// let fresh = sessions.refresh(&session, stale.version, limit, |current| async move {
    ///     redeem(&current.unwrap_or(stale).secret).await
    /// });
    /// println!("version {}", fresh.await?.version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RefreshError`], which those who waited get as well. None of them ends the session:
    /// whether it can go on without what was to be renewed is for the caller to say.
    pub async fn refresh<W, R, E>(
        &self,
        session: &Arc<Session>,
        seen: u64,
        limit: Duration,
        work: W,
    ) -> Outcome
    where
        W: FnOnce(Option<Refreshed>) -> R + Send + 'static,
        R: Future<Output = Result<Vec<u8>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let id = session.id();
        let mut work = Some(work);
        loop {
            if session.end().is_some() {
                return Err(RefreshError::Ended);
            }
            if let Some(kept) = self.0.refreshes.kept.get(&id).filter(|k| k.version > seen) {
                return Ok(kept.clone());
            }
            let (mut flight, tell) = self.0.refreshes.board(id);
            if let Some(tell) = tell
                && let Some(work) = work.take()
            {
                let (this, session) = (self.clone(), Arc::clone(session));
                spawn(async move {
                    let landing = Landing { sessions: this, id };
                    let this = &landing.sessions;
                    let outcome = this.refresh_alone(&session, seen, limit, work).await;
                    if let Ok(refreshed) = &outcome {
                        this.remember(&session, refreshed);
                    }
                    // Off the list first: whoever comes now finds what was kept.
                    drop(landing);
                    tell.send_replace(Some(outcome));
                });
            }
            let landed = flight.wait_for(Option::is_some).await;
            let outcome = landed.map_or_else(
                |_| Err(RefreshError::Failed(Arc::from(Box::from("the task died")))),
                |outcome| outcome.clone().expect("it was waited for"),
            );
            match outcome {
                // Of a flight that began for an older version than this caller's.
                Ok(refreshed) if refreshed.version <= seen && work.is_some() => {}
                _ if session.end().is_some() => return Err(RefreshError::Ended),
                outcome => return outcome,
            }
        }
    }

    /// What is kept with `session`, as this node knows it: another one may have renewed it.
    /// When it turns out to be stale, [`refresh`](Self::refresh) says what there is instead.
    ///
    /// # Errors
    ///
    /// [`RefreshError::Store`] when nothing is known here and the store cannot tell.
    pub async fn refreshed(
        &self,
        session: &Arc<Session>,
    ) -> Result<Option<Refreshed>, RefreshError> {
        if session.end().is_some() {
            return Ok(None);
        }
        if let Some(kept) = self.0.refreshes.kept.get(&session.id()) {
            return Ok(Some(kept.clone()));
        }
        let kept = self.0.store.refreshes().refreshed(session).await?;
        if let Some(kept) = &kept {
            self.remember(session, kept);
        }
        Ok(kept.filter(|_| session.end().is_none()))
    }

    /// The only one in this process who renews what is kept with `session`.
    async fn refresh_alone<W, R, E>(
        &self,
        session: &Arc<Session>,
        seen: u64,
        limit: Duration,
        work: W,
    ) -> Outcome
    where
        W: FnOnce(Option<Refreshed>) -> R + Send + 'static,
        R: Future<Output = Result<Vec<u8>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let store = self.0.store.refreshes();
        let mut waited = 0;
        let (attempt, current) = loop {
            // Half of it is for telling what came of it.
            match store.lease(session, seen, waited, limit * 2).await? {
                Lease::Held { attempt, current } => break (attempt, current),
                Lease::Newer(refreshed) => return Ok(refreshed),
                Lease::Elsewhere { attempt } => waited = attempt,
                Lease::Failed => return Err(RefreshError::FailedElsewhere),
                Lease::Ended => return Err(RefreshError::Ended),
            }
            sleep(LOOK).await;
        };
        // On a task of its own, so that a panic in it is a failure like any other.
        let work = spawn(async move { tokio::time::timeout(limit, work(current)).await });
        let failure = match work.await {
            Ok(Ok(Ok(bytes))) if bytes.len() <= MAX_OUTCOME => {
                return self.keep(session, attempt, bytes.into(), limit).await;
            }
            Ok(Ok(Ok(bytes))) => RefreshError::TooLarge {
                bytes: bytes.len(),
                max: MAX_OUTCOME,
            },
            Ok(Ok(Err(error))) => RefreshError::Failed(error.into().into()),
            Ok(Err(_)) => RefreshError::TimedOut { limit },
            Err(_) => RefreshError::Failed(Arc::from(Box::from("it panicked"))),
        };
        // Else the others wait until the lease has run out.
        if let Err(error) = store.finish(session, attempt, None).await {
            tracing::debug!(%error, "the other nodes are not told that a refresh has failed");
        }
        Err(failure)
    }

    /// Tells the store what came of `attempt`, for as long as `limit`: it cannot be had again.
    async fn keep(
        &self,
        session: &Arc<Session>,
        attempt: u64,
        secret: Arc<[u8]>,
        limit: Duration,
    ) -> Outcome {
        let store = self.0.store.refreshes();
        let mut last = None;
        let told = tokio::time::timeout(limit, async {
            loop {
                let secret = Some(Arc::clone(&secret));
                match store.finish(session, attempt, secret).await {
                    Err(error @ StoreError::Unavailable(_)) => last = Some(error),
                    told => return told,
                }
                sleep(LOOK).await;
            }
        });
        let late = || StoreError::Unavailable("it did not answer in time".into());
        let told = told.await;
        match told.unwrap_or_else(|_| Err(last.take().unwrap_or_else(late))) {
            Ok(Finished::Kept { version }) => Ok(Refreshed { version, secret }),
            Ok(Finished::Late) => Err(RefreshError::Late),
            Ok(Finished::Ended) => Err(RefreshError::Ended),
            Err(error) => {
                tracing::error!(
                    session.id = %session.id(),
                    error = &error as &dyn Error,
                    "what was renewed for a session could not be kept"
                );
                Err(error.into())
            }
        }
    }

    fn remember(&self, session: &Session, refreshed: &Refreshed) {
        let kept = &self.0.refreshes.kept;
        match kept.entry(session.id()) {
            Entry::Vacant(entry) => drop(entry.insert(refreshed.clone())),
            Entry::Occupied(mut entry) if entry.get().version < refreshed.version => {
                *entry.get_mut() = refreshed.clone();
            }
            Entry::Occupied(_) => {}
        }
        // Whoever ends the session marks it before this is forgotten.
        if session.end().is_some() {
            kept.remove(&session.id());
        }
    }
}

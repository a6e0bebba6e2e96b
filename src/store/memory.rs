//! The store that ends with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::index::{ByDigest, ById, DigestIndex, IdIndex, sharded};
use super::refreshes::LocalRefreshes;
use super::short_lived::ShortLived;
use super::{
    Created, CredentialStore, Ended, IdRange, MAX_TARGETS, MAX_TICKETS, Merged, Newest, Recovered,
    RefreshStore, Retention, Scan, ScanPage, SessionStore, SharedStore, StateFilter, StoreError,
    StoreFuture, StoreState, Touch,
};
use crate::domain::{
    Clock, LicensePeak, Session, SessionEnd, SessionId, TargetId, Task, Tick, Ticket, TokenDigest,
    UserKey, UserLock,
};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps sessions in memory: open ones without bound, ended ones within their
/// [`Retention`]. A restart forgets them all.
///
/// The sessions are the very ones of the table (a pointer an index), so keeping them costs
/// little, and what is noted on the one is noted on the other. Locks, background tasks and the
/// peaks of licenses are with those who use them, and end with the process as well.
pub struct MemoryStore {
    pub(super) open: IdIndex,
    by_digest: DigestIndex,
    ended: Mutex<EndedSessions>,
    pub(super) refreshes: LocalRefreshes,
    tickets: Mutex<ShortLived<TokenDigest, Ticket>>,
    targets: Mutex<ShortLived<TargetId, Arc<str>>>,
    retention: Retention,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct EndedSessions {
    by_id: BTreeMap<SessionId, Arc<Session>>,
    /// In the order of their ends.
    order: BTreeSet<(Tick, SessionId)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(retention: Retention, clock: Arc<dyn Clock>) -> Self {
        Self {
            open: sharded(),
            by_digest: sharded(),
            ended: Mutex::default(),
            refreshes: LocalRefreshes::default(),
            tickets: Mutex::new(ShortLived::new(MAX_TICKETS)),
            targets: Mutex::new(ShortLived::new(MAX_TARGETS)),
            retention,
            clock,
        }
    }

    fn ended(&self) -> MutexGuard<'_, EndedSessions> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tickets(&self) -> MutexGuard<'_, ShortLived<TokenDigest, Ticket>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn targets(&self) -> MutexGuard<'_, ShortLived<TargetId, Arc<str>>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create_now(&self, session: &Arc<Session>) -> Created {
        let known = self.open.contains_key(session.id_ref())
            || self.by_digest.contains_key(session.digest())
            || self.ended().by_id.contains_key(session.id_ref());
        if known {
            return Created::Exists;
        }
        if self
            .by_digest
            .insert(ByDigest(Arc::clone(session)), ())
            .is_some()
        {
            return Created::Exists;
        }
        self.open.insert(ById(Arc::clone(session)), ());
        Created::Kept
    }

    fn import_now(&self, session: &Arc<Session>) -> Merged {
        let Some(end) = session.end() else {
            return match self.create_now(session) {
                Created::Exists => self.meet(session),
                _ => Merged::Kept,
            };
        };
        if self.open.contains_key(session.id_ref()) {
            self.touch_now(&Touch::last_of(session));
            return match self.end_now(session.id(), end.clone()) {
                Ended::Now(_) => Merged::Ended,
                _ => Merged::Known,
            };
        }
        let mut ended = self.ended();
        if ended.by_id.contains_key(session.id_ref()) {
            return Merged::Known;
        }
        let ago = self.clock.wall().since(end.at);
        ended.add(session, self.clock.tick().before(ago), self.retention);
        Merged::Kept
    }

    /// What an open `session` is whose id or token is there.
    fn meet(&self, session: &Arc<Session>) -> Merged {
        self.touch_now(&Touch::last_of(session));
        let known = self.open.contains_key(session.id_ref())
            || self.ended().by_id.contains_key(session.id_ref());
        if known {
            Merged::Known
        } else {
            Merged::TokenTaken
        }
    }

    fn touch_now(&self, touch: &Touch) {
        if let Some(entry) = self.open.get(&touch.id) {
            entry.key().0.touch(touch.tick);
        }
    }

    fn end_now(&self, id: SessionId, end: SessionEnd) -> Ended {
        let open = self.open.get(&id).map(|entry| Arc::clone(&entry.key().0));
        let Some(session) = open else {
            return self
                .ended()
                .by_id
                .get(&id)
                .map_or(Ended::Unknown, |s| Ended::Before(Arc::clone(s)));
        };
        // A session may come here with an end already, when it ended while it was being
        // opened; it leaves the open ones all the same.
        let first = session.set_end(end);
        {
            let now = self.clock.tick();
            self.ended().add(&session, now, self.retention);
        }
        self.open.remove(&id);
        self.by_digest.remove(session.digest());
        self.refreshes.forget(id);
        if first {
            Ended::Now(session)
        } else {
            Ended::Before(session)
        }
    }

    fn scan_now(&self, scan: &Scan) -> ScanPage {
        let mut newest = Newest::of(scan);
        if scan.state != StateFilter::Ended {
            for entry in &self.open {
                newest.offer(&entry.key().0);
            }
        }
        if scan.state != StateFilter::Open {
            // A session that ended since it was offered as open is no longer covered by an
            // open scan, and is offered once to the others.
            let all: Vec<_> = self.ended().by_id.values().cloned().collect();
            for session in all.iter().filter(|s| !self.open.contains_key(s.id_ref())) {
                newest.offer(session);
            }
        }
        newest.page()
    }

    fn purge_now(&self) -> usize {
        let now = self.clock.tick();
        let mut ended = self.ended();
        let before = ended.order.len();
        while before - ended.order.len() < PURGE_STEP
            && ended
                .order
                .first()
                .is_some_and(|(at, _)| now.since(*at) >= self.retention.time)
        {
            ended.drop_first();
        }
        before - ended.order.len()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("open", &self.open.len())
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

impl EndedSessions {
    /// Adds `session`, which ended at `at`.
    fn add(&mut self, session: &Arc<Session>, at: Tick, retention: Retention) {
        let id = session.id();
        if self.by_id.insert(id, Arc::clone(session)).is_none() {
            self.order.insert((at, id));
        }
        while self.order.len() > retention.max {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((_, id)) = self.order.pop_first() {
            self.by_id.remove(&id);
        }
    }
}

/// Sessions forgotten in one step, so that the lock is held for a moment only.
const PURGE_STEP: usize = 1000;

impl SessionStore for MemoryStore {
    fn outlives_process(&self) -> bool {
        false
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }

    fn credentials(&self) -> Option<&dyn CredentialStore> {
        None
    }

    fn refreshes(&self) -> &dyn RefreshStore {
        self
    }

    fn state(&self) -> StoreState {
        StoreState::always_reached(self.clock.tick())
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        Box::pin(async { Ok(Recovered::default()) })
    }

    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created> {
        let created = self.create_now(session);
        Box::pin(async move { Ok(created) })
    }

    fn import(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        let merged = sessions.iter().map(|session| self.import_now(session));
        let merged = merged.collect();
        Box::pin(async move { Ok(merged) })
    }

    fn load(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        let found = self
            .by_digest
            .get(digest)
            .map(|entry| Arc::clone(&entry.key().0));
        Box::pin(async move { Ok(found.filter(|s| s.end().is_none())) })
    }

    fn touch_many(&self, touched: &[Touch]) -> StoreFuture<'_, ()> {
        touched.iter().for_each(|touch| self.touch_now(touch));
        Box::pin(async { Ok(()) })
    }

    fn end(&self, last: Touch, end: SessionEnd) -> StoreFuture<'_, Ended> {
        self.touch_now(&last);
        let ended = self.end_now(last.id, end);
        Box::pin(async move { Ok(ended) })
    }

    fn get(&self, id: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        let open = self.open.get(&id).map(|entry| Arc::clone(&entry.key().0));
        let found = open.or_else(|| self.ended().by_id.get(&id).cloned());
        Box::pin(async move { Ok(found) })
    }

    fn scan(&self, scan: Scan) -> StoreFuture<'_, ScanPage> {
        Box::pin(async move { Ok(self.scan_now(&scan)) })
    }

    fn walk_ended(&self, range: IdRange, limit: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        let found = if range.is_empty() {
            Vec::new()
        } else {
            let ended = self.ended();
            let newest_first = ended.by_id.range((range.oldest, range.newest)).rev();
            newest_first
                .take(limit)
                .map(|(_, session)| Arc::clone(session))
                .collect()
        };
        Box::pin(async move { Ok(found) })
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        let purged = self.purge_now();
        Box::pin(async move { Ok(purged) })
    }

    fn put_ticket(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        let now = self.clock.tick();
        let mut tickets = self.tickets();
        let kept = if tickets.is_full(now) {
            let what = format!("{MAX_TICKETS} tickets wait to be redeemed already");
            Err(StoreError::Refused { what })
        } else {
            tickets.put(digest, ticket, lifetime, now);
            Ok(())
        };
        Box::pin(async move { kept })
    }

    fn take_ticket(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        let taken = self.tickets().take(digest, self.clock.tick());
        Box::pin(async move { Ok(taken) })
    }

    fn put_target(
        &self,
        id: TargetId,
        target: Arc<str>,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        self.targets().put(id, target, lifetime, self.clock.tick());
        Box::pin(async { Ok(()) })
    }

    fn target(&self, id: TargetId) -> StoreFuture<'_, Option<Arc<str>>> {
        let found = self.targets().get(&id, self.clock.tick()).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn put_lock(&self, _: &UserLock) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn remove_lock(&self, _: UserKey) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn put_task(&self, _: &Task) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn put_peaks(&self, _: &[LicensePeak]) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    #[tokio::test]
    async fn fulfils_the_contract() {
        contract::check(async |clock, retention, _| MemoryStore::new(retention, Arc::new(clock)))
            .await;
    }
}

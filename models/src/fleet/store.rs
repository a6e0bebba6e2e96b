//! The server as a node sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::feed::ChangeFeed;
use super::server::{Fleet, State, What, user_of};
use crate::domain::{
    Clock, EndReason, LicensePeak, Session, SessionEnd, SessionId, SessionRecord, SpaceId, Spaces,
    TargetId, Task, Tick, Ticket, TokenDigest, UserKey, UserLock,
};
use crate::store::{
    Change, Changes, Created, Ended, IdRange, MemoryStore, Newest, Recovered, Scan, ScanPage,
    SessionStore, SharedStore, Standing, StoreError, StoreFuture, StoreState, Touch,
};

/// For how long a node believes its table after it heard of the last change.
pub const BELIEVED_FOR: Duration = Duration::from_secs(2);

/// The store of a node.
pub struct FleetStore {
    fleet: Arc<Fleet>,
    spaces: Spaces,
    /// What has nothing to do with sessions.
    rest: MemoryStore,
    changes: std::sync::Mutex<Option<Changes>>,
}

impl FleetStore {
    /// A node's way to `fleet`, and what tells it of changes.
    #[must_use]
    pub fn connect(fleet: &Arc<Fleet>, spaces: Spaces) -> (Self, ChangeFeed) {
        let (sender, receiver) = mpsc::channel(1);
        let store = Self {
            fleet: Arc::clone(fleet),
            spaces,
            rest: MemoryStore::new(fleet.retention, Arc::new(fleet.clock.clone())),
            changes: std::sync::Mutex::new(Some(Changes::new(receiver))),
        };
        (store, ChangeFeed::new(Arc::clone(fleet), sender))
    }

    fn restore(&self, record: SessionRecord) -> Arc<Session> {
        Arc::new(self.spaces.restore(record, &self.fleet.clock))
    }

    fn restore_all(&self, records: Vec<SessionRecord>) -> Vec<Arc<Session>> {
        records.into_iter().map(|r| self.restore(r)).collect()
    }

    /// Does something on the server, and comes back with it.
    fn serve<T: Send + 'static, R: Send + 'static>(
        &self,
        serve: impl FnOnce(&mut State) -> T + Send + 'static,
        read: impl FnOnce(&Self, T) -> R + Send + 'static,
    ) -> StoreFuture<'_, R> {
        Box::pin(async move {
            let answer = serve(&mut *self.fleet.ask()?);
            Ok(read(self, answer))
        })
    }

    fn select(&self, wanted: impl Fn(&SessionRecord) -> bool) -> Vec<SessionRecord> {
        let state = self.fleet.state();
        let newest_first = state.sessions.values().rev();
        newest_first.filter(|r| wanted(r)).cloned().collect()
    }
}

impl fmt::Debug for FleetStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FleetStore")
    }
}

impl SharedStore for FleetStore {
    fn end_user(&self, user: UserKey, end: SessionEnd) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.serve(
            move |state| {
                let open = state.open_of(user);
                let finish = |id: &SessionId| {
                    state.finish(*id, end.clone());
                    state.sessions[id].clone()
                };
                open.iter().map(finish).collect()
            },
            Self::restore_all,
        )
    }

    fn end_overdue(&self, _: Duration) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn walk_open(
        &self,
        space: SpaceId,
        range: IdRange,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        let found = self.select(|r| r.end.is_none() && r.space == space && within(range, r.id));
        let found = self.restore_all(found.into_iter().take(limit).collect());
        Box::pin(async move { Ok(found) })
    }

    fn standing(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Standing>> {
        let standing = |state: &State, id| match state.sessions.get(&id) {
            None => Standing::Unknown,
            Some(record) => record.end.clone().map_or(Standing::Open, Standing::Ended),
        };
        let serve =
            move |state: &mut State| sessions.iter().map(|s| standing(state, s.id())).collect();
        self.serve(serve, |_, standing| standing)
    }

    fn locks(&self) -> StoreFuture<'_, Vec<UserLock>> {
        self.serve(|state| state.locks.clone(), |_, locks| locks)
    }

    fn changes(&self) -> Option<Changes> {
        self.changes
            .lock()
            .expect("nobody panics holding it")
            .take()
    }

    fn believed_for(&self) -> Duration {
        BELIEVED_FOR
    }

    fn state(&self) -> StoreState {
        StoreState {
            lost_since: None,
            losses: 0,
            confirmed: Tick::from_millis(0),
        }
    }
}

impl SessionStore for FleetStore {
    fn outlives_process(&self) -> bool {
        true
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        let serve = |state: &mut State| Recovered {
            locks: state.locks.clone(),
            ..Recovered::default()
        };
        self.serve(serve, |_, recovered| recovered)
    }

    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created> {
        let session = Arc::clone(session);
        Box::pin(async move {
            let (record, policy) = (session.record(), session.space().policy());
            let left = {
                let mut state = self.fleet.ask()?;
                match state.create(record, policy, &self.fleet.clock) {
                    Ok(left) => left.iter().map(|id| state.sessions[id].clone()).collect(),
                    Err(not) => return Ok(not),
                }
            };
            let left = self.restore_all(left);
            if let Some(end) = session.end().cloned() {
                let _ = self.end(Touch::last_of(&session), end).await?;
            }
            Ok(match left.is_empty() {
                true => Created::Kept,
                false => Created::KeptInPlaceOf(left),
            })
        })
    }

    fn load(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        let digest = *digest;
        let serve = move |state: &mut State| {
            let mut open = state.sessions.values().filter(|r| r.end.is_none());
            open.find(|record| record.digest == digest).cloned()
        };
        self.serve(serve, |this, found| found.map(|r| this.restore(r)))
    }

    fn touch_many(&self, touched: &[Touch]) -> StoreFuture<'_, ()> {
        let touched = touched.to_vec();
        let serve = move |state: &mut State| touched.iter().for_each(|touch| state.touch(touch));
        self.serve(serve, |_, ()| ())
    }

    fn end(&self, last: Touch, end: SessionEnd) -> StoreFuture<'_, Ended> {
        let serve = move |state: &mut State| {
            let what = state.end(last, end);
            (what, state.sessions.get(&last.id).cloned())
        };
        self.serve(serve, |this, (what, record)| {
            let Some(session) = record.map(|record| this.restore(record)) else {
                return Ended::Unknown;
            };
            match what {
                What::Now => Ended::Now(session),
                What::Before => Ended::Before(session),
                What::Active => Ended::Active(session),
                What::Unknown => Ended::Unknown,
            }
        })
    }

    fn get(&self, id: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        let serve = move |state: &mut State| state.sessions.get(&id).cloned();
        self.serve(serve, |this, found| found.map(|r| this.restore(r)))
    }

    fn scan(&self, scan: Scan) -> StoreFuture<'_, ScanPage> {
        let mut newest = Newest::of(&scan);
        for record in self.select(|_| true) {
            newest.offer(&self.restore(record));
        }
        let page = newest.page();
        Box::pin(async move { Ok(page) })
    }

    fn walk_ended(&self, range: IdRange, limit: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        let found = self.select(|r| r.end.is_some() && within(range, r.id));
        let found = self.restore_all(found.into_iter().take(limit).collect());
        Box::pin(async move { Ok(found) })
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        let (now, retention) = (self.fleet.clock.wall(), self.fleet.retention);
        let serve = move |state: &mut State| {
            let ended = state
                .sessions
                .values()
                .filter_map(|r| Some((r.end.as_ref()?.at, r.id)));
            let mut ended: Vec<_> = ended.collect();
            ended.sort();
            let beyond = ended.len().saturating_sub(retention.max);
            let due = ended
                .iter()
                .filter(|(at, _)| now.since(*at) >= retention.time);
            let gone = due.count().max(beyond);
            for (_, id) in &ended[..gone] {
                state.sessions.remove(id);
            }
            gone
        };
        self.serve(serve, |_, gone| gone)
    }

    fn put_ticket(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        self.rest.put_ticket(digest, ticket, lifetime)
    }

    fn take_ticket(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        self.rest.take_ticket(digest)
    }

    fn put_target(
        &self,
        id: TargetId,
        target: Arc<str>,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        self.rest.put_target(id, target, lifetime)
    }

    fn target(&self, id: TargetId) -> StoreFuture<'_, Option<Arc<str>>> {
        self.rest.target(id)
    }

    fn put_lock(&self, lock: &UserLock) -> StoreFuture<'_, ()> {
        let lock = lock.clone();
        let serve = |state: &mut State| {
            let user = lock.user_key();
            state.locks.retain(|other| other.user_key() != user);
            state.locks.push(lock.clone());
            state.stream.push(Change::Locked(lock));
        };
        self.serve(serve, |_, ()| ())
    }

    fn remove_lock(&self, user: UserKey) -> StoreFuture<'_, ()> {
        let serve = move |state: &mut State| {
            state.locks.retain(|other| other.user_key() != user);
            state.stream.push(Change::Unlocked(user));
        };
        self.serve(serve, |_, ()| ())
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

fn within(range: IdRange, id: SessionId) -> bool {
    use std::ops::RangeBounds as _;
    (range.oldest, range.newest).contains(&id)
}

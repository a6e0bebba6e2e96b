//! The server as a node sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::feed::ChangeFeed;
use super::server::{Claim, Fleet, State, What};
use super::unmodelled::unmodelled;
use crate::domain::{
    Clock, LicensePeak, Session, SessionEnd, SessionId, SessionRecord, SharedSecret, SpaceId,
    Spaces, TargetId, Task, Ticket, Timestamp, TokenDigest, UserKey, UserLock,
};
use crate::store::{
    Change, Changes, Claimed, Created, CredentialStore, EndScope, Ended, Epoch, IdRange,
    MemoryStore, Merged, Newest, NodeRegistry, Opens, Recovered, RefreshStore, Scan, ScanPage,
    SeatStore, SessionStore, Settled, SharedStore, Standing, StoreFuture, StoreState, Touch,
};
use crate::sync::task::yield_now;

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
        let number = self.fleet.state().number(record.id);
        let session = self.spaces.restore(record, &self.fleet.clock);
        session.set_number(number);
        Arc::new(session)
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
    fn end_user(
        &self,
        user: UserKey,
        keep: Option<SessionId>,
        end: SessionEnd,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.serve(
            move |state| {
                let open = state.open_of(user).into_iter();
                let finish = |id: SessionId| {
                    state.finish(id, end.clone());
                    state.sessions[&id].clone()
                };
                open.filter(|id| Some(*id) != keep).map(finish).collect()
            },
            Self::restore_all,
        )
    }

    fn end_scope(&self, scope: EndScope, end: SessionEnd) -> StoreFuture<'_, Vec<Epoch>> {
        self.serve(
            move |state| vec![state.end_scope(scope, end)],
            |_, epochs| epochs,
        )
    }

    fn settle(&self, scope: Option<EndScope>) -> StoreFuture<'_, Settled> {
        let left = self.fleet.clock.wall().unix_millis() - 30_000;
        let serve = move |state: &mut State| {
            let due = state.settle(scope, Timestamp::from_unix_millis(left));
            due.iter().map(|id| state.sessions[id].clone()).collect()
        };
        self.serve(serve, |this, due| Settled {
            ended: this.restore_all(due),
            done: true,
        })
    }

    fn end_overdue(&self, _: Duration) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn walk_open(
        &self,
        space: Option<SpaceId>,
        range: IdRange,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        let in_space = |r: &SessionRecord| space.as_ref().is_none_or(|space| r.space == *space);
        let found = self.select(|r| r.end.is_none() && in_space(r) && within(range, r.id));
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

    fn find_credential(&self, credential: &TokenDigest) -> StoreFuture<'_, Option<Opens>> {
        let (credential, now) = (*credential, self.fleet.clock.wall());
        let serve = move |state: &mut State| {
            let claim = state
                .claims
                .iter()
                .find(|claim| claim.credential == credential)?;
            let record = state.sessions.get(&claim.session)?.clone();
            let is_open = now < claim.until && record.end.is_none();
            is_open.then(|| (record, claim.until.since(now)))
        };
        self.serve(serve, |this, found| {
            found.map(|(record, valid_for)| Opens {
                session: this.restore(record),
                valid_for,
            })
        })
    }

    fn seats(&self) -> Option<&dyn SeatStore> {
        None
    }

    fn secret(&self) -> StoreFuture<'_, SharedSecret> {
        unmodelled()
    }

    fn nodes(&self) -> &dyn NodeRegistry {
        self
    }
}

impl CredentialStore for FleetStore {
    fn claim(
        &self,
        credential: TokenDigest,
        session: &Arc<Session>,
        valid_for: Duration,
    ) -> StoreFuture<'_, Claimed> {
        let id = session.id();
        Box::pin(async move {
            loop {
                let now = self.fleet.clock.wall();
                let found = {
                    let mut state = self.fleet.ask()?;
                    let held = state
                        .claims
                        .iter()
                        .find(|claim| claim.credential == credential);
                    let held = held.filter(|claim| now < claim.until && claim.session != id);
                    let held = held.map(|claim| (claim.session, claim.until));
                    match held.map(|(by, until)| (state.sessions.get(&by).cloned(), until)) {
                        // It is being opened.
                        Some((None, _)) => None,
                        Some((Some(record), until)) if record.end.is_none() => {
                            Some((record, until))
                        }
                        _ => {
                            state.claims.retain(|claim| claim.credential != credential);
                            state.claims.push(Claim {
                                credential,
                                session: id,
                                until: now.after(valid_for),
                            });
                            return Ok(Claimed::Kept);
                        }
                    }
                };
                if let Some((record, until)) = found {
                    return Ok(Claimed::Opens(Opens {
                        session: self.restore(record),
                        valid_for: until.since(now),
                    }));
                }
                yield_now().await;
            }
        })
    }

    fn release(&self, credential: TokenDigest, session: &Session) -> StoreFuture<'_, ()> {
        let id = session.id();
        let serve = move |state: &mut State| {
            let is_it = |c: &Claim| c.credential == credential && c.session == id;
            state.claims.retain(|claim| !is_it(claim));
        };
        self.serve(serve, |_, ()| ())
    }
}

impl SessionStore for FleetStore {
    fn outlives_process(&self) -> bool {
        true
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }

    fn credentials(&self) -> Option<&dyn CredentialStore> {
        Some(self)
    }

    fn refreshes(&self) -> &dyn RefreshStore {
        self
    }

    fn state(&self) -> StoreState {
        StoreState::always_reached(self.fleet.clock.tick())
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
            session.set_number(self.fleet.state().number(session.id()));
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

    fn import(&self, _: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        unmodelled()
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

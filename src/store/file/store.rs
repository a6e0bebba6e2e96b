//! The file as a [`SessionStore`].

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::change::{Change, Outcome};
use super::credentials::{self, Claims};
use super::database::{self, Handle, damaged};
use super::error::{FileError, Trouble};
use super::open_sessions::OpenSessions;
use super::writer::{Request, WAITING, Writer, with_causes};
use super::{load, notes, read, record, refreshes};
use crate::domain::{
    Clock, LicensePeak, Session, SessionEnd, SessionId, SessionRecord, Spaces, TargetId, Task,
    Ticket, TokenDigest, UserKey, UserLock,
};
use crate::store::refreshes::LocalRefreshes;
use crate::store::short_lived::ShortLived;
use crate::store::state::Outages;
use crate::store::{
    Created, CredentialStore, Ended, IdRange, MAX_TARGETS, MAX_TICKETS, Merged, Recovered,
    RefreshStore, Retention, Scan, ScanPage, SessionStore, SharedStore, StateFilter, StoreError,
    StoreFuture, StoreState, Touch,
};

/// Keeps sessions in a file. One process at a time; see [the room](super) for how.
///
/// Where a browser was going while it logs in elsewhere is in memory only: anybody can cause
/// that, and nobody shall cause writes without being somebody.
pub struct FileStore {
    file: Arc<Handle>,
    pub(super) open: Arc<OpenSessions>,
    requests: mpsc::Sender<Request>,
    pub(super) tickets: Mutex<ShortLived<TokenDigest, Ticket>>,
    targets: Mutex<ShortLived<TargetId, Arc<str>>>,
    pub(super) claims: Claims,
    pub(super) refreshes: Arc<LocalRefreshes>,
    found: Mutex<Recovered>,
    outages: Arc<Outages>,
    spaces: Spaces,
    pub(super) clock: Arc<dyn Clock>,
}

impl FileStore {
    /// Opens the store at `path`, or makes it where there is nothing, and reads the open
    /// sessions, which point to `spaces`. Blocks while it reads.
    ///
    /// # Errors
    ///
    /// [`FileError`], which says what to do; then nothing was changed.
    pub fn open(
        path: &Path,
        retention: Retention,
        spaces: &Spaces,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FileError> {
        let mut database = database::open_or_make(path)?;
        let (tick, wall) = (clock.tick(), clock.wall());
        let mut tickets = ShortLived::new(MAX_TICKETS);
        let refreshed = LocalRefreshes::default();
        let (open, sessions, credentials, notes) = database::catch(path, || {
            let expected = read::count_open(&database).map_err(|t| damaged(path, &t))?;
            // A tenth more, as random keys do not fill all shards alike.
            let expected = usize::try_from(expected + expected / 10).unwrap_or(0);
            let open = OpenSessions::with_room_for(expected);
            let sessions = load::open_sessions(&database, &open, spaces, &*clock);
            let loaded = sessions.and_then(|sessions| {
                let is_open = |id| open.get(id).is_some();
                let credentials = credentials::read(&database, wall, is_open)?;
                refreshes::read(&database, |id, kept| refreshed.restore(id, kept))?;
                Ok((sessions, credentials, read::notes(&database)?))
            });
            let (sessions, credentials, notes) =
                loaded.map_err(|trouble| damaged(path, &trouble))?;
            Ok((open, sessions, credentials, notes))
        })?;
        for (digest, ticket, until) in notes.tickets {
            tickets.put(digest, ticket, until.since(wall), tick);
        }
        let mut found = Recovered {
            sessions,
            locks: notes.locks,
            tasks: notes.tasks,
            peaks: notes.peaks,
            credentials,
        };
        found
            .locks
            .retain(|lock| lock.until.is_none_or(|until| wall < until));
        super::compact::where_it_pays(path, &mut database, open.len())?;
        let file = Arc::new(Handle::new(path, database));
        let (open, refreshes) = (Arc::new(open), Arc::new(refreshed));
        let outages = Arc::new(Outages::new(Arc::clone(&clock)));
        let (requests, waiting) = mpsc::channel(WAITING);
        let writer = Writer {
            requests: waiting,
            file: Arc::clone(&file),
            open: Arc::clone(&open),
            refreshes: Arc::clone(&refreshes),
            outages: Arc::clone(&outages),
            retention,
            refused: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("store".to_owned());
        thread
            .spawn(|| writer.run())
            .map_err(|source| FileError::Io {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            file,
            open,
            requests,
            tickets: Mutex::new(tickets),
            targets: Mutex::new(ShortLived::new(MAX_TARGETS)),
            claims: Claims::default(),
            refreshes,
            found: Mutex::new(found),
            outages,
            spaces: spaces.clone(),
            clock,
        })
    }

    pub(super) fn open_sessions(&self) -> &OpenSessions {
        &self.open
    }

    fn targets(&self) -> MutexGuard<'_, ShortLived<TargetId, Arc<str>>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the thread for `change`, and waits until it is durable.
    pub(super) async fn make(&self, change: Change) -> Result<Outcome, StoreError> {
        let (answer, made) = oneshot::channel();
        let sent = self.requests.send(Request::Make(change, answer)).await;
        if sent.is_err() {
            return Err(closed());
        }
        made.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(super) async fn done(&self, change: Change) -> Result<(), StoreError> {
        self.make(change).await.map(drop)
    }

    /// Reads from the file on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = Arc::clone(&self.file);
        let reading = tokio::task::spawn_blocking(move || work(&*file.get()?));
        let read = match reading.await {
            Ok(read) => read,
            Err(_) => Err(Trouble::Writer("the file's pages do not fit together")),
        };
        read.map_err(|trouble| StoreError::Unavailable(with_causes(&trouble).into()))
    }

    fn restore(&self, record: SessionRecord) -> Arc<Session> {
        Arc::new(self.spaces.restore(record, &*self.clock))
    }

    fn restore_bytes(&self, id: SessionId, bytes: &[u8]) -> Result<Arc<Session>, StoreError> {
        let record = read::decode(record::key(id), bytes);
        let record = record.map_err(|t| StoreError::Unavailable(with_causes(&t).into()))?;
        Ok(self.restore(record))
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

impl SessionStore for FileStore {
    fn outlives_process(&self) -> bool {
        true
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }

    fn credentials(&self) -> Option<&dyn CredentialStore> {
        Some(self)
    }

    fn refreshes(&self) -> &dyn RefreshStore {
        self
    }

    fn state(&self) -> StoreState {
        self.outages.state()
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        let found = std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async move { Ok(found) })
    }

    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created> {
        let session = Arc::clone(session);
        let credential = self.claims.take(session.id());
        Box::pin(async move {
            if !self.open.add(&session) {
                return Ok(Created::Exists);
            }
            // One may have ended while it was being opened; its end comes as a change of its own.
            let open = SessionRecord {
                end: None,
                ..session.record()
            };
            let change = Change::Create {
                id: session.id(),
                record: record::encode(&open),
                credential,
            };
            match self.make(change).await? {
                Outcome::Exists => Ok(Created::Exists),
                _ => Ok(Created::Kept),
            }
        })
    }

    fn import(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        Box::pin(self.import_now(sessions))
    }

    fn load(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        let found = self.open.by_digest(digest);
        Box::pin(async move { Ok(found.filter(|session| session.end().is_none())) })
    }

    fn touch_many(&self, touched: &[Touch]) -> StoreFuture<'_, ()> {
        for touch in touched {
            if let Some(session) = self.open.get(touch.id) {
                session.touch(touch.tick);
            }
        }
        let touched = touched.iter().map(|touch| (touch.id, touch.at)).collect();
        Box::pin(self.done(Change::Touch(touched)))
    }

    fn end(&self, last: Touch, end: SessionEnd) -> StoreFuture<'_, Ended> {
        Box::pin(async move {
            let (id, open) = (last.id, self.open.get(last.id));
            let change = Change::End {
                id,
                last: last.at,
                end,
            };
            Ok(match self.make(change).await? {
                Outcome::Ended(bytes) => Ended::Now(match open {
                    Some(session) => session,
                    None => self.restore_bytes(id, &bytes)?,
                }),
                Outcome::EndedBefore(bytes) => Ended::Before(self.restore_bytes(id, &bytes)?),
                _ => Ended::Unknown,
            })
        })
    }

    fn get(&self, id: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        Box::pin(async move {
            if let Some(session) = self.open.get(id) {
                return Ok(Some(session));
            }
            let ended = self.read(move |file| read::ended(file, id)).await?;
            Ok(ended.map(|record| self.restore(record)))
        })
    }

    fn scan(&self, scan: Scan) -> StoreFuture<'_, ScanPage> {
        Box::pin(async move {
            // Open ones first: one that ends meanwhile is met among the ended again.
            let mut page = match scan.state {
                StateFilter::Ended => ScanPage::default(),
                _ => self.open.page(&scan),
            };
            if scan.state != StateFilter::Open {
                let limit = scan.limit;
                let reading = self.read(move |file| read::scan_ended(file, &scan));
                let (ended, total) = reading.await?;
                let ended = ended.into_iter().map(|record| self.restore(record));
                page.sessions.extend(ended);
                page.sessions
                    .sort_by_key(|session| std::cmp::Reverse(session.id()));
                page.sessions.dedup_by_key(|session| session.id());
                page.sessions.truncate(limit);
                page.total += total;
            }
            Ok(page)
        })
    }

    fn walk_ended(&self, range: IdRange, limit: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(async move {
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let reading = self.read(move |file| read::walk_ended(file, range, limit));
            let found = reading.await?.into_iter();
            Ok(found.map(|record| self.restore(record)).collect())
        })
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        let now = self.clock.wall();
        Box::pin(async move {
            match self.make(Change::Purge { now }).await? {
                Outcome::Purged(sessions) => Ok(sessions),
                _ => Ok(0),
            }
        })
    }

    fn put_ticket(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        Box::pin(self.put_ticket_now(digest, ticket, lifetime))
    }

    fn take_ticket(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        Box::pin(self.take_ticket_now(*digest))
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

    fn put_lock(&self, lock: &UserLock) -> StoreFuture<'_, ()> {
        Box::pin(self.done(Change::PutLock {
            user: lock.user_key(),
            lock: notes::lock(lock),
        }))
    }

    fn remove_lock(&self, user: UserKey) -> StoreFuture<'_, ()> {
        Box::pin(self.done(Change::RemoveLock(user)))
    }

    fn put_task(&self, task: &Task) -> StoreFuture<'_, ()> {
        Box::pin(self.done(Change::PutTask {
            id: task.id,
            task: notes::task(task),
        }))
    }

    fn put_peaks(&self, peaks: &[LicensePeak]) -> StoreFuture<'_, ()> {
        let peaks = peaks.iter();
        let peaks = peaks.map(|peak| (notes::peak_key(peak), notes::peak(peak)));
        Box::pin(self.done(Change::PutPeaks(peaks.collect())))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (done, closed) = oneshot::channel();
            if self.requests.send(Request::Close(done)).await.is_ok() {
                let _ = closed.await;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.file.path())
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

//! The store itself.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::again::Again;
use super::error::store_error;
use super::feed::{self, Follower};
use super::keys::Keys;
use super::link::Link;
use super::lists::List;
use super::nodes::Progress;
use super::options::RedisOptions;
use super::recent::Recent;
use super::scripts::Scripts;
use super::server_time::ServerTime;
use crate::domain::{
    Clock, LicensePeak, Session, SessionEnd, SessionId, SharedSecret, SpaceId, Spaces, TargetId,
    Task, Ticket, TokenDigest, UserKey, UserLock,
};
use crate::store::{
    Changes, Created, CredentialStore, EndScope, Ended, Epoch, IdRange, Merged, NodeRegistry,
    Opens, Recovered, RefreshStore, Retention, Scan, ScanPage, SeatStore, SessionStore, Settled,
    SharedStore, Standing, StoreError, StoreFuture, StoreState, Touch,
};

/// Sessions in Redis, or Valkey, shared by all nodes of one namespace.
pub struct RedisStore {
    link: Arc<Link>,
    keys: Keys,
    scripts: Arc<Scripts>,
    spaces: Spaces,
    retention: Retention,
    recent: Arc<Recent>,
    changes: Mutex<Option<Changes>>,
    secret: OnceLock<SharedSecret>,
    progress: Arc<Progress>,
    runtime: Handle,
}

/// Batches of changes that may wait to be applied.
const WAITING: usize = 1024;

impl RedisStore {
    /// Connects, and follows the changes from now on, on the runtime that this is called on.
    /// From then on the connection is made again whenever it is lost.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when no server is reached in time, or it refuses.
    pub async fn connect(
        options: RedisOptions,
        retention: Retention,
        spaces: Spaces,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let (keys, scripts) = (Keys::new(&options.namespace), Arc::new(Scripts::new()));
        let push = options.push;
        let link = Arc::new(Link::new(options, ServerTime::new(clock)));
        link.connect().await.map_err(store_error)?;
        let cursors = Follower::position(&link, &keys, &scripts).await?;
        let progress = Arc::default();
        let (sender, receiver) = mpsc::channel(WAITING);
        if push {
            let (link, channel) = (Arc::clone(&link), keys.channel());
            tokio::spawn(feed::listen(link, channel, sender.clone()));
        }
        let recent = Arc::new(Recent::default());
        let again = Again {
            link: Arc::clone(&link),
            keys: keys.clone(),
            scripts: Arc::clone(&scripts),
            retention,
            recent: Arc::clone(&recent),
        };
        let follower = Follower {
            again,
            link: Arc::clone(&link),
            keys: keys.clone(),
            scripts: Arc::clone(&scripts),
            cursors,
            progress: Arc::clone(&progress),
            changes: sender,
        };
        tokio::spawn(follower.run());
        Ok(Self {
            link,
            keys,
            scripts,
            spaces,
            retention,
            recent,
            changes: Mutex::new(Some(Changes::new(receiver))),
            secret: OnceLock::new(),
            progress,
            runtime: Handle::current(),
        })
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// For work that goes on after the store was asked.
    pub(super) fn shared_parts(&self) -> (Arc<Link>, Arc<Scripts>) {
        (Arc::clone(&self.link), Arc::clone(&self.scripts))
    }

    /// The runtime that the store was connected on.
    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) const fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// The secret of all nodes, once it has been asked for.
    pub(super) const fn known_secret(&self) -> &OnceLock<SharedSecret> {
        &self.secret
    }

    pub(super) const fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    pub(super) const fn retention(&self) -> &Retention {
        &self.retention
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    pub(super) fn time(&self) -> &ServerTime {
        &self.link.time
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("options", &self.link.options)
            .field("state", &self.link.state())
            .finish_non_exhaustive()
    }
}

impl SharedStore for RedisStore {
    fn end_user(
        &self,
        user: UserKey,
        keep: Option<SessionId>,
        end: SessionEnd,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(self.end_user_now(user, keep, end))
    }

    fn end_scope(&self, scope: EndScope, end: SessionEnd) -> StoreFuture<'_, Vec<Epoch>> {
        Box::pin(self.end_scope_now(scope, end))
    }

    fn settle(&self, scope: Option<EndScope>) -> StoreFuture<'_, Settled> {
        Box::pin(self.settle_now(scope))
    }

    fn end_overdue(&self, grace: Duration) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(self.end_overdue_now(grace))
    }

    fn walk_open(
        &self,
        space: Option<SpaceId>,
        range: IdRange,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(async move {
            self.walk_now(List::Open, range, space.as_ref(), limit)
                .await
        })
    }

    fn standing(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Standing>> {
        Box::pin(async move { self.standing_now(&sessions).await })
    }

    fn find_credential(&self, credential: &TokenDigest) -> StoreFuture<'_, Option<Opens>> {
        Box::pin(self.find_credential_now(*credential))
    }

    fn seats(&self) -> Option<&dyn SeatStore> {
        Some(self)
    }

    fn locks(&self) -> StoreFuture<'_, Vec<UserLock>> {
        Box::pin(self.locks_now())
    }

    fn secret(&self) -> StoreFuture<'_, SharedSecret> {
        Box::pin(self.secret_now())
    }

    fn changes(&self) -> Option<Changes> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.take()
    }

    fn believed_for(&self) -> Duration {
        self.link.options.on_outage.believed_for()
    }

    fn nodes(&self) -> &dyn NodeRegistry {
        self
    }
}

impl SessionStore for RedisStore {
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
        self.link.state()
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        Box::pin(async {
            Ok(Recovered {
                sessions: Vec::new(),
                locks: self.locks_now().await?,
                // Each is asked about when somebody asks for it.
                tasks: Vec::new(),
                peaks: self.peaks_now().await?,
                credentials: Vec::new(),
            })
        })
    }

    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created> {
        let session = Arc::clone(session);
        Box::pin(async move {
            let created = self.create_now(&session).await?;
            // One may have ended while it was being opened: then nobody may load it.
            if let (Created::Kept | Created::KeptInPlaceOf(_), Some(end)) =
                (&created, session.end().cloned())
            {
                let _ = self.end_now(Touch::last_of(&session), end).await?;
            } else if let Created::Kept | Created::KeptInPlaceOf(_) = &created {
                let now = self.time().clock().tick();
                self.recent().said().opened.push(now, session);
            }
            Ok(created)
        })
    }

    fn import(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        Box::pin(self.import_now(sessions))
    }

    fn load(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        let digest = *digest;
        Box::pin(async move { self.load_now(&digest).await })
    }

    fn touch_many(&self, touched: &[Touch]) -> StoreFuture<'_, ()> {
        let touched = touched.to_vec();
        Box::pin(async move { self.touch_now(&touched).await })
    }

    fn end(&self, last: Touch, end: SessionEnd) -> StoreFuture<'_, Ended> {
        Box::pin(self.end_now(last, end))
    }

    fn get(&self, id: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        Box::pin(self.get_now(id))
    }

    fn scan(&self, scan: Scan) -> StoreFuture<'_, ScanPage> {
        Box::pin(async move { self.scan_now(&scan).await })
    }

    fn walk_ended(&self, range: IdRange, limit: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        Box::pin(self.walk_now(List::Ended, range, None, limit))
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        Box::pin(self.purge_now())
    }

    fn put_ticket(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.put_ticket_now(&digest, &ticket, lifetime).await })
    }

    fn take_ticket(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        let digest = *digest;
        Box::pin(async move { self.take_ticket_now(&digest).await })
    }

    fn put_target(
        &self,
        id: TargetId,
        target: Arc<str>,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.put_target_now(id, &target, lifetime).await })
    }

    fn target(&self, id: TargetId) -> StoreFuture<'_, Option<Arc<str>>> {
        Box::pin(self.target_now(id))
    }

    fn put_lock(&self, lock: &UserLock) -> StoreFuture<'_, ()> {
        let lock = lock.clone();
        Box::pin(async move { self.put_lock_now(&lock).await })
    }

    fn remove_lock(&self, user: UserKey) -> StoreFuture<'_, ()> {
        Box::pin(self.remove_lock_now(user))
    }

    fn put_task(&self, task: &Task) -> StoreFuture<'_, ()> {
        let task = task.clone();
        Box::pin(async move { self.put_task_now(&task).await })
    }

    fn put_peaks(&self, peaks: &[LicensePeak]) -> StoreFuture<'_, ()> {
        let peaks = peaks.to_vec();
        Box::pin(async move { self.put_peaks_now(&peaks).await })
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

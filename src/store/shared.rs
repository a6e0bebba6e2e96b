//! What a store owes whose sessions several processes open and end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{EndScope, Epoch, IdRange, NodeRegistry, Opens, SeatStore, StoreFuture, StoredTasks};
use crate::domain::{
    Session, SessionEnd, SessionId, SharedSecret, SpaceId, Tick, TokenDigest, UserKey, UserLock,
};

/// The part of a store's contract that there is more than one process to.
///
/// The process's table is a cache of such a store. What other processes end comes over
/// [`changes`](Self::changes); what is in the table may be believed for as long as they come.
///
/// An implementer owes:
/// - A login and the end of all sessions of its user are one after the other, on whatever
///   processes they happen; so are two logins under a limit.
/// - What happened before a batch was [confirmed](ChangeBatch::confirmed) is in that batch or
///   an earlier one, or the batch [has a gap](ChangeBatch::gap).
pub trait SharedStore: StoredTasks {
    /// Ends all sessions of `user` that are open, but `keep`; those are returned.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when some may still be open; ending them again is
    /// harmless.
    fn end_user(
        &self,
        user: UserKey,
        keep: Option<SessionId>,
        end: SessionEnd,
    ) -> StoreFuture<'_, Vec<Arc<Session>>>;

    /// Ends all sessions of `scope` that are open, by one write for each part of the users:
    /// when this returns, none of them can be loaded or used again, they are shown as ended,
    /// and all processes are told of the epochs, which are returned. A login that is not ended
    /// by this is newer than the call. What remains to be done is to
    /// [settle](Self::settle) them.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when some may still be open; ending them again is
    /// harmless.
    fn end_scope(&self, scope: EndScope, end: SessionEnd) -> StoreFuture<'_, Vec<Epoch>>;

    /// Notes with some of the sessions that epochs of `scope` have ended that they have; with
    /// `None`, of epochs for which nobody has done that for a while. To be called until it
    /// says that it is done. A process that dies meanwhile leaves it to the others.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it could not; the sessions stay ended.
    fn settle(&self, scope: Option<EndScope>) -> StoreFuture<'_, Settled>;

    /// Ends some of the sessions that were due `grace` ago and that nobody ended, because
    /// the process that had them is no more; says which.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it could not.
    fn end_overdue(&self, grace: Duration) -> StoreFuture<'_, Vec<Arc<Session>>>;

    /// At most `limit` of the open sessions of `space`, or of all, with ids in `range`, newest
    /// start first, whichever process opened them. One that ends meanwhile may be among them,
    /// as ended.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn walk_open(
        &self,
        space: Option<SpaceId>,
        range: IdRange,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Arc<Session>>>;

    /// How each of `sessions` stands, in their order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn standing(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Standing>>;

    /// The open session that `credential` opens, whichever process claimed it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn find_credential(&self, credential: &TokenDigest) -> StoreFuture<'_, Option<Opens>>;

    /// Who holds the seats of licenses, if that is counted for all processes.
    fn seats(&self) -> Option<&dyn SeatStore>;

    /// The locks in force.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable) when the store cannot tell.
    fn locks(&self) -> StoreFuture<'_, Vec<UserLock>>;

    /// What all processes on the store know and nobody else: made by the first that asks.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell or keep it.
    fn secret(&self) -> StoreFuture<'_, SharedSecret>;

    /// What changes from the start of the store on. To be taken once; `None` afterwards.
    fn changes(&self) -> Option<Changes>;

    /// For how long what is cached may be believed after the last confirmed change.
    fn believed_for(&self) -> Duration;

    /// The processes that share the store.
    fn nodes(&self) -> &dyn NodeRegistry;
}

/// What a [`SharedStore::settle`] did.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// Sessions that an epoch has ended, each told of once.
    pub ended: Vec<Arc<Session>>,
    /// Whether there are none left.
    pub done: bool,
}

/// How a session stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is open.
    Open,
    /// It has ended.
    Ended(SessionEnd),
    /// Nobody knows it (any more).
    Unknown,
}

/// The changes of a shared store, as they come.
#[derive(Debug)]
pub struct Changes(mpsc::Receiver<ChangeBatch>);

impl Changes {
    /// Those that are sent to `receiver`.
    #[must_use]
    pub const fn new(receiver: mpsc::Receiver<ChangeBatch>) -> Self {
        Self(receiver)
    }

    /// The next ones; `None` when the store has been closed.
    pub async fn next(&mut self) -> Option<ChangeBatch> {
        self.0.recv().await
    }

    /// The next ones, if they are there.
    pub fn ready(&mut self) -> Option<ChangeBatch> {
        self.0.try_recv().ok()
    }
}

impl ChangeBatch {
    /// Adds what came next, which has no gap.
    pub fn append(&mut self, next: Self) {
        self.changes.extend(next.changes);
        self.confirmed = self.confirmed.max(next.confirmed);
    }
}

/// Some changes. Own ones come as well, and an end may come more than once, at any time. Locks
/// come in the order in which they were made and lifted.
#[derive(Clone, Debug, Default)]
pub struct ChangeBatch {
    /// The changes.
    pub changes: Vec<Change>,
    /// Whether changes before these may be lost: what is cached must be checked.
    pub gap: bool,
    /// The moment up to which nothing is missing once these are applied; `None` when that is
    /// not known.
    pub confirmed: Option<Tick>,
}

/// Something that happened in a shared store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A session has ended.
    Ended {
        /// Which.
        id: SessionId,
        /// What opened it.
        digest: TokenDigest,
        /// How it ended.
        end: SessionEnd,
    },
    /// Many sessions have ended at once.
    Epoch(Epoch),
    /// A user is locked.
    Locked(UserLock),
    /// A lock was lifted.
    Unlocked(UserKey),
}

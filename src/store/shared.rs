//! What a store owes whose sessions several processes open and end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{IdRange, NodeRegistry, Opens, StoreFuture, StoredTasks};
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
    /// Ends all sessions of `user` that are open; those are returned.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when some may still be open; ending them again is
    /// harmless.
    fn end_user(&self, user: UserKey, end: SessionEnd) -> StoreFuture<'_, Vec<Arc<Session>>>;

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
    /// A user is locked.
    Locked(UserLock),
    /// A lock was lifted.
    Unlocked(UserKey),
}

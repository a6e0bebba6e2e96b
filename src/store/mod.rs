//! Where sessions outlive a table entry: the contract, and the memory that fulfils it.
//!
//! A store keeps the truth about sessions: which are open, and for the retention time which
//! have ended, when and why. The table in `sessions` is what the hot path reads; it asks the
//! store only when a session begins, ends or cannot be found.

#[cfg(test)]
pub(crate) mod contract;
mod error;
pub(crate) mod index;
mod memory;
mod scan;
mod short_lived;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Session, SessionEnd, SessionId, TargetId, Tick, Ticket, TokenDigest};

pub use error::StoreError;
pub use memory::{MemoryStore, Retention};
pub(crate) use scan::Newest;
pub use scan::{IdRange, Scan, ScanPage, StateFilter};

/// What a store's methods return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What became of a [`SessionStore::create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// The session is kept.
    Kept,
    /// A session with this id or this token is there already, open or ended; nothing changed.
    Exists,
}

/// What became of a [`SessionStore::end`].
#[derive(Clone, Debug)]
#[must_use]
pub enum Ended {
    /// It was open and has ended now.
    Now(Arc<Session>),
    /// It had ended before; the first end stands.
    Before(Arc<Session>),
    /// No such session is known (any more).
    Unknown,
}

/// Keeps sessions. Every implementation runs the contract suite in `store/contract.rs`.
///
/// An implementer owes, beyond what each method says:
/// - *Delete wins*: once `end` has returned, no `touch_many`, `create` or `load` that was
///   under way or comes later makes the session open again.
/// - *An outage is not a logout*: "there is none" is `Ok`, "I cannot tell" is
///   [`StoreError::Unavailable`]. Never the one for the other.
/// - Nothing is kept of a token but its digest.
pub trait SessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the store may know open sessions that this process has not opened, so that a
    /// token unknown to the table is worth a [`load`](Self::load).
    fn outlives_process(&self) -> bool;

    /// Keeps `session` if neither its id nor its digest is taken. When this returns
    /// [`Created::Kept`], the session is as durable as the store makes anything.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be kept; then nothing was.
    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created>;

    /// The *open* session that the token with `digest` opens.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell.
    fn load(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>>;

    /// Notes when sessions were last active. Per session the latest time stands; unknown and
    /// ended sessions are passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when some may not have been noted; noting them again is harmless.
    fn touch_many(&self, touched: &[(SessionId, Tick)]) -> StoreFuture<'_, ()>;

    /// Ends the session `id`. When this returns, the session can never be loaded again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may still be open; ending it again is harmless.
    fn end(&self, id: SessionId, end: SessionEnd) -> StoreFuture<'_, Ended>;

    /// One session, open or ended.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell.
    fn get(&self, id: SessionId) -> StoreFuture<'_, Option<Arc<Session>>>;

    /// The sessions that `scan` asks for, newest start first, and how many match in all.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell.
    fn scan(&self, scan: Scan) -> StoreFuture<'_, ScanPage>;

    /// At most `limit` of the *ended* sessions with ids in `range`, newest start first, of all
    /// spaces. To walk on, end the range before the last one's id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell.
    fn walk_ended(&self, range: IdRange, limit: usize) -> StoreFuture<'_, Vec<Arc<Session>>>;

    /// Forgets ended sessions beyond the retention time or number, a bounded step at a
    /// time; says how many.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it could not.
    fn purge(&self) -> StoreFuture<'_, usize>;

    /// Keeps `ticket` under the digest of its secret, to be taken once within `lifetime`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be kept; [`StoreError::Refused`] when as many are kept as
    /// may be.
    fn put_ticket(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()>;

    /// Takes the ticket: of all who ask, however many at once and on however many nodes,
    /// exactly one gets it, and nobody after its lifetime.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell; the ticket may be gone then.
    fn take_ticket(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Ticket>>;

    /// Remembers where a browser was going, for `lifetime` at most: clients that are nobody
    /// yet cause this, so the number is bounded, and the first to come is the first to go.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be kept.
    fn put_target(&self, id: TargetId, target: Arc<str>, lifetime: Duration)
    -> StoreFuture<'_, ()>;

    /// Where the browser was going, if that is still remembered.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell.
    fn target(&self, id: TargetId) -> StoreFuture<'_, Option<Arc<str>>>;
}

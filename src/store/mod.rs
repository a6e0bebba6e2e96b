//! Where sessions outlive a table entry: the contract, and the memory that fulfils it.
//!
//! A store keeps the truth about sessions: which are open, and for the retention time which
//! have ended, when and why. The table in `sessions` is what the hot path reads; it asks the
//! store only when a session begins, ends or cannot be found.

#[cfg(test)]
pub(crate) mod contract;
mod credentials;
mod epoch;
mod error;
#[cfg(feature = "server")]
pub mod file;
pub(crate) mod index;
mod memory;
mod merged;
mod nodes;
#[cfg(feature = "server")]
mod record;
#[cfg(feature = "server")]
pub mod redis;
mod refreshes;
mod retention;
mod scan;
mod seats;
mod shared;
mod short_lived;
mod state;
mod stored_tasks;
mod touch;
#[cfg(feature = "server")]
pub mod wire;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    LicensePeak, Session, SessionEnd, SessionId, TargetId, Task, Ticket, TokenDigest, UserKey,
    UserLock,
};

pub use credentials::{Claimed, CredentialStore, KeptCredential, Opens};
pub use epoch::{EndScope, Epoch, UserPart};
pub use error::StoreError;
pub use memory::MemoryStore;
pub use merged::Merged;
pub use nodes::{BEAT, Entered, Fleet, InstanceId, Lag, Node, NodeRegistry};
pub use refreshes::{Finished, Lease, RefreshStore, Refreshed};
pub use retention::Retention;
pub(crate) use scan::Newest;
pub use scan::{IdRange, Scan, ScanPage, StateFilter};
pub use seats::{SeatClaim, SeatHolders, SeatStore};
pub use shared::{Change, ChangeBatch, Changes, Settled, SharedStore, Standing};
pub use state::StoreState;
pub use stored_tasks::{MAX_TASKS, SILENCE, StoredTasks};
pub use touch::Touch;

/// What a store's methods return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Tickets that may wait to be redeemed; those who buy them are trusted.
const MAX_TICKETS: usize = 100_000;

/// Addresses that are remembered for browsers that were sent to log in.
const MAX_TARGETS: usize = 100_000;

/// What became of a [`SessionStore::create`].
#[derive(Clone, Debug)]
#[must_use]
pub enum Created {
    /// The session is kept.
    Kept,
    /// The session is kept, and these of the same user, which a [`SharedStore`] knew, have
    /// ended for it.
    KeptInPlaceOf(Vec<Arc<Session>>),
    /// Nothing changed: the user has as many sessions as they may, as a [`SharedStore`] knows.
    LimitReached {
        /// How many they may have.
        max: u32,
    },
    /// Nothing changed: the user is locked, as a [`SharedStore`] knows.
    Locked(UserLock),
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
    /// It goes on: it was to end as idle, and it was active elsewhere, as a [`SharedStore`]
    /// knows.
    Active(Arc<Session>),
    /// No such session is known (any more).
    Unknown,
}

/// What a store knew when the process started.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The sessions that are open, as far as anybody has ended them.
    pub sessions: Vec<Arc<Session>>,
    /// The locks in force.
    pub locks: Vec<UserLock>,
    /// Background tasks as they were told of last, those included that had not ended.
    pub tasks: Vec<Task>,
    /// The peaks of licenses, by day.
    pub peaks: Vec<LicensePeak>,
    /// Credentials that open sessions among them.
    pub credentials: Vec<KeptCredential>,
}

/// Keeps sessions. Every implementation runs the contract suite in `store/contract`.
///
/// An implementer owes, beyond what each method says:
/// - *Delete wins*: once `end` has returned, no `touch_many`, `create` or `load` that was
///   under way or comes later makes the session open again.
/// - *An outage is not a logout*: "there is none" is `Ok`, "I cannot tell" is
///   [`StoreError::Unavailable`]. Never the one for the other.
/// - Nothing is kept of a token but its digest.
pub trait SessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether what is kept is still there after the process: then a session that is created
    /// must come into the table, whatever becomes of who asked for it.
    fn outlives_process(&self) -> bool;

    /// The rest of the contract, if other processes open sessions in the store too: then a
    /// token unknown to the table is worth a [`load`](Self::load), and the table is not all
    /// that is open.
    fn shared(&self) -> Option<&dyn SharedStore>;

    /// Which credentials open which sessions, if that is kept beyond the table.
    fn credentials(&self) -> Option<&dyn CredentialStore>;

    /// What is renewed for sessions, by one node at a time.
    fn refreshes(&self) -> &dyn RefreshStore;

    /// How the store is reached now, as far as is known from what it was asked for.
    fn state(&self) -> StoreState;

    /// What was kept when the process started, for the table: nothing, where the store ends
    /// with the process. To be called once; a shared store is asked for sessions one by one,
    /// tells the rest as it is now, and may be asked again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the store cannot tell.
    fn recover(&self) -> StoreFuture<'_, Recovered>;

    /// Keeps `session` if neither its id nor its digest is taken. When this returns
    /// [`Created::Kept`], the session is as durable as the store makes anything.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be kept; then nothing was.
    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created>;

    /// Keeps `sessions` of another store, open or ended, as they are: by no limit, and whatever
    /// locks there are. One that is there stays as it is, but for its last activity, and but
    /// that it ends when it is open here and had ended there. Says what became of each, in
    /// their order, in which the same one may come more than once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when some may not be kept; importing them again is harmless.
    fn import(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>>;

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
    fn touch_many(&self, touched: &[Touch]) -> StoreFuture<'_, ()>;

    /// Ends the session that was last active at `last`, which is noted as by
    /// [`touch_many`](Self::touch_many). When this returns, the session can never be loaded
    /// again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may still be open; ending it again is harmless.
    fn end(&self, last: Touch, end: SessionEnd) -> StoreFuture<'_, Ended>;

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

    /// Forgets ended sessions beyond the retention time or number, and what else is past its
    /// time, a bounded step at a time; says how many sessions.
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

    /// Keeps `lock`, in the place of an earlier one on the same user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may not have been kept.
    fn put_lock(&self, lock: &UserLock) -> StoreFuture<'_, ()>;

    /// Forgets the lock on `user`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may still be there.
    fn remove_lock(&self, user: UserKey) -> StoreFuture<'_, ()>;

    /// Keeps how a background task is, in the place of how it was, for a day after its end.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may not have been kept.
    fn put_task(&self, task: &Task) -> StoreFuture<'_, ()>;

    /// Keeps peaks of licenses, in the place of earlier ones of the same days.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they may not have been kept.
    fn put_peaks(&self, peaks: &[LicensePeak]) -> StoreFuture<'_, ()>;

    /// Lets go of what the store holds, such as a file, once all that was asked before is
    /// done. Nothing may be asked afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something that was acknowledged may be lost.
    fn close(&self) -> StoreFuture<'_, ()>;
}

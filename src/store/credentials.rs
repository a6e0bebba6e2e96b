//! Credentials that go on opening their session after the process, and on other nodes.

use std::sync::Arc;
use std::time::Duration;

use super::StoreFuture;
use crate::domain::{Session, SessionId, Timestamp, TokenDigest};

/// The part of a store's contract about credentials: which session a bearer token, a trusted
/// header or a certificate has opened, and opens again without being verified again.
///
/// An implementer owes:
/// - A credential opens one session at a time: of all who claim it at once, on however many
///   nodes, one gets it, and the others are given that one's session.
/// - A session that has ended is opened by nothing, and in the way of nobody who claims.
/// - What is kept is bounded: by the time that is said, by the session's end, and by a number
///   for each session.
pub trait CredentialStore: Send + Sync {
    /// Lets `credential` open `session` for `valid_for`, unless it opens another one that is
    /// open. One that is being opened elsewhere is waited for.
    ///
    /// The session may be yet to [`create`](super::SessionStore::create). Then the claim is as
    /// durable as the session when that returns, and to be [released](Self::release) if the
    /// session does not come.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell.
    fn claim(
        &self,
        credential: TokenDigest,
        session: &Arc<Session>,
        valid_for: Duration,
    ) -> StoreFuture<'_, Claimed>;

    /// Gives the claim of `session` up, if it has one.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may still be there; it runs out.
    fn release(&self, credential: TokenDigest, session: &Session) -> StoreFuture<'_, ()>;
}

/// What became of a [`CredentialStore::claim`].
#[derive(Clone, Debug)]
#[must_use]
pub enum Claimed {
    /// It opens the session that it was claimed for.
    Kept,
    /// It opens this one, which is open, as a [`SharedStore`](super::SharedStore) knows.
    Opens(Opens),
}

/// The session that a credential opens.
#[derive(Clone, Debug)]
pub struct Opens {
    /// The session.
    pub session: Arc<Session>,
    /// For how long yet.
    pub valid_for: Duration,
}

/// A credential that opened a session of the process before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptCredential {
    /// Its digest.
    pub digest: TokenDigest,
    /// What it opens.
    pub session: SessionId,
    /// Until when.
    pub until: Timestamp,
}

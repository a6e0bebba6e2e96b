//! A session as it is kept.

use std::sync::Arc;

use super::{
    ClientInfo, Identity, Method, SessionEnd, SessionId, SignOnId, SpaceId, Timestamp, TokenDigest,
};

/// Everything about a session that outlives a process, in wall-clock time: what stores write
/// and read. Of the token it has the digest only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its public id.
    pub id: SessionId,
    /// The digest of the token that opens it.
    pub digest: TokenDigest,
    /// The space it is in.
    pub space: SpaceId,
    /// Whose it is.
    pub identity: Arc<Identity>,
    /// How the user was authenticated.
    pub method: Method,
    /// The client that opened it.
    pub client: ClientInfo,
    /// The license it uses.
    pub license: Option<Arc<str>>,
    /// The sign-on it belongs to.
    pub sign_on: SignOnId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was last active.
    pub last_active: Timestamp,
    /// Its end, once it has one.
    pub end: Option<SessionEnd>,
}

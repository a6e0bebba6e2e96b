//! From the id that a caller knows to a session.

use std::sync::Arc;

use super::error::QpsError;
use crate::domain::{Liveness, Session, SessionId, SpaceState, TokenDigest};
use crate::sessions::{Resolution, Sessions};

/// The open session of `space` that the caller knows as `id`: the secret that a program chose
/// for it, or its public id. Looking at it is no use of it.
///
/// # Errors
///
/// When there is none, or the store cannot tell.
pub(super) async fn open(
    sessions: &Sessions,
    space: &SpaceState,
    id: &str,
) -> Result<Arc<Session>, QpsError> {
    let mut found = None;
    if let Some(digest) = TokenDigest::of_chosen(id.as_bytes()) {
        found = sessions.get_by_digest(space.id(), &digest).await?;
    }
    if let (None, Ok(id)) = (&found, id.parse::<SessionId>()) {
        found = sessions.get(space.id(), id).await?;
    }
    found
        .filter(|session| is_live(sessions, session))
        .ok_or_else(|| unknown(id))
}

/// Notes a request of `session`, which an external proxy asks about because its user has come.
///
/// # Errors
///
/// When its time is up after all, or the store cannot tell.
pub(super) async fn note_use(
    sessions: &Sessions,
    space: &SpaceState,
    session: Arc<Session>,
    id: &str,
) -> Result<Arc<Session>, QpsError> {
    let digest = session.digest();
    let mut resolution = sessions.resolve(digest, space);
    if matches!(resolution, Resolution::Unknown) {
        resolution = sessions.recall(digest, space).await?;
    }
    match resolution {
        Resolution::Live(session) => Ok(session),
        Resolution::Due(..) | Resolution::Unknown => Err(unknown(id)),
    }
}

/// Whether it may still be used. One whose time is up is open until somebody ends it, and
/// nobody's any more.
pub(super) fn is_live(sessions: &Sessions, session: &Session) -> bool {
    session.liveness(sessions.clock().tick()) == Liveness::Live
}

pub(super) fn unknown(id: &str) -> QpsError {
    QpsError::UnknownSession(QpsError::shown(id))
}

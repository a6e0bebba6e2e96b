//! What the scripts tell, as bytes.
//!
//! ```text
//! E id 16 · digest 32 · when, decimal · space · reason · space · by
//! L user key 16 · the lock's record
//! U user key 16
//! ```

use std::sync::Arc;

use uuid::Uuid;

use super::server_time::ServerTime;
use crate::domain::{SessionEnd, SessionId, Timestamp, TokenDigest, UserKey};
use crate::store::Change;
use crate::store::record::notes;

/// The change in the time of this node, if it is one that this version knows.
pub(super) fn read(bytes: &[u8], time: &ServerTime) -> Option<Change> {
    let Some(mut change) = parse(bytes) else {
        tracing::warn!(bytes = bytes.len(), "a change in Redis cannot be read");
        return None;
    };
    localize(&mut change, time);
    Some(change)
}

fn parse(bytes: &[u8]) -> Option<Change> {
    let (kind, rest) = bytes.split_first()?;
    match kind {
        b'E' => {
            let (id, rest) = rest.split_first_chunk::<16>()?;
            let (digest, rest) = rest.split_first_chunk::<32>()?;
            let mut parts = std::str::from_utf8(rest).ok()?.splitn(3, ' ');
            let (at, reason, by) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Change::Ended {
                id: SessionId::from_uuid(Uuid::from_bytes(*id)),
                digest: TokenDigest::from_bytes(*digest),
                end: end(at, reason, by)?,
            })
        }
        b'L' => {
            let (_, record) = rest.split_first_chunk::<16>()?;
            Some(Change::Locked(notes::read_lock(record).ok()?))
        }
        b'U' => Some(Change::Unlocked(UserKey::from_bytes(rest.try_into().ok()?))),
        _ => None,
    }
}

/// An end as it stands in Redis, in the server's time.
pub(super) fn end(at: &str, reason: &str, by: &str) -> Option<SessionEnd> {
    Some(SessionEnd {
        at: Timestamp::from_unix_millis(at.parse().ok()?),
        reason: reason.parse().ok()?,
        by: (!by.is_empty()).then(|| Arc::from(by)),
    })
}

fn localize(change: &mut Change, time: &ServerTime) {
    match change {
        Change::Ended { end, .. } => end.at = time.to_wall(end.at.unix_millis()),
        Change::Locked(lock) => {
            lock.since = time.to_wall(lock.since.unix_millis());
            lock.until = lock.until.map(|until| time.to_wall(until.unix_millis()));
        }
        Change::Unlocked(_) => {}
    }
}

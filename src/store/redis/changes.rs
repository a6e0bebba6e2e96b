//! What the scripts tell, as bytes.
//!
//! ```text
//! E id 16 · digest 32 · when, decimal · space · reason · space · by
//! L user key 16 · the lock's record
//! N shard 1 · length of the scope 1 · scope · number · space · when · space · reason · space · by
//! U user key 16
//! ```

use std::sync::Arc;

use uuid::Uuid;

use super::keys::Shard;
use super::server_time::ServerTime;
use crate::domain::{SessionEnd, SessionId, SpaceId, Timestamp, TokenDigest, UserKey};
use crate::store::record::notes;
use crate::store::{Change, EndScope, Epoch};

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
        b'N' => {
            let (&[shard, length], rest) = rest.split_first_chunk::<2>()?;
            let (scope, rest) = rest.split_at_checked(usize::from(length))?;
            let mut parts = std::str::from_utf8(rest).ok()?.splitn(4, ' ');
            let (number, at) = (parts.next()?, parts.next()?);
            Some(Change::Epoch(Epoch {
                scope: read_scope(scope)?,
                part: Shard::read(shard)?.part(),
                upto: number.parse().ok()?,
                end: end(at, parts.next()?, parts.next()?)?,
            }))
        }
        b'L' => {
            let (_, record) = rest.split_first_chunk::<16>()?;
            Some(Change::Locked(notes::read_lock(record).ok()?))
        }
        b'U' => Some(Change::Unlocked(UserKey::from_bytes(rest.try_into().ok()?))),
        _ => None,
    }
}

/// A scope as scripts name it.
pub(super) fn scope(scope: &EndScope) -> Vec<u8> {
    match scope {
        EndScope::Everything => b"a".to_vec(),
        EndScope::Space(space) => [b"s", space.as_str().as_bytes()].concat(),
        EndScope::User(user) => [b"u", user.as_bytes().as_slice()].concat(),
    }
}

/// What the change begins with that tells of an epoch.
pub(super) fn epoch_head(shard: Shard, scope: &[u8]) -> Vec<u8> {
    // An id of a space has 64 bytes at most.
    let length = u8::try_from(scope.len()).unwrap_or(u8::MAX);
    [&[b'N', shard.number(), length], scope].concat()
}

fn read_scope(bytes: &[u8]) -> Option<EndScope> {
    let (kind, rest) = bytes.split_first()?;
    match kind {
        b'a' => Some(EndScope::Everything),
        b's' => {
            let space = SpaceId::new(std::str::from_utf8(rest).ok()?).ok()?;
            Some(EndScope::Space(space))
        }
        b'u' => Some(EndScope::User(UserKey::from_bytes(rest.try_into().ok()?))),
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
        Change::Epoch(epoch) => epoch.end.at = time.to_wall(epoch.end.at.unix_millis()),
        Change::Locked(lock) => {
            lock.since = time.to_wall(lock.since.unix_millis());
            lock.until = lock.until.map(|until| time.to_wall(until.unix_millis()));
        }
        Change::Unlocked(_) => {}
    }
}

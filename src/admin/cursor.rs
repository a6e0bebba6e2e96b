//! Where a list goes on: opaque to its reader, and worthless for any other list.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::problem::{Problem, ProblemKind};
use crate::domain::{SessionId, random};
use crate::sessions::FindQuery;
use crate::store::StateFilter;

/// Makes and reads cursors. A cursor is the last session's id and a MAC over it and the
/// list's question, by a key that this process alone has; it lives as long as the process.
pub(super) struct Cursors(hmac::Key);

const ID: usize = 16;

impl Cursors {
    pub(super) fn new() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()))
    }

    /// The cursor behind `last` in the list that `query` asks for.
    pub(super) fn after(&self, last: SessionId, query: &FindQuery) -> String {
        let tag = hmac::sign(&self.0, &message(last, query));
        let mut bytes = last.as_uuid().as_bytes().to_vec();
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session that `cursor` is behind.
    ///
    /// # Errors
    ///
    /// When it was not made here, or for another list.
    pub(super) fn read(&self, cursor: &str, query: &FindQuery) -> Result<SessionId, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let (id, tag) = bytes
            .split_first_chunk::<ID>()
            .ok_or(ProblemKind::InvalidCursor)?;
        let id = SessionId::from_uuid(Uuid::from_bytes(*id));
        hmac::verify(&self.0, &message(id, query), tag).map_err(|_| ProblemKind::InvalidCursor)?;
        Ok(id)
    }
}

/// What the MAC is over: each part of fixed length, or preceded by its length.
fn message(last: SessionId, query: &FindQuery) -> Vec<u8> {
    let space = query.space.as_ref().map_or("", |space| space.as_str());
    let state = match query.state {
        StateFilter::Open => 0,
        StateFilter::Ended => 1,
        StateFilter::All => 2,
    };
    let mut message = last.as_uuid().as_bytes().to_vec();
    message.extend_from_slice(&(space.len() as u64).to_be_bytes());
    message.extend_from_slice(space.as_bytes());
    message.push(state);
    if let Some(user) = query.user {
        message.extend_from_slice(user.as_bytes());
    }
    message
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SpaceId, Timestamp, UserKey};

    #[test]
    fn s32_a_cursor_is_of_one_list_and_one_process() {
        let cursors = Cursors::new();
        let one = SpaceId::new("1").unwrap();
        let list = FindQuery {
            space: Some(one.clone()),
            limit: 10,
            ..FindQuery::default()
        };
        let last = SessionId::generate(Timestamp::from_unix_millis(1_000));
        let cursor = cursors.after(last, &list);
        let larger = FindQuery {
            limit: 20,
            ..list.clone()
        };
        for same in [&list, &larger] {
            assert_eq!(cursors.read(&cursor, same).unwrap(), last);
        }
        for other in [
            FindQuery {
                space: Some(SpaceId::new("2").unwrap()),
                ..list.clone()
            },
            FindQuery {
                state: StateFilter::All,
                ..list.clone()
            },
            FindQuery {
                user: Some(UserKey::new(&one, "LAB", "ann")),
                ..list.clone()
            },
        ] {
            assert!(cursors.read(&cursor, &other).is_err(), "{other:?}");
        }
        assert!(Cursors::new().read(&cursor, &list).is_err());
        for at in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            assert!(cursors.read(&tampered, &list).is_err(), "at {at}");
        }
        for nonsense in ["", "A", "!", &cursor[..22], &format!("{cursor}AAAA")] {
            assert!(cursors.read(nonsense, &list).is_err(), "{nonsense}");
        }
    }
}

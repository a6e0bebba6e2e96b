//! Where a list goes on: opaque to its reader, and worthless for any other list.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::problem::{Problem, ProblemKind};
use crate::domain::{SessionId, SharedSecret, SpaceId, UserKey};
use crate::store::StateFilter;

/// Makes and reads cursors. A cursor is a position and a MAC over it and the list's question,
/// by a key that this process alone has, or all of a fleet; it lives as long as the key.
pub(super) struct Cursors(hmac::Key);

/// A list's question: a cursor is of no use for another one. How long a page is is no part
/// of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed<'q> {
    pub(super) space: &'q SpaceId,
    pub(super) state: StateFilter,
    pub(super) user: Option<UserKey>,
    pub(super) filter: Option<&'q str>,
    /// `None` for newest first.
    pub(super) order: Option<&'q str>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Behind this session, of a list that is newest first: whatever starts and ends.
    Behind(SessionId),
    /// After so many, of a list in another order.
    Offset(u64),
}

const POSITION: usize = 16;

impl Cursors {
    /// Cursors of those who know `secret`.
    pub(super) fn new(secret: &SharedSecret) -> Self {
        let key = secret.key("cursors of the native API");
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The cursor at `position` of `list`.
    pub(super) fn make(&self, position: Position, list: &Listed<'_>) -> String {
        let mut bytes = match position {
            Position::Behind(id) => id.as_uuid().into_bytes(),
            Position::Offset(offset) => u128::from(offset).to_be_bytes(),
        }
        .to_vec();
        let tag = hmac::sign(&self.0, &message(&bytes, list));
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that `cursor` is at.
    ///
    /// # Errors
    ///
    /// When it was not made here, or for another list.
    pub(super) fn read(&self, cursor: &str, list: &Listed<'_>) -> Result<Position, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let (position, tag) = bytes
            .split_first_chunk::<POSITION>()
            .ok_or(ProblemKind::InvalidCursor)?;
        hmac::verify(&self.0, &message(position, list), tag)
            .map_err(|_| ProblemKind::InvalidCursor)?;
        if list.order.is_none() {
            let id = SessionId::from_uuid(Uuid::from_bytes(*position));
            return Ok(Position::Behind(id));
        }
        let offset = u64::try_from(u128::from_be_bytes(*position));
        Ok(Position::Offset(
            offset.map_err(|_| ProblemKind::InvalidCursor)?,
        ))
    }
}

/// What the MAC is over: each part of fixed length, or preceded by its length.
fn message(position: &[u8], list: &Listed<'_>) -> Vec<u8> {
    let mut message = position.to_vec();
    message.push(match list.state {
        StateFilter::Open => 0,
        StateFilter::Ended => 1,
        StateFilter::All => 2,
    });
    let mut add = |part: Option<&[u8]>| {
        message.push(u8::from(part.is_some()));
        let part = part.unwrap_or_default();
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    };
    add(Some(list.space.as_str().as_bytes()));
    add(list.user.as_ref().map(|user| user.as_bytes().as_slice()));
    add(list.filter.map(str::as_bytes));
    add(list.order.map(str::as_bytes));
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
    use crate::domain::Timestamp;

    #[test]
    fn s32_a_cursor_is_of_one_list_and_one_fleet() {
        let secret = SharedSecret::generate();
        let cursors = Cursors::new(&secret);
        let (one, two) = (SpaceId::new("1").unwrap(), SpaceId::new("2").unwrap());
        let list = Listed {
            space: &one,
            state: StateFilter::Open,
            user: None,
            filter: None,
            order: None,
        };
        let last = SessionId::generate(Timestamp::from_unix_millis(1_000));
        let cursor = cursors.make(Position::Behind(last), &list);
        assert_eq!(
            cursors.read(&cursor, &list).unwrap(),
            Position::Behind(last)
        );
        for other in [
            Listed {
                space: &two,
                ..list
            },
            Listed {
                state: StateFilter::All,
                ..list
            },
            Listed {
                user: Some(UserKey::new(&one, "LAB", "ann")),
                ..list
            },
            Listed {
                filter: Some(""),
                ..list
            },
            Listed {
                order: Some(""),
                ..list
            },
        ] {
            assert!(cursors.read(&cursor, &other).is_err(), "{other:?}");
        }
        let elsewhere = Cursors::new(&secret).read(&cursor, &list);
        assert_eq!(elsewhere.unwrap(), Position::Behind(last));
        let stranger = Cursors::new(&SharedSecret::generate());
        assert!(stranger.read(&cursor, &list).is_err());
        for at in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            assert!(cursors.read(&tampered, &list).is_err(), "at {at}");
        }
        for nonsense in ["", "A", "!", &cursor[..22], &format!("{cursor}AAAA")] {
            assert!(cursors.read(nonsense, &list).is_err(), "{nonsense}");
        }
        let sorted = Listed {
            order: Some("-id"),
            ..list
        };
        let cursor = cursors.make(Position::Offset(70_000), &sorted);
        assert_eq!(
            cursors.read(&cursor, &sorted).unwrap(),
            Position::Offset(70_000)
        );
    }
}

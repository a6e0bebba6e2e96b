//! Names of things that may be seen by anybody: never a secret.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use super::{Timestamp, random};

/// The public id of a session: a UUID version 7 (RFC 9562), so ids sort by start time.
///
/// It names the session in lists, logs and headers; it does not open it (the token does).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(Uuid);

/// The random bytes of a version 7 UUID are a hash: all of its tail but the variant's byte.
impl Hash for SessionId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [_, _, _, _, _, _, _, a, _, b, c, d, e, f, g, h] = *self.0.as_bytes();
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl SessionId {
    /// A new id for a session that starts at `time`.
    #[must_use]
    pub fn generate(time: Timestamp) -> Self {
        Self(uuid_v7(time))
    }

    /// The id with this UUID; any version is taken, as an id may come from another store.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The smallest id of a session that starts at `time`: a bound for ranges.
    #[must_use]
    pub fn first_at(time: Timestamp) -> Self {
        let millis = u64::try_from(time.unix_millis())
            .unwrap_or(0)
            .min((1 << 48) - 1);
        Self(Uuid::from_u64_pair(millis << 16, 0))
    }

    /// As a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;

    /// # Errors
    ///
    /// When `text` is not a UUID.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Names one act of authentication; sessions opened by one sign-on share it
/// (`session_identifier` in the Octane dialect).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignOnId(Uuid);

impl SignOnId {
    /// A new one.
    #[must_use]
    pub fn generate(time: Timestamp) -> Self {
        Self(uuid_v7(time))
    }

    /// The sign-on with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// As a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for SignOnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for SignOnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn uuid_v7(time: Timestamp) -> Uuid {
    let millis = u64::try_from(time.unix_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random::bytes()).into_uuid()
}

/// The id of a space: 1 to 64 of `A-Z a-z 0-9 . _ ~ -`, as `1001`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(Arc<str>);

/// Why a text is no [`SpaceId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("space id `{0}` is not 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -")]
pub struct SpaceIdError(String);

impl SpaceId {
    /// The space id `text`.
    ///
    /// # Errors
    ///
    /// When `text` is empty, longer than 64 characters, or has a character that is not
    /// unreserved in a URL (RFC 3986, section 2.3).
    pub fn new(text: &str) -> Result<Self, SpaceIdError> {
        let unreserved =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(text.into()))
        } else {
            Err(SpaceIdError(text.chars().take(80).collect()))
        }
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for SpaceId {
    type Err = SpaceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_are_version_7_and_sort_by_start() {
        let early = SessionId::generate(Timestamp::from_unix_millis(1_000));
        let late = SessionId::generate(Timestamp::from_unix_millis(2_000));
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn a_space_id_is_url_safe() {
        assert_eq!(
            SpaceId::new("1001").map(|id| id.to_string()),
            Ok("1001".to_owned())
        );
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(SpaceId::new(bad).is_err(), "{bad:?} was taken");
        }
    }
}

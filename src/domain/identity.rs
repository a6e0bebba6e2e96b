//! Who a caller is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Attributes, SpaceId, TokenDigest};

/// A user as authentication found them: directory, id, name, e-mail and attributes.
///
/// Directory and id are the key of a user and are compared without case. Immutable; the
/// texts share one allocation, the attributes may be shared between identities.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// directory, id, name, e-mail, one after the other.
    text: Box<str>,
    /// Where directory, id and name end.
    ends: [u16; 3],
    number: u64,
    attributes: Arc<Attributes>,
}

/// Why a text can be no part of an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Directory and id must not be blank.
    #[error("the user {0} is blank")]
    Blank(&'static str),
    /// A backslash would make `directory\id` ambiguous.
    #[error("the user {0} contains a backslash")]
    Backslash(&'static str),
    /// Control characters have no place in a name and none in a header.
    #[error("the user {0} contains a control character")]
    Control(&'static str),
    /// Each part is at most [`Identity::MAX_PART`] bytes.
    #[error("the user {part} is {len} bytes long, more than {max}", max = Identity::MAX_PART)]
    TooLong {
        /// Which part.
        part: &'static str,
        /// Its length in bytes.
        len: usize,
    },
}

impl Identity {
    /// Bytes that a directory, id, name or e-mail may have.
    pub const MAX_PART: usize = 1024;

    /// The user `id` of `directory`, whose name is their id until [`with_name`] says more.
    /// Both are trimmed.
    ///
    /// ```
    /// use gatepass::domain::Identity;
    ///
    /// let alice = Identity::new("DEMO", "alice")?.with_name("Alice Adams")?;
    /// assert_eq!(alice.to_string(), r"DEMO\alice");
    /// # Ok::<(), gatepass::domain::IdentityError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When either is blank, longer than [`MAX_PART`](Self::MAX_PART) bytes, or contains a
    /// backslash or a control character.
    ///
    /// [`with_name`]: Self::with_name
    pub fn new(directory: &str, id: &str) -> Result<Self, IdentityError> {
        let directory = key_part("directory", directory)?;
        let id = key_part("id", id)?;
        Ok(Self::pack(
            [directory, id, id, ""],
            number(directory, id),
            Arc::default(),
        ))
    }

    /// A user of whom all of this is known; a blank name is the id, a blank e-mail is none.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), [`with_name`](Self::with_name) and
    /// [`with_email`](Self::with_email).
    pub fn with_all(
        directory: &str,
        id: &str,
        name: &str,
        email: &str,
    ) -> Result<Self, IdentityError> {
        let directory = key_part("directory", directory)?;
        let id = key_part("id", id)?;
        let (name, email) = (part("name", name)?, part("e-mail", email)?);
        let name = if name.is_empty() { id } else { name };
        Ok(Self::pack(
            [directory, id, name, email],
            number(directory, id),
            Arc::default(),
        ))
    }

    /// The same user with this display name; a blank one changes nothing.
    ///
    /// # Errors
    ///
    /// When it is too long or contains a control character.
    pub fn with_name(self, name: &str) -> Result<Self, IdentityError> {
        let name = part("name", name)?;
        if name.is_empty() {
            return Ok(self);
        }
        Ok(Self::pack(
            [
                self.directory(),
                self.id(),
                name,
                self.email().unwrap_or(""),
            ],
            self.number,
            Arc::clone(&self.attributes),
        ))
    }

    /// The same user with this e-mail address; a blank one is none. The address itself is
    /// not checked: it came from whoever vouches for the user.
    ///
    /// # Errors
    ///
    /// When it is too long or contains a control character.
    pub fn with_email(self, email: &str) -> Result<Self, IdentityError> {
        let email = part("e-mail", email)?;
        Ok(Self::pack(
            [self.directory(), self.id(), self.name(), email],
            self.number,
            Arc::clone(&self.attributes),
        ))
    }

    /// The same user with these attributes.
    #[must_use]
    pub fn with_attributes(mut self, attributes: impl Into<Arc<Attributes>>) -> Self {
        self.attributes = attributes.into();
        self
    }

    /// The user directory, as `DEMO`.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.text[..usize::from(self.ends[0])]
    }

    /// The user id within the directory.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.text[usize::from(self.ends[0])..usize::from(self.ends[1])]
    }

    /// The name to show; the id when nothing better is known.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[usize::from(self.ends[1])..usize::from(self.ends[2])]
    }

    /// The e-mail address, when one is known.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        Some(&self.text[usize::from(self.ends[2])..]).filter(|e| !e.is_empty())
    }

    /// A number for the user: the same in every space, on every node and after every
    /// restart, whatever the case of directory and id. Below 2^63.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What else is known.
    #[must_use]
    pub fn attributes(&self) -> &Arc<Attributes> {
        &self.attributes
    }

    /// The key of this user in `space`.
    #[must_use]
    pub fn key(&self, space: &SpaceId) -> UserKey {
        UserKey::new(space, self.directory(), self.id())
    }

    /// Whether both are the same user, whatever else is known of them.
    #[must_use]
    pub fn same_user(&self, other: &Self) -> bool {
        fold(self.directory()).eq(fold(other.directory())) && fold(self.id()).eq(fold(other.id()))
    }

    fn pack(parts: [&str; 4], number: u64, attributes: Arc<Attributes>) -> Self {
        let mut end = 0;
        let ends = [0, 1, 2].map(|i: usize| {
            end += parts[i].len();
            u16::try_from(end).expect("three parts of at most 1,024 bytes")
        });
        Self {
            text: parts.concat().into(),
            ends,
            number,
            attributes,
        }
    }
}

impl fmt::Display for Identity {
    /// `directory\id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\\{}", self.directory(), self.id())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("directory", &self.directory())
            .field("id", &self.id())
            .field("name", &self.name())
            .field("email", &self.email())
            .field("attributes", &self.attributes)
            .finish()
    }
}

/// A user in a space, without case: 128 bits of a digest, so an index of users costs 16
/// bytes each and shows no names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UserKey([u8; 16]);

/// Half of a digest's bytes are a hash.
impl Hash for UserKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl UserKey {
    /// The key of user `id` of `directory` in `space`. Both are trimmed and compared without
    /// case, as directories of users do.
    #[must_use]
    pub fn new(space: &SpaceId, directory: &str, id: &str) -> Self {
        let (directory, id) = (folded(directory.trim()), folded(id.trim()));
        let digest = TokenDigest::of_parts(&[
            space.as_str().as_bytes(),
            directory.as_bytes(),
            id.as_bytes(),
        ]);
        let mut key = [0; 16];
        key.copy_from_slice(&digest.as_bytes()[..16]);
        Self(key)
    }

    /// The key with these bytes, as read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

fn number(directory: &str, id: &str) -> u64 {
    let (directory, id) = (folded(directory), folded(id));
    let digest = TokenDigest::of_parts(&[b"user-number", directory.as_bytes(), id.as_bytes()]);
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1
}

/// `text` without case; most names are ASCII, which is folded in one go.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    fold(text).collect()
}

fn fold(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

fn key_part<'a>(what: &'static str, text: &'a str) -> Result<&'a str, IdentityError> {
    let text = part(what, text)?;
    if text.is_empty() {
        Err(IdentityError::Blank(what))
    } else if text.contains('\\') {
        Err(IdentityError::Backslash(what))
    } else {
        Ok(text)
    }
}

fn part<'a>(what: &'static str, text: &'a str) -> Result<&'a str, IdentityError> {
    let text = text.trim();
    if text.len() > Identity::MAX_PART {
        Err(IdentityError::TooLong {
            part: what,
            len: text.len(),
        })
    } else if text.contains(char::is_control) {
        Err(IdentityError::Control(what))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        let user = Identity::new(" LAB ", "jörg")
            .and_then(|u| u.with_email("j@b.c"))
            .and_then(|u| u.with_name("Jörg"))
            .unwrap();
        assert_eq!(
            (user.directory(), user.id(), user.name(), user.email()),
            ("LAB", "jörg", "Jörg", Some("j@b.c"))
        );
        let plain = Identity::new("LAB", "x").unwrap().with_name(" ").unwrap();
        assert_eq!((plain.name(), plain.email()), ("x", None));
    }

    #[test]
    fn users_compare_without_case_and_per_space() {
        let (one, two) = (SpaceId::new("1").unwrap(), SpaceId::new("2").unwrap());
        assert_eq!(
            UserKey::new(&one, "Lab", "ÄNNE"),
            UserKey::new(&one, " lab", "änne ")
        );
        assert_ne!(
            UserKey::new(&one, "lab", "a"),
            UserKey::new(&two, "lab", "a")
        );
        assert_ne!(
            UserKey::new(&one, "la", "ba"),
            UserKey::new(&one, "lab", "a")
        );
        for text in ["ANN.b_7", "ÄNNE", "İ", "ß"] {
            assert_eq!(folded(text), fold(text).collect::<String>());
        }
        let number = |directory, id| Identity::new(directory, id).unwrap().number();
        assert_eq!(number("Lab", "ÄNNE"), number("lab", "änne"));
        assert_ne!(number("la", "ba"), number("lab", "a"));
        assert!(
            Identity::new("LAB", "Bob")
                .unwrap()
                .same_user(&Identity::new("lab", "bOB").unwrap())
        );
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!(
            Identity::new(" ", "a"),
            Err(IdentityError::Blank("directory"))
        );
        assert_eq!(
            Identity::new("d", "a\\b"),
            Err(IdentityError::Backslash("id"))
        );
        assert_eq!(
            Identity::new("d", "a\r\nX: y"),
            Err(IdentityError::Control("id"))
        );
        assert!(matches!(
            Identity::new("d", &"x".repeat(1025)),
            Err(IdentityError::TooLong {
                part: "id",
                len: 1025
            })
        ));
        assert!(Identity::new("d", "a").unwrap().with_name("a\0").is_err());
    }
}

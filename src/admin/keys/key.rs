//! One API key, and how it is made.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::secret::StoredSecret;
use super::{Principal, Role};
use crate::domain::{SpaceId, SpaceIdError, Timestamp};

/// An API key without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    id: Arc<str>,
    role: Role,
    spaces: Vec<SpaceId>,
    secret: StoredSecret,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
    label: Option<String>,
}

/// A key to be made.
///
/// ```
/// use gatepass::admin::keys::{ApiKeys, NewKey, Role};
/// use gatepass::domain::{Clock, SystemClock};
///
/// let now = SystemClock::new().wall();
/// let (key, bearer) = NewKey::new("ops", Role::SiteAdmin).make(now)?;
/// assert!(bearer.starts_with("ops."));
/// let keys = ApiKeys::new([key]);
/// # Ok::<(), gatepass::admin::keys::KeyError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct NewKey {
    id: String,
    role: Role,
    spaces: Vec<SpaceId>,
    chosen: Option<Secret>,
    expires: Option<Timestamp>,
    label: Option<String>,
}

/// A secret that does not print.
struct Secret(Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The id cannot be told from what follows it, or is no name.
    #[error("key id `{0}` is not 1 to 64 of the characters A-Z a-z 0-9 _ -")]
    Id(String),
    /// Another key has the id.
    #[error("there is a key `{0}` already")]
    Duplicate(String),
    /// No key has the id.
    #[error("there is no key `{0}`")]
    Unknown(String),
    /// The role is none.
    #[error("role `{0}` is none of site-admin, space-admin, reader")]
    Role(String),
    /// A space administrator of nothing.
    #[error("a space-admin key needs `spaces`, the ids of the spaces it is for")]
    NoSpaces,
    /// A site administrator of something.
    #[error("a site-admin key is for every space, so it has no `spaces`")]
    SiteAdminWithSpaces,
    /// One of the spaces cannot be.
    #[error(transparent)]
    Space(#[from] SpaceIdError),
    /// Neither kind of secret, or both.
    #[error("a key has either `digest` or `hash`")]
    SecretFields,
    /// The digest of a generated secret is none.
    #[error("`digest` is not `sha256:` and 43 characters of base64url")]
    Digest,
    /// The hash of a chosen secret is none that is accepted.
    #[error("`hash` is no acceptable argon2id hash: {0}")]
    Hash(String),
    /// A chosen secret is too easy to guess or cannot be sent.
    #[error("a chosen secret has {min} to {max} visible ASCII characters and no blank")]
    Secret {
        /// The fewest characters.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A time is no point in time.
    #[error("`{0}` is not a date and time with an offset, as 2027-01-31T12:00:00Z")]
    Time(&'static str),
}

impl NewKey {
    /// A key named `id` with this role, for no space in particular, that does not expire.
    pub fn new(id: impl Into<String>, role: Role) -> Self {
        Self {
            id: id.into(),
            role,
            spaces: Vec::new(),
            chosen: None,
            expires: None,
            label: None,
        }
    }

    /// The spaces it is for.
    pub fn spaces(mut self, spaces: impl IntoIterator<Item = SpaceId>) -> Self {
        self.spaces = spaces.into_iter().collect();
        self
    }

    /// A secret of the caller's choice. Default: a generated one, which is better.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.chosen = Some(Secret(Zeroizing::new(secret.into())));
        self
    }

    /// When it stops working. Default: never.
    pub const fn expires(mut self, at: Timestamp) -> Self {
        self.expires = Some(at);
        self
    }

    /// What it is for, in words.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Makes the key. The text returned with it, `<key id>.<secret>`, is what its owner
    /// presents; it cannot be had again. A chosen secret takes tens of milliseconds to hash.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when id, role and spaces do not go together, or the chosen secret is weak.
    pub fn make(self, now: Timestamp) -> Result<(ApiKey, Zeroizing<String>), KeyError> {
        let (text, secret) = match self.chosen {
            Some(Secret(text)) => {
                let kept = StoredSecret::of_chosen(&text)?;
                (text, kept)
            }
            None => StoredSecret::generate(),
        };
        let key = ApiKey::new(Parts {
            id: self.id,
            role: self.role,
            spaces: self.spaces,
            secret,
            created: Some(now),
            expires: self.expires,
            label: self.label,
        })?;
        let bearer = Zeroizing::new(format!("{}.{}", key.id, *text));
        Ok((key, bearer))
    }
}

/// What a key is made of, unchecked.
pub(super) struct Parts {
    pub(super) id: String,
    pub(super) role: Role,
    pub(super) spaces: Vec<SpaceId>,
    pub(super) secret: StoredSecret,
    pub(super) created: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) label: Option<String>,
}

impl ApiKey {
    pub(super) fn new(parts: Parts) -> Result<Self, KeyError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if !(1..=64).contains(&parts.id.len()) || !parts.id.bytes().all(legal) {
            return Err(KeyError::Id(parts.id.chars().take(80).collect()));
        }
        match parts.role {
            Role::SpaceAdmin if parts.spaces.is_empty() => return Err(KeyError::NoSpaces),
            Role::SiteAdmin if !parts.spaces.is_empty() => {
                return Err(KeyError::SiteAdminWithSpaces);
            }
            Role::SiteAdmin | Role::SpaceAdmin | Role::Reader => {}
        }
        Ok(Self {
            id: parts.id.into(),
            role: parts.role,
            spaces: parts.spaces,
            secret: parts.secret,
            created: parts.created,
            expires: parts.expires,
            label: parts.label,
        })
    }

    /// Its id, the part of a bearer token before the dot.
    #[must_use]
    pub const fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What it may do.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The spaces it names.
    #[must_use]
    pub fn spaces(&self) -> &[SpaceId] {
        &self.spaces
    }

    /// When it was made, if the file says.
    #[must_use]
    pub const fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// When it stops working, if ever.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// What it is for, in words.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Whether its secret was chosen by a person.
    #[must_use]
    pub const fn is_chosen(&self) -> bool {
        matches!(self.secret, StoredSecret::Hash(_))
    }

    pub(super) const fn secret(&self) -> &StoredSecret {
        &self.secret
    }

    pub(super) fn principal(&self) -> Principal {
        Principal::new(Arc::clone(&self.id), self.role, &self.spaces)
    }
}

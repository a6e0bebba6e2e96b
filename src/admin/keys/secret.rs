//! What is kept of a key's secret.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::KeyError;
use crate::domain::{TokenDigest, random};

/// What is kept of a secret: enough to recognise it, not enough to present it.
#[derive(Clone)]
pub(super) enum StoredSecret {
    /// SHA-256 of a generated one.
    Digest(TokenDigest),
    /// Argon2id of a chosen one.
    Hash(Arc<ChosenHash>),
}

/// An argon2id hash and what it takes to check it.
pub(super) struct ChosenHash {
    text: String,
    parsed: PasswordHash,
    /// KiB of memory times passes.
    cost: u64,
}

impl StoredSecret {
    /// A new random secret, and what is kept of it.
    pub(super) fn generate() -> (Zeroizing<String>, Self) {
        let bytes = Zeroizing::new(random::bytes::<32>());
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
        let kept = Self::Digest(TokenDigest::of(text.as_bytes()));
        (text, kept)
    }

    /// What is kept of a secret that a person chose. Takes tens of milliseconds.
    ///
    /// # Errors
    ///
    /// When the secret is too short, too long, or cannot be sent in a header.
    pub(super) fn of_chosen(secret: &str) -> Result<Self, KeyError> {
        let sendable = secret.bytes().all(|b| b.is_ascii_graphic());
        if !(MIN_CHOSEN..=MAX_CHOSEN).contains(&secret.len()) || !sendable {
            return Err(KeyError::Secret {
                min: MIN_CHOSEN,
                max: MAX_CHOSEN,
            });
        }
        let hash: PasswordHash = Argon2::default()
            .hash_password_with_salt(secret.as_bytes(), &random::bytes::<16>())
            .map_err(|e| KeyError::Hash(e.to_string()))?;
        Self::parse_hash(&hash.to_string())
    }

    /// The digest that is written `sha256:<base64url>`.
    pub(super) fn parse_digest(text: &str) -> Result<Self, KeyError> {
        text.strip_prefix("sha256:")
            .and_then(|b64| URL_SAFE_NO_PAD.decode(b64).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| Self::Digest(TokenDigest::from_bytes(bytes)))
            .ok_or(KeyError::Digest)
    }

    /// The hash that is written `$argon2id$...` (PHC string format).
    pub(super) fn parse_hash(text: &str) -> Result<Self, KeyError> {
        let bad = |why: &str| KeyError::Hash(why.to_owned());
        let parsed = PasswordHash::new(text).map_err(|e| bad(&e.to_string()))?;
        if parsed.algorithm.as_str() != "argon2id" {
            return Err(bad("the algorithm is not argon2id"));
        }
        if parsed.hash.is_none() || parsed.salt.is_none() {
            return Err(bad("the salt or the hash itself is missing"));
        }
        let params = Params::try_from(&parsed).map_err(|e| bad(&e.to_string()))?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > 4 {
            return Err(bad("it costs more than 256 MiB, 16 passes or 4 lanes"));
        }
        Ok(Self::Hash(Arc::new(ChosenHash {
            text: text.to_owned(),
            cost: u64::from(params.m_cost()) * u64::from(params.t_cost()),
            parsed,
        })))
    }

    /// The field of the keys file that holds it, and its text there.
    pub(super) fn to_field(&self) -> (&'static str, String) {
        match self {
            Self::Digest(digest) => {
                let b64 = URL_SAFE_NO_PAD.encode(digest.as_bytes());
                ("digest", format!("sha256:{b64}"))
            }
            Self::Hash(hash) => ("hash", hash.text.clone()),
        }
    }
}

impl ChosenHash {
    /// Whether `secret` is the one. Takes tens of milliseconds, so not on a worker thread.
    pub(super) fn is_of(&self, secret: &str) -> bool {
        Argon2::default()
            .verify_password(secret.as_bytes(), &self.parsed)
            .is_ok()
    }

    /// How long a check takes, in no particular unit.
    pub(super) const fn cost(&self) -> u64 {
        self.cost
    }
}

/// Compares in a time that depends on neither.
pub(super) fn same(one: &TokenDigest, other: &TokenDigest) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest(_) => "Digest(..)",
            Self::Hash(_) => "Hash(..)",
        })
    }
}

impl fmt::Debug for ChosenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChosenHash(..)")
    }
}

const MIN_CHOSEN: usize = 16;
const MAX_CHOSEN: usize = 256;
/// A hash from the file decides what a failed call costs us, so it has bounds.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;

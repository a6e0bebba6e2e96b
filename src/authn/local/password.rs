//! Hashes of passwords, as PHC strings (`$argon2id$...`).

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{
    ARGON2ID_IDENT, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _,
};

use crate::domain::random;

/// Bytes that a password may have.
pub const MAX_PASSWORD: usize = 1024;

/// The argon2id hash of a password.
#[derive(Clone)]
pub(super) struct Hashed {
    hash: PasswordHash,
    params: Params,
}

/// Why a password, or the hash of one, is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// There is none.
    #[error("the password is empty")]
    Empty,
    /// It is too long.
    #[error("the password is {0} bytes long, more than {MAX_PASSWORD}")]
    TooLong(usize),
    /// The hash is no PHC string.
    #[error("the password is not a hash of the form `$argon2id$v=19$m=..,t=..,p=..$salt$hash`")]
    NotAHash,
    /// The hash is made with something else.
    #[error("the password's hash is not made with argon2id")]
    NotArgon2id,
    /// Verifying the hash would take too much.
    #[error(
        "the password's hash needs {memory} KiB, {passes} passes and {lanes} lanes; at most {} KiB, {} and {} are allowed",
        MOST.0, MOST.1, MOST.2
    )]
    TooCostly {
        /// KiB.
        memory: u32,
        /// Passes over the memory.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// The machine cannot hash.
    #[error("the password cannot be hashed here: out of memory")]
    Hashing,
}

impl Hashed {
    /// The hash of `password` with a new salt, at the recommended strength.
    pub(super) fn of(password: &str) -> Result<Self, PasswordError> {
        match password.len() {
            0 => return Err(PasswordError::Empty),
            1..=MAX_PASSWORD => {}
            len => return Err(PasswordError::TooLong(len)),
        }
        let hash = Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &random::bytes::<16>())
            .map_err(|_| PasswordError::Hashing)?;
        Self::check(hash)
    }

    /// The hash that `text` spells.
    pub(super) fn parse(text: &str) -> Result<Self, PasswordError> {
        Self::check(PasswordHash::new(text).map_err(|_| PasswordError::NotAHash)?)
    }

    /// A hash of nothing that is known, which costs as much to verify as the costliest of
    /// `others` does (or a new one, without any).
    pub(super) fn decoy<'a>(others: impl Iterator<Item = &'a Self>) -> Self {
        let cost = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
        let params = others
            .map(|hashed| hashed.params.clone())
            .max_by_key(cost)
            .unwrap_or_default();
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(0x13),
            params: ParamsString::try_from(&params).expect("they come from such a text"),
            salt: Some(Salt::new(&random::bytes::<16>()).expect("16 bytes are a salt")),
            hash: Some(Output::new(&random::bytes::<32>()).expect("32 bytes are an output")),
        };
        Self { hash, params }
    }

    /// Whether `password` is the one. Takes tens of milliseconds and the memory that the hash
    /// says: never to be called on an async thread.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let verified = Argon2::default().verify_password(password, &self.hash);
        verified.is_ok()
    }

    /// What verifying costs: KiB, passes, lanes.
    pub(super) fn cost(&self) -> (u32, u32, u32) {
        let params = &self.params;
        (params.m_cost(), params.t_cost(), params.p_cost())
    }

    fn check(hash: PasswordHash) -> Result<Self, PasswordError> {
        if hash.algorithm != ARGON2ID_IDENT {
            return Err(PasswordError::NotArgon2id);
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError::NotAHash);
        }
        let params = Params::try_from(&hash).map_err(|_| PasswordError::NotAHash)?;
        let made = Self { hash, params };
        let (memory, passes, lanes) = made.cost();
        if memory > MOST.0 || passes > MOST.1 || lanes > MOST.2 {
            return Err(PasswordError::TooCostly {
                memory,
                passes,
                lanes,
            });
        }
        Ok(made)
    }
}

impl fmt::Display for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.fmt(f)
    }
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(..)")
    }
}

/// KiB, passes and lanes that a hash in the file may ask for.
const MOST: (u32, u32, u32) = (256 * 1024, 16, 16);

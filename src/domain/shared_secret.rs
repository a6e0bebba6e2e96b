//! What the processes of a fleet know and nobody else.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroize;

use super::random;

/// A secret that all processes on one store have in common: 256 random bits. It opens no
/// session; what one process hands out and another takes back is authenticated with keys that
/// follow from it, another for each purpose. Never logged; wiped when dropped.
#[derive(Clone)]
pub struct SharedSecret([u8; Self::BYTES]);

impl SharedSecret {
    /// Bytes of a secret, and of every key that follows from it.
    pub const BYTES: usize = 32;

    /// A new secret.
    #[must_use]
    pub fn generate() -> Self {
        Self(random::bytes())
    }

    /// The secret that consists of `bytes`, as a store has kept it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret itself, for a store to keep.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The key for `purpose`: HKDF (RFC 5869) with SHA-256, so that one key tells nothing of
    /// the secret nor of another.
    #[must_use]
    pub fn key(&self, purpose: &str) -> [u8; Self::BYTES] {
        let mut key = [0; Self::BYTES];
        let extracted = Salt::new(HKDF_SHA256, b"gatepass").extract(&self.0);
        extracted
            .expand(&[purpose.as_bytes()], KeyLength)
            .and_then(|expanded| expanded.fill(&mut key))
            .expect("a key is not longer than HKDF can fill");
        key
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

impl Drop for SharedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        SharedSecret::BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_from_the_secret_and_the_purpose() {
        let secret = SharedSecret::generate();
        let kept = SharedSecret::from_bytes(*secret.expose());
        assert_eq!(secret.key("a"), kept.key("a"));
        assert_ne!(secret.key("a"), secret.key("b"));
        assert_ne!(secret.key("a"), SharedSecret::generate().key("a"));
        assert_ne!(&secret.key("a"), secret.expose());
        assert_eq!(format!("{secret:?}"), "SharedSecret(..)");
    }
}

//! The secret in the cookie, and the digest that is all the process keeps of it.

use std::fmt;
use std::hash::{Hash, Hasher};

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroize;

use super::random;

/// A session's secret: 256 bits from the operating system's generator, shown as 43
/// characters of base64url. Never logged, never stored; wiped when dropped.
pub struct Token([u8; Self::BYTES]);

/// A text that is no token. It does not say what the text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session token: {expected} characters of base64url are needed", expected = Token::TEXT)]
pub struct TokenError;

impl Token {
    /// Random bytes in a token.
    pub const BYTES: usize = 32;
    /// Characters in a token's text.
    pub const TEXT: usize = 43;

    /// A new token.
    #[must_use]
    pub fn generate() -> Self {
        Self(random::bytes())
    }

    /// The token whose text is `text`.
    ///
    /// # Errors
    ///
    /// When `text` is not exactly the text of a token: another length, another alphabet, or
    /// spare bits set (so that one token has one spelling).
    pub fn parse(text: &[u8]) -> Result<Self, TokenError> {
        if text.len() != Self::TEXT {
            return Err(TokenError);
        }
        let mut out = [0; Self::BYTES];
        match URL_SAFE_NO_PAD.decode_slice_unchecked(text, &mut out) {
            Ok(Self::BYTES) => Ok(Self(out)),
            _ => Err(TokenError),
        }
    }

    /// What the process keeps.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }

    /// What the process keeps of a token that opens the side port. It is another digest than
    /// [`digest`](Self::digest), so that a token is of no use at the door that is not its own:
    /// an API client's opens no application, a user's opens no administration.
    #[must_use]
    pub fn side_port_digest(&self) -> TokenDigest {
        TokenDigest::of_parts(&[b"side-port", &self.0])
    }

    /// The text for the cookie. The caller sends it to the client and nowhere else.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// SHA-256 of a secret: the key of the session table. A read-out of the table opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of `secret`.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self::from_slice(digest(&SHA256, secret).as_ref())
    }

    /// The digest of a secret that a trusted program chose and sets itself as the session
    /// cookie. A text that happens to be a token's has that token's digest, so that the cookie
    /// opens the session either way. `None` when `text` can be no such secret: it needs
    /// [`MIN_CHOSEN`](Self::MIN_CHOSEN) to [`MAX_CHOSEN`](Self::MAX_CHOSEN) characters that a
    /// cookie may have (RFC 6265, section 4.1.1).
    #[must_use]
    pub fn of_chosen(text: &[u8]) -> Option<Self> {
        if let Ok(token) = Token::parse(text) {
            return Some(token.digest());
        }
        let octet =
            |b: &u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
        let fits = (Self::MIN_CHOSEN..=Self::MAX_CHOSEN).contains(&text.len());
        (fits && text.iter().all(octet)).then(|| Self::of_parts(&[b"chosen", text]))
    }

    /// Characters that a chosen secret needs at least.
    pub const MIN_CHOSEN: usize = 16;
    /// Characters that a chosen secret may have at most.
    pub const MAX_CHOSEN: usize = 256;

    /// The digest of a tuple: each part is preceded by its length, so no two different
    /// tuples share a digest.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Self::from_slice(context.finish().as_ref())
    }

    /// The digest with these bytes, as read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_slice(bytes: &[u8]) -> Self {
        Self(bytes.try_into().expect("SHA-256 gives 32 bytes"))
    }
}

/// The bytes are uniform already: eight of them are a hash.
impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for TokenDigest {
    /// The first four bytes: enough to tell two apart in a log, useless to guess from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenDigest({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_token_are_one_to_one() {
        let token = Token::generate();
        let text = token.expose();
        assert_eq!(text.len(), Token::TEXT);
        assert_eq!(
            Token::parse(text.as_bytes()).map(|t| t.digest()),
            Ok(token.digest())
        );
    }

    #[test]
    fn s14_no_other_spelling_is_taken() {
        let text = "A".repeat(43);
        assert!(Token::parse(text.as_bytes()).is_ok());
        for bad in [
            "",
            "A",
            &"A".repeat(42),
            &"A".repeat(44),
            &format!("{}=", "A".repeat(42)),
            &format!("{}B", "A".repeat(42)),
            &format!("{}+", "A".repeat(42)),
            &"é".repeat(21),
            &format!("{}\0", "A".repeat(42)),
        ] {
            assert!(Token::parse(bad.as_bytes()).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn s20_debug_shows_no_secret() {
        let token = Token::generate();
        assert_eq!(format!("{token:?}"), "Token(..)");
        assert!(format!("{:?}", token.digest()).len() < 30);
    }

    #[test]
    fn s10_the_side_port_keeps_another_digest() {
        let token = Token::generate();
        assert_ne!(token.digest(), token.side_port_digest());
        assert_eq!(
            Token::parse(token.expose().as_bytes()).map(|t| t.side_port_digest()),
            Ok(token.side_port_digest())
        );
    }

    #[test]
    fn a_chosen_secret_is_long_enough_and_fits_a_cookie() {
        let token = Token::generate();
        assert_eq!(
            TokenDigest::of_chosen(token.expose().as_bytes()),
            Some(token.digest())
        );
        let guid = b"0b2a9f1c-53d7-4f86-9d0a-7d1c2d3e4f50";
        let digest = TokenDigest::of_chosen(guid).unwrap();
        assert_ne!(digest, TokenDigest::of(guid));
        assert_ne!(Some(digest), TokenDigest::of_chosen(&guid[1..]));
        for bad in [
            "",
            &"x".repeat(15),
            &"x".repeat(257),
            "has a space in it",
            "semi;colon;in;it;",
            "ümlauts-in-there!",
        ] {
            assert_eq!(TokenDigest::of_chosen(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn s26_tuples_do_not_run_together() {
        assert_ne!(
            TokenDigest::of_parts(&[b"ab", b"c"]),
            TokenDigest::of_parts(&[b"a", b"bc"])
        );
        assert_ne!(
            TokenDigest::of_parts(&[b"ab"]),
            TokenDigest::of_parts(&[b"ab", b""])
        );
    }
}

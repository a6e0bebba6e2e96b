//! The token that tells a script of a session's own pages from another site's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::TokenDigest;

/// What a script proves with that it can read answers of the gateway, and not only make a
/// browser send its cookie (OWASP, Cross-Site Request Forgery Prevention: a token bound to the
/// session). It follows from the digest of the session's secret, so every node that knows the
/// session can check it and none has to keep it. It opens nothing by itself.
pub struct CsrfToken(String);

impl CsrfToken {
    /// The token of the session that the secret with `digest` opens.
    #[must_use]
    pub fn of(digest: &TokenDigest) -> Self {
        let token = TokenDigest::of_parts(&[b"csrf", digest.as_bytes()]);
        Self(URL_SAFE_NO_PAD.encode(token.as_bytes()))
    }

    /// Whether `text` is this token. Takes the same time for every text of its length.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(text).into()
    }

    /// The text: 43 characters of base64url. The caller sends it to the session's client and
    /// nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Token;

    #[test]
    fn a_token_is_of_one_session_alone_and_is_not_its_digest() {
        let (one, two) = (Token::generate().digest(), Token::generate().digest());
        let token = CsrfToken::of(&one);
        assert_eq!(token.expose().len(), 43);
        assert!(token.is(CsrfToken::of(&one).expose().as_bytes()));
        assert!(!token.is(CsrfToken::of(&two).expose().as_bytes()));
        assert!(!token.is(b"") && !token.is(&token.expose().as_bytes()[1..]));
        assert!(!token.is(URL_SAFE_NO_PAD.encode(one.as_bytes()).as_bytes()));
        assert_eq!(format!("{token:?}"), "CsrfToken(..)");
    }
}

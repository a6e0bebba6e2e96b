//! A token's text, taken apart before anything in it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

/// Bytes that a token may have: as much as a server takes in all headers together.
pub(super) const MAX_TOKEN: usize = 16 * 1024;

/// A token whose signature nobody has looked at.
pub(super) struct Unverified<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    /// What is signed: header and payload as they were sent.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

/// Why a text is no token that can be looked at. Never holds any of it but the names of
/// algorithm and type, cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("the token is {0} bytes long, more than {MAX_TOKEN}")]
    TooLong(usize),
    #[error("the token is not three parts with dots between them")]
    Shape,
    #[error("the token's {0} is not base64url")]
    Encoding(&'static str),
    #[error("the token's {0} is not a JSON object of the right form")]
    Json(&'static str),
    #[error("{0:?} is no algorithm that is taken")]
    Algorithm(String),
    #[error("tokens of type {0:?} are not taken")]
    Type(String),
    #[error("the token has critical extensions")]
    Critical,
}

/// The header's fields that count. The ones that would bring a key (`jwk`, `jku`, `x5c`,
/// `x5u`) are not among them.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Unverified<'a> {
    /// Takes `text` apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > MAX_TOKEN {
            return Err(TokenError::TooLong(text.len()));
        }
        let (message, signature) = text.rsplit_once('.').ok_or(TokenError::Shape)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Shape)?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() {
            return Err(TokenError::Shape);
        }
        let header: Header = serde_json::from_slice(&decode(header, "header")?)
            .map_err(|_| TokenError::Json("header"))?;
        // RFC 7515, section 4.1.11: whoever does not know an extension refuses the token.
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        // RFC 8725, section 3.11: a logout token, say, is signed by the same key.
        if let Some(typ) = header.typ.filter(|typ| !is_access_type(typ)) {
            return Err(TokenError::Type(cut(&typ)));
        }
        Ok(Self {
            algorithm: header
                .alg
                .parse()
                .map_err(|_| TokenError::Algorithm(cut(&header.alg)))?,
            kid: header.kid,
            message: message.as_bytes(),
            signature: decode(signature, "signature")?,
            payload,
        })
    }

    /// The claims; to be called once the signature holds.
    pub(super) fn claims(&self) -> Result<crate::authn::mapping::Claims, TokenError> {
        serde_json::from_slice(&decode(self.payload, "payload")?)
            .map_err(|_| TokenError::Json("payload"))
    }
}

/// Whether `text` could be a JWT by its dots.
pub(super) fn has_token_shape(text: &str) -> bool {
    text.bytes().filter(|b| *b == b'.').count() == 2
}

fn is_access_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(typ, "jwt" | "at+jwt")
}

fn decode(part: &str, what: &'static str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Encoding(what))
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

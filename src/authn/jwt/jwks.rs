//! JSON Web Key Sets (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use super::key::{KeyError, KeySet, VerifyingKey};

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

/// The members that count; a key that brings a certificate or points to one brings nothing.
#[derive(Deserialize)]
struct RawKey {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    k: String,
}

impl KeySet {
    /// The keys of the JWKS `json` that can verify tokens. Keys of other kinds or for other
    /// uses are left out, as RFC 7517, section 5, asks; so are malformed ones.
    ///
    /// # Errors
    ///
    /// When `json` is no JWKS, no key is left, or two of those left have one `kid`.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeyError> {
        parse(json, true)
    }

    /// The same for a set that came over the network, where a secret is none.
    pub(super) fn from_fetched_jwks(json: &[u8]) -> Result<Self, KeyError> {
        parse(json, false)
    }
}

fn parse(json: &[u8], secrets: bool) -> Result<KeySet, KeyError> {
    let set: RawSet = serde_json::from_slice(json).map_err(KeyError::NotJwks)?;
    let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|raw| {
        let raw: RawKey = serde_json::from_value(raw).ok()?;
        if !verifies(&raw) || (raw.kty == "oct" && !secrets) {
            return None;
        }
        match key(&raw) {
            Ok(key) => Some(key),
            Err(error) => {
                let kid = raw.kid.as_deref().map(super::token::cut);
                tracing::debug!(?kid, kty = %super::token::cut(&raw.kty), %error, "a key is left out");
                None
            }
        }
    });
    KeySet::new(keys.collect())
}

fn verifies(raw: &RawKey) -> bool {
    raw.usage.as_deref().is_none_or(|usage| usage == "sig")
        && raw
            .key_ops
            .as_ref()
            .is_none_or(|ops| ops.iter().any(|op| op == "verify"))
}

fn key(raw: &RawKey) -> Result<VerifyingKey, KeyError> {
    let unusable = |kind, reason| KeyError::Unusable { kind, reason };
    let bytes = |kind, text: &str| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| unusable(kind, "it is not base64url"))
    };
    let mut key = match (&*raw.kty, raw.crv.as_deref()) {
        ("RSA", _) => VerifyingKey::rsa(&bytes("RSA", &raw.n)?, &bytes("RSA", &raw.e)?)?,
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let (x, y) = (bytes("EC", &raw.x)?, bytes("EC", &raw.y)?);
            let size = if curve == "P-256" { 32 } else { 48 };
            if (x.len(), y.len()) != (size, size) {
                return Err(unusable(
                    "EC",
                    "its coordinates are not of its curve's size",
                ));
            }
            VerifyingKey::ec(&[&[4], &*x, &*y].concat())?
        }
        ("OKP", Some("Ed25519")) => VerifyingKey::ed(&bytes("Ed25519", &raw.x)?)?,
        ("oct", _) => VerifyingKey::from_secret(&bytes("oct", &raw.k)?)?,
        _ => return Err(unusable("JSON Web", "its kty or crv is not known")),
    };
    if let Some(alg) = &raw.alg {
        let alg: Algorithm = alg
            .parse()
            .map_err(|_| unusable("JSON Web", "its alg is not taken"))?;
        key = key.only(&[alg])?;
    }
    Ok(match &raw.kid {
        Some(kid) => key.with_kid(kid.as_str()),
        None => key,
    })
}

/// Keys that are read of a set; the largest public ones have a few dozen.
const MAX_KEYS: usize = 256;

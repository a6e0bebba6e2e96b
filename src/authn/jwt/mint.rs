//! Makes tokens: for tests, for `gatepass token`, and for whatever has to prove to somebody
//! else who a user is.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey};
use serde::Serialize;
use serde_json::{Value, json};

/// A private key or secret that signs tokens with one algorithm.
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
    kid: Option<Box<str>>,
}

/// Why no token can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The text is no private key of a known kind.
    #[error("not a PEM private key (PKCS #8, or PKCS #1 for RSA) of a kind that is known")]
    NotPem,
    /// The key cannot be used with the algorithm.
    #[error("the key cannot be used with {0:?}")]
    Algorithm(Algorithm),
    /// The claims cannot be written.
    #[error("the claims are not a JSON object")]
    Claims,
    /// The key does not sign.
    #[error("the key does not sign")]
    Sign,
}

impl SigningKey {
    /// The private key in `pem`. It signs with `algorithm`, or with what suits its kind:
    /// RS256, ES256, ES384 or EdDSA.
    ///
    /// # Errors
    ///
    /// When it is no private key of a known kind or not fit for `algorithm`.
    pub fn from_pem(pem: &[u8], algorithm: Option<Algorithm>) -> Result<Self, MintError> {
        let (key, own) = if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
            (key, Algorithm::RS256)
        } else if let Ok(key) = EncodingKey::from_ec_pem(pem) {
            let p256 = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let is_p256 = EcdsaKeyPair::from_pkcs8(p256, key.as_bytes()).is_ok();
            (
                key,
                if is_p256 {
                    Algorithm::ES256
                } else {
                    Algorithm::ES384
                },
            )
        } else if let Ok(key) = EncodingKey::from_ed_pem(pem) {
            (key, Algorithm::EdDSA)
        } else {
            return Err(MintError::NotPem);
        };
        Self::new(key, algorithm.unwrap_or(own))
    }

    /// The secret `secret`, with one of the HS algorithms.
    ///
    /// # Errors
    ///
    /// When `algorithm` is none of them.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, MintError> {
        Self::new(EncodingKey::from_secret(secret), algorithm)
    }

    /// The same key, whose tokens name it `kid`.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The algorithm it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A token with `claims`, which have to be a JSON object.
    ///
    /// # Errors
    ///
    /// When they are not.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, MintError> {
        let claims = serde_json::to_value(claims).map_err(|_| MintError::Claims)?;
        if !claims.is_object() {
            return Err(MintError::Claims);
        }
        let mut header = json!({ "alg": self.algorithm, "typ": "JWT" });
        if let Some(kid) = &self.kid {
            header["kid"] = Value::from(&**kid);
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = self.sign_bytes(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public key as a JSON Web Key, for the `keys` of a JWKS; `None` for a secret.
    #[must_use]
    pub fn public_jwk(&self) -> Option<Value> {
        let der = self.key.as_bytes();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self.key.family() {
            AlgorithmFamily::Hmac => return None,
            AlgorithmFamily::Rsa => {
                let pair = RsaKeyPair::from_der(der).ok()?;
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            AlgorithmFamily::Ec => {
                let (curve, signing) = match self.algorithm {
                    Algorithm::ES256 => ("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
                    _ => ("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
                };
                let pair = EcdsaKeyPair::from_pkcs8(signing, der).ok()?;
                let point = pair.public_key().as_ref().strip_prefix(&[4])?;
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            AlgorithmFamily::Ed => {
                let pair = Ed25519KeyPair::from_pkcs8(der).ok()?;
                let x = encode(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
        };
        jwk["alg"] = json!(self.algorithm);
        jwk["use"] = "sig".into();
        if let Some(kid) = &self.kid {
            jwk["kid"] = Value::from(&**kid);
        }
        Some(jwk)
    }

    fn new(key: EncodingKey, algorithm: Algorithm) -> Result<Self, MintError> {
        let made = Self {
            key,
            algorithm,
            kid: None,
        };
        // Signing once tells what parsing does not: the curve, the size.
        made.sign_bytes(b"")
            .map_err(|_| MintError::Algorithm(algorithm))?;
        Ok(made)
    }

    fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, MintError> {
        (DEFAULT_PROVIDER.signer_factory)(&self.algorithm, &self.key)
            .map_err(|_| MintError::Algorithm(self.algorithm))?
            .try_sign(message)
            .map_err(|_| MintError::Sign)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

//! Keys that verify tokens, each with the algorithms it is trusted with.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RsaPublicKeyComponents,
};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use super::token::Unverified;

/// A key that verifies tokens.
///
/// Its kind limits its algorithms: an RSA key has RS and PS, an elliptic curve key the ES of
/// its curve, an Ed25519 key EdDSA, a secret the HS it is long enough for. So no public key is
/// ever used as the secret of an HMAC, whatever a token's header says.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<Box<str>>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Keys, of which a token names one by its `kid`.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read.
    #[error("the key file {} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has no key that can be used.
    #[error("the key file {} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<KeyError>,
    },
    /// The text is no PEM, or one of another kind of thing.
    #[error(
        "not a PEM public key or certificate of a kind that is known (RSA, P-256, P-384, Ed25519)"
    )]
    NotPem,
    /// The PEM is a private key, which has no business where tokens are verified.
    #[error("a private key was given where the public key is needed")]
    Private,
    /// The key is malformed, or its kind, curve or size is not taken.
    #[error("the {kind} key cannot be used: {reason}")]
    Unusable {
        /// `RSA`, `EC`, `Ed25519`.
        kind: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The secret is too short to be safe with any algorithm (RFC 7518, section 3.2).
    #[error("the secret is {0} bytes long; HS256 needs 32, HS384 48, HS512 64")]
    ShortSecret(usize),
    /// The key cannot be used with any algorithm of the list.
    #[error("the key fits none of the algorithms {0:?}")]
    NoAlgorithm(Vec<Algorithm>),
    /// The set is not JSON of the right form.
    #[error("not a JSON Web Key Set")]
    NotJwks(#[source] serde_json::Error),
    /// The set has no key that can be used.
    #[error("the JSON Web Key Set has no key that can be used here")]
    Empty,
    /// Two keys have one id, so that an id names no key.
    #[error("two keys have the kid {0:?}")]
    DuplicateKid(String),
}

impl VerifyingKey {
    /// The public key, or the key of the certificate, in `pem`.
    ///
    /// # Errors
    ///
    /// When it is something else, of an unknown kind, or an RSA key of less than 2,048 bits.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        if pem.windows(PRIVATE.len()).any(|window| window == PRIVATE) {
            return Err(KeyError::Private);
        }
        if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            let der = key.try_get_as_bytes().map_err(|_| KeyError::NotPem)?;
            let public = aws_lc_rs::rsa::PublicKey::from_der(der).map_err(|_| malformed("RSA"))?;
            let parts = RsaPublicKeyComponents::<Vec<u8>>::from(&public);
            Self::rsa(&parts.n, &parts.e)
        } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            Self::ec(key.try_get_as_bytes().map_err(|_| KeyError::NotPem)?)
        } else if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            Self::ed(key.try_get_as_bytes().map_err(|_| KeyError::NotPem)?)
        } else {
            Err(KeyError::NotPem)
        }
    }

    /// The shared secret `secret`: its bytes as they are.
    ///
    /// # Errors
    ///
    /// When it is shorter than 32 bytes.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        let fits = |algorithm: &Algorithm| {
            secret.len()
                >= match algorithm {
                    Algorithm::HS256 => 32,
                    Algorithm::HS384 => 48,
                    _ => 64,
                }
        };
        let algorithms: Vec<_> = AlgorithmFamily::Hmac.algorithms().to_vec();
        let algorithms: Vec<_> = algorithms.into_iter().filter(fits).collect();
        if algorithms.is_empty() {
            return Err(KeyError::ShortSecret(secret.len()));
        }
        Ok(Self::new(algorithms, DecodingKey::from_secret(secret)))
    }

    /// The public key in the PEM file at `path`.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and when the file cannot be read; the path is named.
    pub fn read_pem(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        read(path.as_ref(), Self::from_pem)
    }

    /// The same key, known by `kid`: a token that names another is not verified with it.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The same key, trusted with `allowed` only.
    ///
    /// # Errors
    ///
    /// When it can be used with none of them.
    pub fn only(mut self, allowed: &[Algorithm]) -> Result<Self, KeyError> {
        self.algorithms.retain(|a| allowed.contains(a));
        if self.algorithms.is_empty() {
            return Err(KeyError::NoAlgorithm(allowed.to_vec()));
        }
        Ok(self)
    }

    /// The name it is known by.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithms it is trusted with; at least one.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Whether the token's signature is by this key.
    pub(super) fn verifies(&self, token: &Unverified<'_>) -> bool {
        // The provider is named here, not taken from the process: no other crate's features
        // can change what verifies our tokens, or make it panic.
        self.algorithms.contains(&token.algorithm)
            && (DEFAULT_PROVIDER.verifier_factory)(&token.algorithm, &self.key)
                .is_ok_and(|verifier| verifier.verify(token.message, &token.signature).is_ok())
    }

    /// The RSA key with modulus `n` and exponent `e`, big-endian.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let n = &n[n.iter().take_while(|b| **b == 0).count()..];
        let unusable = |reason| KeyError::Unusable {
            kind: "RSA",
            reason,
        };
        match n.len() {
            ..256 => return Err(unusable("its modulus has less than 2048 bits")),
            256..=1024 => {}
            _ => return Err(unusable("its modulus has more than 8192 bits")),
        }
        if !(1..=8).contains(&e.len()) || e[0] == 0 {
            return Err(unusable(
                "its exponent is not 1 to 8 bytes without leading zeros",
            ));
        }
        Ok(Self::new(
            AlgorithmFamily::Rsa.algorithms().to_vec(),
            DecodingKey::from_rsa_raw_components(n, e),
        ))
    }

    /// The elliptic curve key with this uncompressed point.
    pub(super) fn ec(point: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, curve) = match point.len() {
            65 => (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED),
            97 => (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED),
            _ => {
                return Err(KeyError::Unusable {
                    kind: "EC",
                    reason: "its curve is neither P-256 nor P-384",
                });
            }
        };
        ParsedPublicKey::new(curve, point).map_err(|_| malformed("EC"))?;
        Ok(Self::new(vec![algorithm], DecodingKey::from_ec_der(point)))
    }

    /// The Ed25519 key with these 32 bytes.
    pub(super) fn ed(point: &[u8]) -> Result<Self, KeyError> {
        ParsedPublicKey::new(&ED25519, point).map_err(|_| malformed("Ed25519"))?;
        Ok(Self::new(
            vec![Algorithm::EdDSA],
            DecodingKey::from_ed_der(point),
        ))
    }

    fn new(algorithms: Vec<Algorithm>, key: DecodingKey) -> Self {
        Self {
            kid: None,
            algorithms,
            key,
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

impl KeySet {
    /// The set of `keys`.
    ///
    /// # Errors
    ///
    /// When there is none, or two have one `kid`.
    pub fn new(keys: Vec<VerifyingKey>) -> Result<Self, KeyError> {
        if keys.is_empty() {
            return Err(KeyError::Empty);
        }
        for (i, key) in keys.iter().enumerate() {
            if let Some(kid) = key.kid()
                && keys[..i].iter().any(|other| other.kid() == Some(kid))
            {
                return Err(KeyError::DuplicateKid(kid.to_owned()));
            }
        }
        Ok(Self { keys })
    }

    /// The set in the JWKS file at `path`. Secrets (`oct`) are taken from a file.
    ///
    /// # Errors
    ///
    /// As [`from_jwks`](Self::from_jwks), and when the file cannot be read; the path is named.
    pub fn read_jwks(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        read(path.as_ref(), Self::from_jwks)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The set with every key trusted with `allowed` only; keys that fit none are left out.
    ///
    /// # Errors
    ///
    /// When no key is left.
    pub fn only(self, allowed: &[Algorithm]) -> Result<Self, KeyError> {
        let keys: Vec<_> = self
            .keys
            .into_iter()
            .filter_map(|key| key.only(allowed).ok())
            .collect();
        if keys.is_empty() {
            return Err(KeyError::NoAlgorithm(allowed.to_vec()));
        }
        Ok(Self { keys })
    }

    /// The one key that a token with this algorithm and `kid` can be of. A key without a
    /// `kid`, and any key for a token without one, is taken only when no other fits: keys are
    /// not tried in turn.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<&VerifyingKey> {
        let fits = |key: &&VerifyingKey| key.algorithms.contains(&algorithm);
        if let Some(kid) = kid
            && let Some(named) = self.keys.iter().find(|key| key.kid() == Some(kid))
        {
            return Some(named).filter(fits);
        }
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| kid.is_none() || key.kid().is_none())
            .filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, KeyError>) -> Result<T, KeyError> {
    let bytes = std::fs::read(path).map_err(|source| KeyError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&bytes).map_err(|source| KeyError::File {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn malformed(kind: &'static str) -> KeyError {
    KeyError::Unusable {
        kind,
        reason: "it is malformed",
    }
}

const PRIVATE: &[u8] = b"PRIVATE KEY-----";

//! The signed form of an identity: an upstream need not trust the network between.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use jsonwebtoken::EncodingKey;
use serde::Serialize;
use serde_json::{Value, json};

use super::identity::{ProfileError, check_name, sayable};
use super::names::X_GATEPASS_ASSERTION;
use super::published_keys::{render, thumbprint};
use crate::domain::{Clock, Session, Tick};

/// A key that signs assertions: ECDSA on P-256 (`ES256`, RFC 7518).
///
/// It signs with aws-lc itself: the key is parsed once, not once per signature, and no
/// process-wide provider has to be there.
pub struct AssertionKey {
    pair: EcdsaKeyPair,
    id: String,
    /// The first part of every token, encoded.
    header: String,
    jwk: Value,
    jwks: String,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionKeyError {
    /// The text is no PEM of an EC key in PKCS#8.
    #[error(
        "the assertion key is no PEM file with an EC private key in PKCS#8 form (`BEGIN PRIVATE KEY`)"
    )]
    Pem(#[source] jsonwebtoken::errors::Error),
    /// The key is on another curve, or damaged.
    #[error("the assertion key is not on the curve P-256, or is damaged")]
    Rejected(#[source] KeyRejected),
    /// The generator gave no key.
    #[error("no assertion key could be generated")]
    Generate,
}

impl AssertionKey {
    /// A new key. It lives as long as the process: gateways that share their upstreams share
    /// a store and [publish](super::PublishedKeys) each other's, or share a key from a file.
    ///
    /// # Errors
    ///
    /// When the generator fails.
    pub fn generate() -> Result<Self, AssertionKeyError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map(Self::with)
            .map_err(|_| AssertionKeyError::Generate)
    }

    /// The key in `pem`, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    /// writes it.
    ///
    /// # Errors
    ///
    /// When `pem` has no EC private key in PKCS#8 form, or one of another curve.
    pub fn from_pkcs8_pem(pem: &[u8]) -> Result<Self, AssertionKeyError> {
        let der = EncodingKey::from_ec_pem(pem).map_err(AssertionKeyError::Pem)?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_bytes())
            .map(Self::with)
            .map_err(AssertionKeyError::Rejected)
    }

    fn with(pair: EcdsaKeyPair) -> Self {
        // An uncompressed point: 4, then x and y of 32 bytes each.
        let point = pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(point.len() / 2);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let (id, jwk) = (thumbprint(&x, &y), render(&x, &y));
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": id}).to_string();
        Self {
            pair,
            header: URL_SAFE_NO_PAD.encode(header),
            jwks: json!({ "keys": [&jwk] }).to_string(),
            jwk,
            id,
        }
    }

    /// The key's id: its thumbprint (RFC 7638).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public key as a JWK (RFC 7517).
    #[must_use]
    pub fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// The public key as a JWK Set (RFC 7517): what `/.gatepass/jwks.json` answers, as
    /// `application/jwk-set+json`.
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// `claims` as a signed token; `None` when the library cannot sign.
    fn sign(&self, claims: &Claims<'_>) -> Option<String> {
        let mut token = self.header.clone();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut token);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), token.as_bytes())
            .ok()?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Some(token)
    }
}

impl std::fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssertionKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How a space asserts identities: a short JWT in a header.
///
/// Claims: `iss`, `aud`, `sub` (the user id), `iat`, `exp`; `user_directory`, `name`, `email`,
/// `groups`, `sid` (the public session id), `space`. What a session lacks is absent. A token
/// is signed once per session and half of its lifetime, so an upstream always sees one that
/// holds for at least the other half; it may outlive the session by its lifetime.
#[derive(Clone, Debug)]
pub struct Assertion {
    key: Arc<AssertionKey>,
    clock: Arc<dyn Clock>,
    header: HeaderName,
    issuer: String,
    audience: String,
    groups: String,
    lifetime: Duration,
}

impl Assertion {
    /// How long a token holds where nothing else is configured.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// Assertions by `issuer` for `audience`, in `X-Gatepass-Assertion`, with groups from the
    /// attribute [`Profile::GROUPS`](super::Profile::GROUPS).
    #[must_use]
    pub fn new(
        key: Arc<AssertionKey>,
        clock: Arc<dyn Clock>,
        issuer: &str,
        audience: &str,
    ) -> Self {
        Self {
            key,
            clock,
            header: X_GATEPASS_ASSERTION.clone(),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            groups: super::Profile::GROUPS.to_owned(),
            lifetime: Self::LIFETIME,
        }
    }

    /// In the header `name` instead. Tell [`Scrub`](super::Scrub) of it, in all spaces.
    ///
    /// # Errors
    ///
    /// When the header has a meaning of its own.
    pub fn with_header(mut self, name: HeaderName) -> Result<Self, ProfileError> {
        check_name(&name)?;
        self.header = name;
        Ok(self)
    }

    /// With groups from `attribute`.
    #[must_use]
    pub fn with_groups(mut self, attribute: &str) -> Self {
        attribute.clone_into(&mut self.groups);
        self
    }

    /// Holding for `lifetime`, at least two seconds.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.max(Duration::from_secs(2));
        self
    }

    /// The header it is sent in.
    #[must_use]
    pub const fn header(&self) -> &HeaderName {
        &self.header
    }

    /// The key it is signed with.
    #[must_use]
    pub const fn key(&self) -> &Arc<AssertionKey> {
        &self.key
    }

    /// A token for `session`, signed now, and until when it is to be used.
    pub(super) fn sign(&self, session: &Session, now: Tick) -> Option<(HeaderValue, Tick)> {
        let identity = session.identity();
        let issued = self.clock.wall().unix_seconds();
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: identity.id(),
            user_directory: identity.directory(),
            name: identity.name(),
            email: identity.email(),
            groups: sayable(identity.attributes().values(&self.groups)).collect(),
            sid: session.id().to_string(),
            space: session.space_id().as_str(),
            iat: issued,
            exp: issued.saturating_add(lifetime),
        };
        let mut value = HeaderValue::try_from(self.key.sign(&claims)?).ok()?;
        value.set_sensitive(true);
        Some((value, now.after(self.lifetime / 2)))
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    user_directory: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
    sid: String,
    space: &'a str,
    iat: i64,
    exp: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;
    use crate::proxy::headers::tests::session;
    use jsonwebtoken::jwk::{JwkSet, ThumbprintHash};
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

    fn verified(assertion: &Assertion, token: &HeaderValue) -> Value {
        // Others in this process may have installed it already.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let token = token.to_str().unwrap();
        let set: JwkSet = serde_json::from_str(assertion.key().jwks()).unwrap();
        let header = decode_header(token).unwrap();
        let jwk = set.find(&header.kid.unwrap()).unwrap();
        assert_eq!(
            jwk.thumbprint(ThumbprintHash::SHA256).unwrap(),
            assertion.key().id()
        );
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["sales"]);
        rules.set_issuer(&["https://gate.example"]);
        rules.validate_exp = false;
        let key = DecodingKey::from_jwk(jwk).unwrap();
        decode::<Value>(token, &key, &rules).unwrap().claims
    }

    fn assertion(key: AssertionKey) -> Assertion {
        let clock = Arc::new(ManualClock::new());
        Assertion::new(Arc::new(key), clock, "https://gate.example", "sales")
    }

    #[test]
    fn an_upstream_can_verify_it_from_the_published_keys() {
        let assertion = assertion(AssertionKey::generate().unwrap());
        let session = session(true);
        let now = Tick::from_millis(7);
        let (token, until) = assertion.sign(&session, now).unwrap();
        assert_eq!(until, now.after(Duration::from_secs(150)));
        let wanted = json!({
            "iss": "https://gate.example", "aud": "sales", "sub": "jörg",
            "user_directory": "LAB", "name": "Jörg Ä", "email": "j@b.c",
            "groups": ["a b", "c,d"], "sid": session.id().to_string(), "space": "1001",
            "iat": 1_767_225_600, "exp": 1_767_225_900,
        });
        assert_eq!(verified(&assertion, &token), wanted);
    }

    #[test]
    fn s02_claims_without_a_value_are_absent() {
        let assertion = assertion(AssertionKey::generate().unwrap());
        let (token, _) = assertion
            .sign(&session(false), Tick::from_millis(0))
            .unwrap();
        let claims = verified(&assertion, &token);
        assert_eq!(claims["sub"], "ann");
        assert!(claims.get("email").is_none() && claims.get("groups").is_none());
    }

    #[test]
    fn a_key_comes_from_a_pem_file_with_the_right_curve() {
        let pem = |alg| {
            let pair = EcdsaKeyPair::generate(alg).unwrap();
            let der = pair.to_pkcs8v1().unwrap();
            let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
            format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
        };
        let good = pem(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = AssertionKey::from_pkcs8_pem(good.as_bytes()).unwrap();
        assert_eq!(
            key.id(),
            AssertionKey::from_pkcs8_pem(good.as_bytes()).unwrap().id()
        );
        let assertion = assertion(key);
        let (token, _) = assertion
            .sign(&session(true), Tick::from_millis(0))
            .unwrap();
        verified(&assertion, &token);

        let p384 = pem(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING);
        assert!(matches!(
            AssertionKey::from_pkcs8_pem(p384.as_bytes()),
            Err(AssertionKeyError::Rejected(_))
        ));
        assert!(matches!(
            AssertionKey::from_pkcs8_pem(b"nothing"),
            Err(AssertionKeyError::Pem(_))
        ));
    }
}

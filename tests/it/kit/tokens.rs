//! JWTs, and keys to sign them with.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass::app::demo::data;
use gatepass::authn::jwt::SigningKey;
use gatepass::domain::{Clock as _, SystemClock};
use serde_json::{Value, json};

/// Space 1002 below `/jwt`, which takes tokens of the demo's key.
pub(crate) const JWT: &str = r#"
[[space]]
id = "1002"
prefix = "/jwt"
upstream = ["UPSTREAM"]
authn = ["jwt"]
identity_headers = ["x-forwarded"]
[space.jwt]
issuer = "https://demo.gatepass.example"
audience = "demo"
key_file = "jwt-public.pem"
algorithms = ["EdDSA"]
claims = { directory = "directory", id = "sub", name = "name", email = "email" }
attributes = [{ claim = "groups", attribute = "group" }]
"#;

/// The key that space 1002 trusts.
pub(crate) fn demo_key() -> SigningKey {
    SigningKey::from_pem(data::JWT_PRIVATE_KEY.as_bytes(), None).unwrap()
}

/// A key that nobody trusts yet.
pub(crate) fn new_key(kid: &str) -> SigningKey {
    new_key_pem(kid).1
}

/// The same, and as PEM.
pub(crate) fn new_key_pem(kid: &str) -> (String, SigningKey) {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(document.as_ref())
    );
    let key = SigningKey::from_pem(pem.as_bytes(), None).unwrap();
    (pem, key.with_kid(kid))
}

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemClock::new().wall().unix_seconds()
}

/// Claims that space 1002 takes, with `more` over them; a null takes a claim away.
pub(crate) fn claims(user: &str, more: Value) -> Value {
    let mut claims = json!({
        "iss": data::JWT_ISSUER,
        "aud": data::JWT_AUDIENCE,
        "sub": user,
        "directory": "DEMO",
        "iat": now(),
        "exp": now() + 3600,
    });
    let members = claims.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// A token that space 1002 takes.
pub(crate) fn token(user: &str) -> String {
    demo_key().sign(&claims(user, json!({}))).unwrap()
}

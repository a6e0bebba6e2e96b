//! Real tokens, signed by real keys of every kind.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};

use super::*;
use crate::authn::{Authenticator as _, AuthnRequest, FailureReason, Outcome};
use crate::domain::{Clock, ManualClock};

mod by_url;
mod claims;
mod keys;
mod sources;

/// A private key and its public half, as PEM.
struct Pair {
    private: String,
    public: String,
}

static RSA: LazyLock<Pair> = LazyLock::new(|| {
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let private = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key);
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pair(private.unwrap().as_ref(), public.as_ref())
});
static P256: LazyLock<Pair> = LazyLock::new(|| ec(&ECDSA_P256_SHA256_FIXED_SIGNING));
static P384: LazyLock<Pair> = LazyLock::new(|| ec(&ECDSA_P384_SHA384_FIXED_SIGNING));
static ED: LazyLock<Pair> = LazyLock::new(|| {
    let key = Ed25519KeyPair::generate().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pair(key.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
});
const SECRET: &[u8; 64] = &[7; 64];

fn ec(curve: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Pair {
    let key = EcdsaKeyPair::generate(curve).unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pair(key.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
}

fn pair(private: &[u8], public: &[u8]) -> Pair {
    let pem = |tag, der| {
        let text = STANDARD.encode(der);
        let lines: Vec<_> = text.as_bytes().chunks(64).collect();
        let body = lines.join(&b'\n');
        let body = String::from_utf8(body).unwrap();
        format!("-----BEGIN {tag}-----\n{body}\n-----END {tag}-----\n")
    };
    Pair {
        private: pem("PRIVATE KEY", private),
        public: pem("PUBLIC KEY", public),
    }
}

fn signer(pair: &Pair, algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pem(pair.private.as_bytes(), Some(algorithm)).unwrap()
}

fn verifier(pair: &Pair) -> VerifyingKey {
    VerifyingKey::from_pem(pair.public.as_bytes()).unwrap()
}

fn builder(clock: &ManualClock) -> JwtAuthenticatorBuilder {
    JwtAuthenticator::builder()
        .issuer("https://login.example.com")
        .audience("sales")
        .clock(Arc::new(clock.clone()))
}

/// Claims that hold for ten minutes from the clock's time.
fn good(clock: &ManualClock) -> Value {
    json!({
        "iss": "https://login.example.com",
        "aud": "sales",
        "sub": "ann",
        "exp": clock.wall().unix_seconds() + 600,
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// A token with any header and claims, signed by `sign`.
fn forge(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hmac(secret: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let key = Key::new(HMAC_SHA256, secret);
    move |message| sign(&key, message).as_ref().to_vec()
}

fn bearer(token: &str) -> Parts {
    let value = format!("Bearer {token}");
    let request = Request::builder().header("authorization", value);
    request.body(()).unwrap().into_parts().0
}

async fn ask_parts(authn: &JwtAuthenticator, parts: &Parts) -> Outcome {
    let request = AuthnRequest {
        parts,
        connection: None,
    };
    authn.authenticate(request).await
}

async fn ask(authn: &JwtAuthenticator, token: &str) -> Outcome {
    ask_parts(authn, &bearer(token)).await
}

/// `Ok` with the user, or the reason of the refusal.
async fn verdict(authn: &JwtAuthenticator, token: &str) -> Result<String, FailureReason> {
    match ask(authn, token).await {
        Outcome::Authenticated(found) => Ok(found.identity.to_string()),
        Outcome::Failed(failure) => Err(failure.reason()),
        other => panic!("neither yes nor no: {other:?}"),
    }
}

//! The tower layer in other people's programs, over sockets.

#[cfg(feature = "axum")]
mod axum;
mod certificate;
mod hyper;
mod tonic;

use std::sync::Arc;

use gatepass::authn::jwt::{Algorithm, JwtAuthenticator, SigningKey, VerifyingKey};
use gatepass::domain::Session;
use gatepass::domain::{Clock as _, ManualClock, SystemClock};
use gatepass::layer::ProxySessionLayer;
use gatepass::sessions::{FindQuery, Sessions};
use serde_json::json;

/// A secret that a program shares with the issuer of its tokens.
const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

/// Sessions that go by a clock of the test's own.
fn sessions() -> (Sessions, ManualClock) {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    (sessions, clock)
}

/// Takes tokens of [`token`].
fn layer(sessions: &Sessions) -> ProxySessionLayer {
    let jwt = JwtAuthenticator::builder()
        .issuer("https://login.example.com")
        .audience("sales")
        .directory("LAB")
        .algorithms([Algorithm::HS256])
        .key(VerifyingKey::from_secret(SECRET).unwrap())
        .build()
        .unwrap();
    ProxySessionLayer::new(sessions.clone()).authenticator(jwt)
}

/// A token of `user` for an hour.
fn token(user: &str) -> String {
    let exp = SystemClock::new().wall().unix_seconds() + 3600;
    let claims =
        json!({ "iss": "https://login.example.com", "aud": "sales", "sub": user, "exp": exp });
    let key = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    key.sign(&claims).unwrap()
}

/// The one open session.
async fn the_one(sessions: &Sessions) -> Arc<Session> {
    let query = FindQuery {
        limit: 10,
        ..FindQuery::default()
    };
    let mut page = sessions.find(query).await.unwrap();
    assert_eq!(page.total, 1);
    page.sessions.remove(0)
}

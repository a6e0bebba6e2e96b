//! The layer in an axum app, with the side port beside it.
//!
//! ```text
//! cargo run --example axum
//! ```
//!
//! It prints a token and the curl lines to try.

use std::error::Error;

use axum::{Router, routing::get};
use gatepass::admin;
use gatepass::admin::keys::{ApiKeys, NewKey, Role};
use gatepass::authn::jwt::{Algorithm, JwtAuthenticator, SigningKey, VerifyingKey};
use gatepass::layer::{CurrentSession, ProxySessionLayer};
use gatepass::sessions::Sessions;
use serde_json::json;
use std::time::Duration;

/// A secret for the example; a real issuer has a key pair and publishes the public half.
const SECRET: &[u8] = b"an example secret of 32 bytes ok";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions = Sessions::builder()
        .idle_timeout(Duration::from_secs(30 * 60))
        .build();
    let jwt = JwtAuthenticator::builder()
        .issuer("https://login.example.com")
        .audience("example")
        .algorithms([Algorithm::HS256])
        .key(VerifyingKey::from_secret(SECRET)?)
        .build()?;
    let app = Router::new()
        .route("/", get(hello))
        // `plain_http`: this example has no TLS, where browsers take no `__Host-` cookie.
        .layer(ProxySessionLayer::new(sessions.clone()).authenticator(jwt).plain_http());

    let (key, bearer) = NewKey::new("example", Role::SiteAdmin).make(sessions.clock().wall())?;
    let side_port = admin::router(sessions.clone(), ApiKeys::new([key]));
    tokio::spawn(sessions.clone().run_sweeper(Duration::from_secs(10)));

    let edge = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let admin = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
    let expires = sessions.clock().wall().unix_seconds() + 3600;
    let token = SigningKey::from_secret(SECRET, Algorithm::HS256)?.sign(&json!({
        "iss": "https://login.example.com",
        "aud": "example",
        "sub": "ann",
        "name": "Ann",
        "exp": expires,
    }))?;
    println!("curl -i http://127.0.0.1:3000/                                       # 401");
    println!("curl -i -H 'Authorization: Bearer {token}' http://127.0.0.1:3000/    # hello Ann");
    println!(
        "curl -H 'Authorization: Bearer {}' http://127.0.0.1:3001/api/v1/spaces/default/sessions",
        *bearer
    );
    tokio::try_join!(async { axum::serve(edge, app).await }, async {
        axum::serve(admin, side_port).await
    },)?;
    Ok(())
}

async fn hello(session: CurrentSession) -> String {
    format!(
        "hello {}, in session {} since {}\n",
        session.user_name(),
        session.id(),
        session.started_at()
    )
}

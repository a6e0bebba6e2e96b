//! `/.gatepass/jwks.json`, and what is signed with its keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use crate::kit::{House, PORTS, house, tokens};

/// Verifies an assertion as an application would, with what the edge publishes.
async fn verify(house: &House, path: &str, assertion: &str, audience: &str) -> Value {
    // Once is enough; whoever comes second is told that it is done.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let answer = house.script().get(path).await;
    let jwks = answer.json(200);
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].get("d"), None, "the private key is published");
    let header = jsonwebtoken::decode_header(assertion).unwrap();
    assert_eq!(header.kid.as_deref(), keys[0]["kid"].as_str());
    let text = |name: &str| keys[0][name].as_str().unwrap();
    let key = DecodingKey::from_ec_components(text("x"), text("y")).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[audience]);
    rules.set_issuer(&["urn:gatepass:space:1001"]);
    rules.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    rules.leeway = 0;
    decode::<Value>(assertion, &key, &rules).unwrap().claims
}

#[tokio::test]
async fn the_application_can_verify_who_it_is_told_about() {
    let house = House::local().await;
    house
        .browser()
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let seen = house.upstream.last();
    let assertion = seen.header("x-gatepass-assertion").unwrap();
    let claims = verify(&house, "/.gatepass/jwks.json", assertion, "sales").await;
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["user_directory"], "DEMO");
    assert_eq!(claims["groups"], serde_json::json!(["sales", "admins"]));
    assert_eq!(claims["space"], "1001");
    assert_eq!(
        claims["sid"],
        house.admin().session("1001").await["sessionId"]
    );
    let (now, exp) = (tokens::now(), claims["exp"].as_i64().unwrap());
    assert!(exp > now && exp <= now + 300, "{exp}");
    // A changed one does not verify.
    let mut parts: Vec<_> = assertion.split('.').map(str::to_owned).collect();
    let forged = String::from_utf8(URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
    parts[1] = URL_SAFE_NO_PAD.encode(forged.replace("alice", "admin"));
    let jwks = house.script().get("/.gatepass/jwks.json").await.json(200);
    let text = |name: &str| jwks["keys"][0][name].as_str().unwrap();
    let key = DecodingKey::from_ec_components(text("x"), text("y")).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&["sales"]);
    assert!(decode::<Value>(&parts.join("."), &key, &rules).is_err());
}

#[tokio::test]
async fn a_space_without_an_assertion_publishes_nothing() {
    let house = House::with(&format!("{PORTS}{}", house::header_space())).await;
    assert_eq!(house.script().get("/.gatepass/jwks.json").await.status, 404);
}

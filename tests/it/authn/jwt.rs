//! S24, as far as tokens at the edge are concerned, and S29.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use gatepass::authn::jwt::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::kit::tokens::{self, JWT, claims, demo_key};
use crate::kit::{House, PORTS};

async fn house(more: &str) -> House {
    House::with(&format!("{PORTS}{JWT}{more}")).await
}

#[tokio::test]
async fn a_token_opens_one_session_and_stays_with_the_gateway() {
    let house = house("").await;
    let more = json!({ "name": "Carol", "email": "c@example.com", "groups": ["sales", "admins"] });
    let token = demo_key().sign(&claims("carol", more)).unwrap();
    let script = house.script().bearer(&token);
    let first = script.get("/jwt/a").await;
    first.says(200, "GET /a");
    for path in ["/jwt/b", "/jwt/c"] {
        let again = script.get(path).await;
        again.says(200, "GET /");
        assert!(!again.headers.contains_key("set-cookie"));
    }
    // Its cookie opens the same session.
    house
        .script()
        .with_cookie_of(&first)
        .get("/jwt/d")
        .await
        .says(200, "GET /d");
    let seen = house.upstream.last();
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("x-forwarded-user"), Some("carol"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sales,admins"));
    assert_eq!(seen.header("x-forwarded-email"), Some("c@example.com"));
    assert!(
        !house
            .upstream
            .seen()
            .iter()
            .any(|seen| seen.everything().contains(&token))
    );
    let session = house.admin().session("1002").await;
    assert_eq!(session["authenticationMethod"], "jwt");
    assert_eq!(session["userName"], "Carol");
    // Ended, the token opens a new one: it is still a good token.
    house.admin().end("1002", &session).await;
    let old = house.script().with_cookie_of(&first);
    assert_eq!(old.get("/jwt/e").await.status, 401);
}

#[tokio::test]
async fn s24_parallel_requests_with_one_token_open_one_session() {
    let house = house("").await;
    let script = house.script().bearer(&tokens::token("carol"));
    let requests = (0..50).map(|_| {
        let script = script.clone();
        async move { script.get("/jwt/x").await }
    });
    let answers = join_all(requests).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let opened = answers
        .iter()
        .filter(|answer| answer.headers.contains_key("set-cookie"));
    assert_eq!(opened.count(), 1);
    assert_eq!(house.admin().sessions("1002").await.len(), 1);
}

/// A token whose three parts the test puts together.
fn assembled(header: Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(&header), part(claims))
}

/// Another signature of the same form.
fn changed(signature: &str) -> String {
    let other = if signature.starts_with('A') { "B" } else { "A" };
    format!("{other}{}", &signature[1..])
}

#[tokio::test]
async fn s24_a_token_that_does_not_hold_is_401() {
    let house = house("").await;
    let good = tokens::token("carol");
    let (body, signature) = good.rsplit_once('.').unwrap();
    let sign = |more: Value| demo_key().sign(&claims("carol", more)).unwrap();
    let public = std::fs::read(house.file("jwt-public.pem")).unwrap();
    let hs = SigningKey::from_secret(&public, Algorithm::HS256).unwrap();
    let own = tokens::new_key("own");
    let own_jwk = own.public_jwk().unwrap();
    let own_token = own.sign(&claims("carol", json!({}))).unwrap();
    let with_header = |header: Value| {
        let token = own_token.split('.').next_back().unwrap();
        assembled(header, &claims("carol", json!({})), token)
    };
    let now = tokens::now();
    for (token, what) in [
        (sign(json!({ "exp": now - 3600 })), "expired"),
        (sign(json!({ "exp": null })), "without an end"),
        (
            sign(json!({ "exp": "tomorrow" })),
            "an end that is no number",
        ),
        (sign(json!({ "nbf": now + 3600 })), "not yet"),
        (
            sign(json!({ "iss": "https://evil.example" })),
            "another issuer",
        ),
        (sign(json!({ "iss": null })), "no issuer"),
        (
            sign(json!({ "iss": ["https://demo.gatepass.example"] })),
            "a list of issuers",
        ),
        (sign(json!({ "aud": "other" })), "another audience"),
        (sign(json!({ "aud": null })), "no audience"),
        (
            sign(json!({ "aud": "demo2" })),
            "an audience that begins alike",
        ),
        (sign(json!({ "sub": null })), "nobody"),
        (sign(json!({ "sub": "" })), "an empty name"),
        (sign(json!({ "sub": 7 })), "a number for a name"),
        (
            sign(json!({ "sub": "a\r\nX-Evil: 1" })),
            "a name with line breaks",
        ),
        (sign(json!({ "directory": null })), "no directory"),
        (format!("{body}."), "no signature"),
        (
            format!("{body}.{}", changed(signature)),
            "a changed signature",
        ),
        (format!("{good}."), "four parts"),
        (body.to_owned(), "two parts"),
        ("x".repeat(20_000), "a long text"),
        ("..".to_owned(), "nothing"),
        (
            assembled(json!({ "alg": "none" }), &claims("carol", json!({})), ""),
            "none",
        ),
        (
            assembled(
                json!({ "alg": "None", "typ": "JWT" }),
                &claims("carol", json!({})),
                signature,
            ),
            "None",
        ),
        (
            hs.sign(&claims("carol", json!({}))).unwrap(),
            "signed with the public key as a secret",
        ),
        (own_token.clone(), "another key"),
        (
            with_header(json!({ "alg": "ES256", "jwk": own_jwk })),
            "a key of its own",
        ),
        (
            with_header(json!({ "alg": "ES256", "jku": format!("{}/jwks", house.upstream.url()) })),
            "an address of a key",
        ),
        (
            with_header(json!({ "alg": "ES256", "x5u": format!("{}/x5u", house.upstream.url()) })),
            "an address of a certificate",
        ),
        (
            with_header(json!({ "alg": "EdDSA", "kid": "../../../dev/null" })),
            "a key id that is a path",
        ),
    ] {
        let answer = house.script().bearer(&token).get("/jwt/x").await;
        assert_eq!(answer.status, 401, "{what}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(
            challenge, "Bearer realm=\"1002\", error=\"invalid_token\"",
            "{what}"
        );
        // Why it does not hold is for the log.
        answer.says(401, "Authentication is needed");
        assert!(!answer.headers.contains_key("set-cookie"), "{what}");
    }
    assert!(
        house.upstream.seen().is_empty(),
        "{:?}",
        house.upstream.targets()
    );
    assert!(house.admin().sessions("1002").await.is_empty());
}

#[tokio::test]
async fn two_tokens_are_none() {
    let house = house("").await;
    let token = tokens::token("carol");
    let answer = house
        .script()
        .bearer(&token)
        .bearer(&token)
        .get("/jwt/x")
        .await;
    assert_eq!(answer.status, 401);
    // A cookie does not help a bad token.
    let good = house.script().bearer(&token).get("/jwt/x").await;
    let cookie = house.script().with_cookie_of(&good);
    assert_eq!(
        cookie.bearer("bad.token.here").get("/jwt/x").await.status,
        401
    );
}

#[tokio::test]
async fn a_session_does_not_outlive_what_its_token_may() {
    // The token's end plus the leeway ends its use as a credential.
    let house = House::with(&format!(
        "{PORTS}{}",
        JWT.replace("algorithms", "leeway = \"0s\"\nalgorithms")
    ))
    .await;
    let token = demo_key()
        .sign(&claims("carol", json!({ "exp": tokens::now() + 2 })))
        .unwrap();
    let script = house.script().bearer(&token);
    script.get("/jwt/x").await.says(200, "GET /x");
    crate::kit::eventually(async || (script.get("/jwt/x").await.status == 401).then_some(())).await;
}

#[tokio::test]
async fn s29_claims_are_parsed_strictly() {
    let rule = "[[space.access]]\npath = \"/admin/**\"\nrequire = { attribute = \"group\", any_of = [\"admins\"] }\n";
    let house = house(rule).await;
    for (groups, status) in [
        (json!(["admins"]), 200),
        (json!("admins"), 200),
        (json!(["x", "admins"]), 200),
        (json!("x admins"), 403),
        (json!("x,admins"), 403),
        (json!(["Admins"]), 403),
        (json!([]), 403),
        (Value::Null, 403),
    ] {
        let token = demo_key()
            .sign(&claims("carol", json!({ "groups": groups })))
            .unwrap();
        let status_ = house
            .script()
            .bearer(&token)
            .get("/jwt/admin/x")
            .await
            .status;
        assert_eq!(status_, status, "{groups}");
    }
    // One value that is none makes all of them worth nothing.
    for groups in [
        json!({ "admins": true }),
        json!([["admins"]]),
        json!(["admins", { "a": 1 }]),
        json!(["admins", null]),
        json!(true),
        json!(1),
    ] {
        let token = demo_key()
            .sign(&claims("carol", json!({ "groups": groups })))
            .unwrap();
        let answer = house.script().bearer(&token).get("/jwt/admin/x").await;
        assert_eq!(answer.status, 403, "{groups}");
    }
}

#[tokio::test]
async fn a_mandatory_attribute_must_be_there() {
    let jwt = JWT.replace(
        "attribute = \"group\" }",
        "attribute = \"group\", mandatory = true }",
    );
    let house = House::with(&format!("{PORTS}{jwt}")).await;
    assert_eq!(
        house
            .script()
            .bearer(&tokens::token("carol"))
            .get("/jwt/x")
            .await
            .status,
        401
    );
    let token = demo_key()
        .sign(&claims("carol", json!({ "groups": ["a"] })))
        .unwrap();
    house
        .script()
        .bearer(&token)
        .get("/jwt/x")
        .await
        .says(200, "GET /x");
}

#[tokio::test]
async fn a_token_may_come_in_a_header_or_the_query_where_that_is_configured() {
    let jwt = JWT.replace(
        "[space.jwt]",
        "[space.jwt]\nheader = \"X-Token\"\nquery = \"token\"",
    );
    let house = House::with(&format!("{PORTS}{jwt}")).await;
    let token = tokens::token("carol");
    house
        .script()
        .with("x-token", &token)
        .get("/jwt/x")
        .await
        .says(200, "GET /x");
    assert_eq!(house.upstream.last().header("x-token"), None);
    house
        .script()
        .get(&format!("/jwt/x?token={token}"))
        .await
        .says(200, "GET /x");
    assert_eq!(house.upstream.last().target, "/x");
    // Also under a name that decodes to it.
    house
        .script()
        .get(&format!("/jwt/x?a&%74oken={token}&b=c"))
        .await;
    for seen in house.upstream.seen() {
        assert!(!seen.everything().contains(&token), "{seen:?}");
    }
}

//! What claims have to say.

use std::time::Duration;

use super::*;
use crate::authn::{AttributeMapping, ClaimPath};

fn hs(builder: JwtAuthenticatorBuilder) -> JwtAuthenticator {
    let key = VerifyingKey::from_secret(SECRET).unwrap();
    builder.key(key).build().unwrap()
}

fn sign(claims: &Value) -> String {
    let key = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    key.sign(claims).unwrap()
}

fn path(text: &str) -> ClaimPath {
    ClaimPath::new(text).unwrap()
}

#[tokio::test]
async fn s24_issuer_audience_and_expiry_are_required_and_exact() {
    use FailureReason::{BadClaim, Expired, MissingClaim, NotYetValid, WrongAudience, WrongIssuer};
    let clock = ManualClock::new();
    let authn = hs(builder(&clock).audience("second"));
    let now = clock.wall().unix_seconds();
    for (name, value, expected) in [
        ("iss", json!(null), Err(MissingClaim)),
        ("iss", json!("https://login.example.com/"), Err(WrongIssuer)),
        ("iss", json!(["https://login.example.com"]), Err(BadClaim)),
        ("aud", json!(null), Err(MissingClaim)),
        ("aud", json!("Sales"), Err(WrongAudience)),
        ("aud", json!([]), Err(WrongAudience)),
        ("aud", json!(["other", "sales"]), Ok(())),
        ("aud", json!("second"), Ok(())),
        ("aud", json!(["sales", 7]), Err(BadClaim)),
        ("aud", json!({"sales": true}), Err(BadClaim)),
        ("exp", json!(null), Err(MissingClaim)),
        ("exp", json!((now + 600).to_string()), Err(BadClaim)),
        ("exp", json!(true), Err(BadClaim)),
        ("exp", json!(now - 61), Err(Expired)),
        ("exp", json!(-1), Err(Expired)),
        ("exp", json!(-1e300), Err(Expired)),
        ("exp", json!(now - 59), Ok(())),
        ("exp", json!(1e300), Ok(())),
        ("nbf", json!(now + 61), Err(NotYetValid)),
        ("nbf", json!(now + 59), Ok(())),
        ("nbf", json!("soon"), Err(BadClaim)),
        ("iat", json!(now + 61), Err(NotYetValid)),
        ("iat", json!(now - 100_000), Ok(())),
    ] {
        let token = sign(&with(good(&clock), name, value.clone()));
        let got = verdict(&authn, &token).await.map(|_| ());
        assert_eq!(got, expected, "{name}: {value}");
    }
    let text = URL_SAFE_NO_PAD.encode("[1]");
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let message = format!("{header}.{text}");
    let signature = URL_SAFE_NO_PAD.encode(hmac(SECRET)(message.as_bytes()));
    let token = format!("{message}.{signature}");
    assert_eq!(verdict(&authn, &token).await, Err(FailureReason::BadToken));
}

#[tokio::test]
async fn a_token_holds_until_it_expires_by_the_clock() {
    let clock = ManualClock::new();
    let authn = hs(builder(&clock).leeway(Duration::from_secs(5)));
    let parts = bearer(&sign(&good(&clock)));
    clock.advance(Duration::from_secs(100));
    let Outcome::Authenticated(found) = ask_parts(&authn, &parts).await else {
        panic!("refused");
    };
    let credential = found.credential.unwrap();
    assert_eq!(credential.valid_for, Some(Duration::from_secs(505)));
    let request = AuthnRequest {
        parts: &parts,
        connection: None,
    };
    assert_eq!(authn.credential(&request), Some(credential.digest));
    clock.advance(Duration::from_millis(504_999));
    assert!(matches!(
        ask_parts(&authn, &parts).await,
        Outcome::Authenticated(_)
    ));
    clock.advance(Duration::from_millis(1));
    assert!(matches!(
        ask_parts(&authn, &parts).await,
        Outcome::Failed(f) if f.reason() == FailureReason::Expired
    ));
}

#[tokio::test]
async fn claims_become_the_user_and_attributes() {
    let clock = ManualClock::new();
    let mapping = |claim, attribute: &str, mandatory| AttributeMapping {
        claim: path(claim),
        attribute: attribute.into(),
        mandatory,
    };
    let authn = hs(builder(&clock)
        .directory_claim(path("tid"))
        .id_claim(path("user.login"))
        .name_claim(path("display"))
        .attribute(mapping("groups", "group", true))
        .attribute(mapping("realm.roles", "group", false)));
    let mut claims = good(&clock);
    claims["tid"] = json!("LAB");
    claims["user"] = json!({"login": "ann.a"});
    claims["display"] = json!("Ann A.");
    claims["email"] = json!("ann@lab.example");
    claims["groups"] = json!(["sales"]);
    claims["realm"] = json!({"roles": ["admin"]});
    let Outcome::Authenticated(found) = ask(&authn, &sign(&claims)).await else {
        panic!("refused");
    };
    let user = found.identity;
    assert_eq!(user.to_string(), r"LAB\ann.a");
    assert_eq!(
        (user.name(), user.email()),
        ("Ann A.", Some("ann@lab.example"))
    );
    let groups = user.attributes().values("group");
    assert_eq!(groups, ["sales".into(), "admin".into()] as [Box<str>; 2]);

    for (name, value, reason) in [
        ("groups", json!(null), FailureReason::MissingClaim),
        ("groups", json!([]), FailureReason::MissingClaim),
        ("groups", json!({"sales": true}), FailureReason::BadClaim),
        ("tid", json!(null), FailureReason::MissingClaim),
        ("tid", json!("  "), FailureReason::MissingClaim),
        ("tid", json!(7), FailureReason::BadClaim),
        ("user", json!("ann"), FailureReason::MissingClaim),
        (
            "user",
            json!({"login": r"LAB\ann"}),
            FailureReason::BadClaim,
        ),
        ("display", json!(["Ann"]), FailureReason::BadClaim),
        ("display", json!("Ann\r\nX: y"), FailureReason::BadClaim),
    ] {
        let token = sign(&with(claims.clone(), name, value.clone()));
        assert_eq!(
            verdict(&authn, &token).await,
            Err(reason),
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn s29_a_text_is_no_boolean() {
    let clock = ManualClock::new();
    let authn = hs(builder(&clock));
    for (flag, kept) in [
        (json!(null), false),
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!("false"), false),
        (json!(1), false),
    ] {
        let claims = with(good(&clock), "email", json!("ann@lab.example"));
        let token = sign(&with(claims, "email_verified", flag.clone()));
        let Outcome::Authenticated(found) = ask(&authn, &token).await else {
            panic!("{flag} was refused");
        };
        assert_eq!(found.identity.email().is_some(), kept, "{flag}");
    }
    let token = sign(&with(good(&clock), "email", json!("ann@lab.example")));
    assert!(matches!(
        ask(&authn, &token).await,
        Outcome::Authenticated(found) if found.identity.email().is_some()
    ));
}

#[tokio::test]
async fn s26_a_credential_is_of_one_space_and_issuer() {
    let clock = ManualClock::new();
    let space = |id| crate::domain::SpaceId::new(id).unwrap();
    let parts = bearer(&sign(&good(&clock)));
    let request = AuthnRequest {
        parts: &parts,
        connection: None,
    };
    let digest = |b: JwtAuthenticatorBuilder| hs(b).credential(&request).unwrap();
    let one = digest(builder(&clock).space(&space("1")));
    assert_eq!(one, digest(builder(&clock).space(&space("1"))));
    assert_ne!(one, digest(builder(&clock).space(&space("2"))));
    assert_ne!(
        one,
        digest(builder(&clock).space(&space("1")).issuer("other"))
    );
}

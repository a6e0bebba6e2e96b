//! Algorithms and keys.

use super::*;

const RSA_FAMILY: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const HMAC_FAMILY: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

fn cases() -> Vec<(SigningKey, VerifyingKey)> {
    let mut cases: Vec<_> = RSA_FAMILY
        .iter()
        .map(|a| (signer(&RSA, *a), verifier(&RSA)))
        .collect();
    cases.push((signer(&P256, Algorithm::ES256), verifier(&P256)));
    cases.push((signer(&P384, Algorithm::ES384), verifier(&P384)));
    cases.push((signer(&ED, Algorithm::EdDSA), verifier(&ED)));
    cases.extend(HMAC_FAMILY.iter().map(|a| {
        let signer = SigningKey::from_secret(SECRET, *a).unwrap();
        (signer, VerifyingKey::from_secret(SECRET).unwrap())
    }));
    cases
}

#[tokio::test]
async fn a_token_of_every_algorithm_is_verified() {
    let clock = ManualClock::new();
    let cases = cases();
    assert_eq!(cases.len(), 12);
    for (signer, key) in cases {
        let algorithm = signer.algorithm();
        let authn = builder(&clock).key(key).build().unwrap();
        let token = signer.sign(&good(&clock)).unwrap();
        let user = Ok(r"JWT\ann".to_owned());
        assert_eq!(verdict(&authn, &token).await, user, "{algorithm:?}");

        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[10] ^= 1;
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes));
        let bad = Err(FailureReason::BadSignature);
        assert_eq!(verdict(&authn, &forged).await, bad, "{algorithm:?}");
        let unsigned = format!("{message}.");
        assert_eq!(verdict(&authn, &unsigned).await, bad, "{algorithm:?}");
    }
}

#[tokio::test]
async fn public_keys_travel_as_jwks() {
    let clock = ManualClock::new();
    let signers = [
        signer(&RSA, Algorithm::PS256).with_kid("rsa"),
        signer(&P256, Algorithm::ES256).with_kid("p256"),
        signer(&P384, Algorithm::ES384).with_kid("p384"),
        signer(&ED, Algorithm::EdDSA).with_kid("ed"),
    ];
    let jwks = json!({ "keys": signers.iter().map(SigningKey::public_jwk).collect::<Vec<_>>() });
    let keys = KeySet::from_jwks(jwks.to_string().as_bytes()).unwrap();
    assert_eq!(keys.keys().len(), 4);
    let authn = builder(&clock).jwks(keys).build().unwrap();
    for signer in &signers {
        let token = signer.sign(&good(&clock)).unwrap();
        assert!(verdict(&authn, &token).await.is_ok(), "{signer:?}");
    }
    // The JWK says PS256, and so the same key verifies nothing else.
    let other = signer(&RSA, Algorithm::RS256).with_kid("rsa");
    let token = other.sign(&good(&clock)).unwrap();
    assert_eq!(
        verdict(&authn, &token).await,
        Err(FailureReason::UnknownKey)
    );
    let secret = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    assert_eq!(secret.public_jwk(), None);
}

#[tokio::test]
async fn s24_no_key_is_used_for_an_algorithm_of_another_kind() {
    let clock = ManualClock::new();
    let claims = good(&clock);
    for public in [&RSA.public, &P256.public, &ED.public] {
        let key = VerifyingKey::from_pem(public.as_bytes()).unwrap();
        let authn = builder(&clock).key(key).build().unwrap();
        // The public key is known to all: as an HMAC secret it would let anybody sign.
        let hs = forge(&json!({"alg": "HS256"}), &claims, hmac(public.as_bytes()));
        assert_eq!(verdict(&authn, &hs).await, Err(FailureReason::UnknownKey));
        for none in ["none", "None", "NONE", "", "nOnE"] {
            let token = forge(&json!({"alg": none}), &claims, |_| Vec::new());
            let reason = Err(FailureReason::BadToken);
            assert_eq!(verdict(&authn, &token).await, reason, "alg {none:?}");
        }
    }
    // A key of P-384 verifies no ES256, and a list that was configured is kept to.
    let authn = builder(&clock).key(verifier(&P384)).build().unwrap();
    let token = signer(&P256, Algorithm::ES256).sign(&claims).unwrap();
    assert_eq!(
        verdict(&authn, &token).await,
        Err(FailureReason::UnknownKey)
    );
    let only = builder(&clock)
        .key(verifier(&RSA))
        .algorithms([Algorithm::RS512]);
    let authn = only.build().unwrap();
    let token = signer(&RSA, Algorithm::RS256).sign(&claims).unwrap();
    assert_eq!(
        verdict(&authn, &token).await,
        Err(FailureReason::UnknownKey)
    );
}

#[tokio::test]
async fn s24_a_key_that_the_token_brings_is_not_looked_at() {
    let clock = ManualClock::new();
    let authn = builder(&clock).key(verifier(&P256)).build().unwrap();
    let attacker = signer(&RSA, Algorithm::RS256);
    let own = attacker.public_jwk().unwrap();
    for extra in [
        json!({"jwk": own}),
        json!({"jku": "http://127.0.0.1:1/jwks", "kid": "x"}),
        json!({"x5u": "http://127.0.0.1:1/cert", "x5c": ["AAAA"]}),
        json!({"jwk": "no key at all"}),
    ] {
        let mut header = json!({"alg": "ES256"});
        header
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let wrong = forge(&header, &good(&clock), |_| vec![1; 64]);
        let bad = Err(FailureReason::BadSignature);
        assert_eq!(verdict(&authn, &wrong).await, bad, "{header}");
        // With a signature by the trusted key the same header does no harm.
        let pem = P256.private.as_bytes();
        let key = jsonwebtoken::EncodingKey::from_ec_pem(pem).unwrap();
        let right = forge(&header, &good(&clock), |message| {
            let signed = jsonwebtoken::crypto::sign(message, &key, Algorithm::ES256).unwrap();
            URL_SAFE_NO_PAD.decode(signed).unwrap()
        });
        assert!(verdict(&authn, &right).await.is_ok(), "{header}");
    }
    for header in [
        json!({"alg": "ES256", "crit": ["b64"], "b64": false}),
        json!({"alg": "ES256", "typ": "logout+jwt"}),
        json!({"alg": "ES256", "kid": 7}),
        json!(["alg", "ES256"]),
        json!({"kid": "x"}),
    ] {
        let token = forge(&header, &good(&clock), |_| vec![1; 64]);
        let bad = Err(FailureReason::BadToken);
        assert_eq!(verdict(&authn, &token).await, bad, "{header}");
    }
}

#[tokio::test]
async fn s24_a_kid_names_one_key_and_keys_are_not_tried_in_turn() {
    let clock = ManualClock::new();
    let claims = good(&clock);
    let sign = |pair: &Pair, kid: Option<&str>| {
        let key = signer(pair, Algorithm::ES256);
        let key = kid.map_or(signer(pair, Algorithm::ES256), |kid| key.with_kid(kid));
        key.sign(&claims).unwrap()
    };
    let other = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let two = builder(&clock)
        .key(verifier(&P256).with_kid("a"))
        .key(verifier(&other).with_kid("b"))
        .build()
        .unwrap();
    assert!(verdict(&two, &sign(&P256, Some("a"))).await.is_ok());
    assert!(verdict(&two, &sign(&other, Some("b"))).await.is_ok());
    for (pair, kid, reason) in [
        (&*P256, Some("b"), FailureReason::BadSignature),
        (&*P256, Some("c"), FailureReason::UnknownKey),
        (&*P256, Some("A"), FailureReason::UnknownKey),
        (&*P256, Some("../a"), FailureReason::UnknownKey),
        (&*P256, None, FailureReason::UnknownKey),
    ] {
        let token = sign(pair, kid);
        assert_eq!(verdict(&two, &token).await, Err(reason), "{kid:?}");
    }
    let one = builder(&clock).key(verifier(&P256)).build().unwrap();
    assert!(verdict(&one, &sign(&P256, None)).await.is_ok());
    assert!(verdict(&one, &sign(&P256, Some("any"))).await.is_ok());

    let jwk = signer(&P256, Algorithm::ES256).with_kid("a").public_jwk();
    let twice = json!({ "keys": [jwk, signer(&ED, Algorithm::EdDSA).with_kid("a").public_jwk()] });
    assert!(matches!(
        KeySet::from_jwks(twice.to_string().as_bytes()),
        Err(KeyError::DuplicateKid(kid)) if kid == "a"
    ));
    assert!(matches!(
        builder(&clock)
            .key(verifier(&P256).with_kid("a"))
            .key(verifier(&other).with_kid("a"))
            .build(),
        Err(JwtConfigError::Keys(KeyError::DuplicateKid(_)))
    ));
}

#[test]
fn keys_for_other_uses_and_of_other_kinds_are_left_out() {
    let good = signer(&P256, Algorithm::ES256)
        .with_kid("good")
        .public_jwk();
    let good = good.unwrap();
    let set = json!({"keys": [
        with(with(good.clone(), "kid", json!("enc")), "use", json!("enc")),
        with(with(good.clone(), "kid", json!("ops")), "key_ops", json!(["encrypt"])),
        with(with(good.clone(), "kid", json!("x")), "x", json!("AAAA")),
        with(with(good.clone(), "kid", json!("y")), "y", good["x"].clone()),
        with(with(good.clone(), "kid", json!("alg")), "alg", json!("ES256K")),
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "small", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "short", "k": "AAAA"},
        {"kty": "new"}, {}, 7, null,
        good.clone(),
    ]});
    let keys = KeySet::from_jwks(set.to_string().as_bytes()).unwrap();
    let kids: Vec<_> = keys.keys().iter().map(VerifyingKey::kid).collect();
    assert_eq!(kids, [Some("good")]);

    let oct = json!({"keys": [{"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET)}]}).to_string();
    assert!(KeySet::from_jwks(oct.as_bytes()).is_ok());
    let fetched = KeySet::from_fetched_jwks(oct.as_bytes());
    assert!(matches!(fetched, Err(KeyError::Empty)), "{fetched:?}");
    assert!(matches!(
        KeySet::from_jwks(b"{}"),
        Err(KeyError::NotJwks(_))
    ));
}

#[test]
fn s41_what_cannot_be_a_key_is_refused_at_the_start() {
    let pem = |pem: &str| VerifyingKey::from_pem(pem.as_bytes()).map(|_| ());
    assert!(matches!(pem(&P256.private), Err(KeyError::Private)));
    assert!(matches!(pem("no"), Err(KeyError::NotPem)));
    let broken = RSA.public.replacen("MIIB", "MIIC", 1);
    assert!(pem(&broken).is_err());
    assert!(matches!(
        VerifyingKey::from_secret(&[1; 31]),
        Err(KeyError::ShortSecret(31))
    ));
    let short = VerifyingKey::from_secret(&[1; 47]).unwrap();
    assert_eq!(short.algorithms(), [Algorithm::HS256]);
    assert!(matches!(
        short.only(&[Algorithm::HS512]),
        Err(KeyError::NoAlgorithm(_))
    ));
    let missing = VerifyingKey::read_pem("/nowhere/key.pem").unwrap_err();
    assert!(missing.to_string().contains("/nowhere/key.pem"));
    assert!(SigningKey::from_pem(P256.private.as_bytes(), Some(Algorithm::ES384)).is_err());
    assert!(SigningKey::from_pem(P256.public.as_bytes(), None).is_err());
}

#[test]
fn s41_an_authenticator_without_issuer_audience_or_keys_is_none() {
    let key = || VerifyingKey::from_secret(SECRET).unwrap();
    let bare = JwtAuthenticator::builder;
    assert!(matches!(
        bare().audience("a").key(key()).build(),
        Err(JwtConfigError::NoIssuer)
    ));
    assert!(matches!(
        bare().issuer("i").key(key()).build(),
        Err(JwtConfigError::NoAudience)
    ));
    let base = || bare().issuer("i").audience("a");
    assert!(matches!(base().build(), Err(JwtConfigError::NoKeys)));
    assert!(matches!(
        base().key(key()).jwks_url("https://x.example/").build(),
        Err(JwtConfigError::KeysAndUrl)
    ));
    assert!(matches!(
        base()
            .key(key())
            .leeway(std::time::Duration::from_secs(301))
            .build(),
        Err(JwtConfigError::Leeway(_))
    ));
    assert!(matches!(
        base()
            .key(key())
            .header(http::header::AUTHORIZATION)
            .build(),
        Err(JwtConfigError::Header(_))
    ));
    assert!(matches!(
        base().key(key()).directory(r"a\b").build(),
        Err(JwtConfigError::Directory(_))
    ));
    assert!(base().key(key()).build().is_ok());
}

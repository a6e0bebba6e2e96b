//! Where tokens come from.

use http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::authn::{BearerError, Challenge, Consumed};

fn all_sources(clock: &ManualClock) -> JwtAuthenticatorBuilder {
    builder(clock)
        .key(VerifyingKey::from_secret(SECRET).unwrap())
        .header(HeaderName::from_static("x-token"))
        .query_parameter("token")
}

fn token(clock: &ManualClock) -> String {
    let key = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    key.sign(&good(clock)).unwrap()
}

fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_token_is_taken_from_where_it_is_configured() {
    let clock = ManualClock::new();
    let t = token(&clock);
    let here = [
        parts("/", &[("authorization", &format!("Bearer {t}"))]),
        parts("/", &[("authorization", &format!("bEARER   {t} "))]),
        parts("/", &[("x-token", &t)]),
        parts(&format!("/a?b=1&token={t}"), &[]),
        parts(&format!("/a?%74oken={}", t.replace('.', "%2E")), &[]),
    ];
    let all = all_sources(&clock).build().unwrap();
    let plain = builder(&clock).key(VerifyingKey::from_secret(SECRET).unwrap());
    let plain = plain.build().unwrap();
    for (i, parts) in here.iter().enumerate() {
        let request = AuthnRequest {
            parts,
            connection: None,
        };
        let Outcome::Authenticated(found) = ask_parts(&all, parts).await else {
            panic!("{parts:?} was refused");
        };
        assert_eq!(all.credential(&request), found.credential.map(|c| c.digest));
        let by_default = matches!(ask_parts(&plain, parts).await, Outcome::Authenticated(_));
        assert_eq!(by_default, i < 2, "{parts:?}");
    }
    assert_eq!(
        all.consumed(),
        [
            Consumed::BearerToken,
            Consumed::Header(HeaderName::from_static("x-token")),
            Consumed::QueryParameter("token".into()),
        ]
    );
    assert_eq!(plain.consumed(), [Consumed::BearerToken]);
}

#[tokio::test]
async fn two_tokens_are_none() {
    let clock = ManualClock::new();
    let t = token(&clock);
    let authn = all_sources(&clock).build().unwrap();
    let bearer = format!("Bearer {t}");
    for parts in [
        parts(
            "/",
            &[("authorization", &bearer), ("authorization", &bearer)],
        ),
        parts(
            "/",
            &[("authorization", "Basic eDp5"), ("authorization", &bearer)],
        ),
        parts("/", &[("x-token", &t), ("x-token", &t)]),
        parts("/", &[("authorization", &bearer), ("x-token", &t)]),
        parts(&format!("/?token={t}&token={t}"), &[]),
        parts(&format!("/?token={t}&%74oken=x"), &[]),
        parts(&format!("/?token={t}"), &[("authorization", &bearer)]),
        parts("/", &[("authorization", "Bearer ")]),
    ] {
        let outcome = ask_parts(&authn, &parts).await;
        let Outcome::Failed(failure) = outcome else {
            panic!("{parts:?} gave {outcome:?}");
        };
        assert_eq!(failure.reason(), FailureReason::BadHeader);
        assert_eq!(failure.bearer_error(), Some(BearerError::InvalidRequest));
        let request = AuthnRequest {
            parts: &parts,
            connection: None,
        };
        assert_eq!(authn.credential(&request), None);
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_asked_for_one() {
    let clock = ManualClock::new();
    let authn = all_sources(&clock).build().unwrap();
    for parts in [
        parts("/?tok=a.b.c", &[]),
        parts("/?token=", &[("x-token", "")]),
        parts("/", &[("authorization", "Basic eDp5")]),
        parts("/", &[("authorization", "Bearerx a.b.c")]),
    ] {
        let outcome = ask_parts(&authn, &parts).await;
        assert!(
            matches!(
                &outcome,
                Outcome::Challenge(Challenge::Bearer { realm, error: None }) if &**realm == "default"
            ),
            "{parts:?} gave {outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_opaque_token_is_refused_unless_it_is_somebody_elses() {
    let clock = ManualClock::new();
    let strict = all_sources(&clock).build().unwrap();
    let lenient = all_sources(&clock).ignore_opaque(true).build().unwrap();
    for opaque in ["opaque", "a.b", "a.b.c.d.e"] {
        let bad = Err(FailureReason::BadToken);
        assert_eq!(verdict(&strict, opaque).await, bad, "{opaque}");
        let outcome = ask(&lenient, opaque).await;
        assert!(matches!(outcome, Outcome::Challenge(_)), "{outcome:?}");
    }
    // What could be a JWT is not waved through.
    assert_eq!(
        verdict(&lenient, "a.b.c").await,
        Err(FailureReason::BadToken)
    );
    let long = format!("a.b.{}", "c".repeat(17_000));
    assert_eq!(verdict(&strict, &long).await, Err(FailureReason::BadToken));
}

#[tokio::test]
async fn s20_a_failure_says_nothing_of_the_token() {
    let clock = ManualClock::new();
    let authn = all_sources(&clock).build().unwrap();
    let t = token(&clock);
    let (message, signature) = t.rsplit_once('.').unwrap();
    let tampered = format!("{message}x.{signature}");
    let expired = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    let expired = expired.sign(&with(good(&clock), "exp", json!(1))).unwrap();
    for bad in [tampered, expired, "secret-opaque-token".to_owned()] {
        let Outcome::Failed(failure) = ask(&authn, &bad).await else {
            panic!("{bad} was taken");
        };
        let shown = format!("{failure} {failure:?}");
        for part in bad.split('.') {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_in_authorization_authenticate_or_panic(
        scheme in prop_oneof![Just(&b"Bearer "[..]), Just(&b"bearer"[..]), Just(&b""[..])],
        rest in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}".prop_map(Vec::from),
            any::<[String; 3]>().prop_map(|p| p.map(|s| URL_SAFE_NO_PAD.encode(s)).join(".").into()),
            "\\{\"alg\":\"(HS256|none|RS256)\",\"(kid|typ|crit)\":[a-z0-9\"]{0,6}\\}".prop_map(|h| {
                format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(h)).into()
            }),
        ],
    ) {
        let Ok(value) = HeaderValue::from_bytes(&[scheme, &rest].concat()) else {
            return Ok(());
        };
        let clock = ManualClock::new();
        let authn = all_sources(&clock).build().unwrap();
        let mut parts = parts("/", &[]);
        parts.headers.insert("authorization", value);
        let request = AuthnRequest { parts: &parts, connection: None };
        let _ = authn.credential(&request);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match authn.authenticate(request).as_mut().poll(&mut context) {
            std::task::Poll::Ready(outcome) => {
                prop_assert!(!matches!(outcome, Outcome::Authenticated(_)), "{outcome:?}");
            }
            std::task::Poll::Pending => prop_assert!(false, "it waits for nothing"),
        }
    }
}

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HeaderName;
use http::request::Parts;

use super::*;
use crate::authn::FailureReason;
use crate::authn::header::HeaderAuthenticator;
use crate::authn::jwt::{Algorithm, JwtAuthenticator, SigningKey, VerifyingKey};
use crate::domain::{Connection, Scheme, SpaceId};

const SECRET: &[u8] = &[9; 32];

fn jwt() -> Arc<dyn Authenticator> {
    let key = VerifyingKey::from_secret(SECRET).unwrap();
    let builder = JwtAuthenticator::builder().issuer("i").audience("a");
    Arc::new(builder.key(key).build().unwrap())
}

fn header() -> Arc<dyn Authenticator> {
    let space = SpaceId::new("1").unwrap();
    let builder = HeaderAuthenticator::builder(&space, HeaderName::from_static("hdr-usr"));
    let builder = builder
        .directory("LAB")
        .trust("127.0.0.0/8".parse().unwrap());
    Arc::new(builder.build().unwrap())
}

fn token() -> String {
    let key = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    let claims =
        serde_json::json!({"iss": "i", "aud": "a", "sub": "ann", "exp": 99_999_999_999_u64});
    format!("Bearer {}", key.sign(&claims).unwrap())
}

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn request(parts: &Parts) -> AuthnRequest<'_> {
    let peer: SocketAddr = "127.0.0.1:4000".parse().unwrap();
    AuthnRequest {
        parts,
        connection: Some(Connection {
            peer,
            client_ip: peer.ip(),
            scheme: Scheme::Http,
        }),
    }
}

async fn method(chain: &Chain, headers: &[(&str, &str)]) -> Option<Method> {
    match chain.authenticate(request(&parts(headers))).await {
        Outcome::Authenticated(found) => Some(found.method),
        Outcome::NotRequested | Outcome::Challenge(_) => None,
        Outcome::Failed(failure) => panic!("{failure}"),
    }
}

#[tokio::test]
async fn the_first_method_that_knows_decides() {
    let token = token();
    let both = [("authorization", &*token), ("hdr-usr", "bob")];
    let one = Chain::new(vec![jwt(), header()]);
    assert_eq!(method(&one, &both).await, Some(Method::Jwt));
    assert_eq!(method(&one, &both[1..]).await, Some(Method::Header));
    let other = Chain::new(vec![header(), jwt()]);
    assert_eq!(method(&other, &both).await, Some(Method::Header));
    assert_eq!(method(&other, &both[..1]).await, Some(Method::Jwt));

    let parts = parts(&both);
    let asked = request(&parts);
    let digests: Vec<_> = one.credentials(&asked).collect();
    let mut reversed: Vec<_> = other.credentials(&asked).collect();
    reversed.reverse();
    assert_eq!(digests.len(), 2);
    assert_eq!(digests, reversed);
}

#[tokio::test]
async fn a_bad_token_never_falls_through() {
    let chain = Chain::new(vec![jwt(), header()]).with_anonymous(Anonymous::allow());
    let parts = parts(&[("authorization", "Bearer a.b.c"), ("hdr-usr", "bob")]);
    let outcome = chain.authenticate(request(&parts)).await;
    assert!(
        matches!(&outcome, Outcome::Failed(f) if f.reason() == FailureReason::BadToken),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn without_credentials_nobody_is_requested_and_the_best_challenge_stays() {
    let none = parts(&[]);
    let outcome = |chain: Chain| {
        let none = &none;
        async move { chain.authenticate(request(none)).await }
    };
    assert!(Chain::default().is_empty());
    assert!(matches!(
        outcome(Chain::default()).await,
        Outcome::NotRequested
    ));
    let header_only = Chain::new(vec![header()]);
    assert!(matches!(outcome(header_only).await, Outcome::NotRequested));
    assert!(matches!(
        outcome(Chain::new(vec![jwt(), header()])).await,
        Outcome::Challenge(Challenge::Bearer { error: None, .. })
    ));
}

#[tokio::test]
async fn anonymous_users_are_all_different() {
    let chain = Chain::new(vec![jwt()]).with_anonymous(Anonymous::allow());
    let mut ids = Vec::new();
    for _ in 0..3 {
        let none = parts(&[]);
        let Outcome::Authenticated(found) = chain.authenticate(request(&none)).await else {
            panic!("nobody");
        };
        assert_eq!(found.method, Method::Anonymous);
        assert_eq!(found.identity.directory(), "NONE");
        assert!(found.identity.id().starts_with("anonymous"));
        assert!(found.credential.is_none());
        ids.push(found.identity.id().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let token = token();
    let known = method(&chain, &[("authorization", &token)]).await;
    assert_eq!(known, Some(Method::Jwt));
}

#[tokio::test]
async fn always_anonymous_asks_nobody_else_and_still_takes_tokens_off() {
    let chain = Chain::new(vec![jwt(), header()]);
    let always = chain.with_anonymous(Anonymous::always());
    let token = token();
    for value in [&*token, "Bearer forged"] {
        let headers = [("authorization", value), ("hdr-usr", "bob")];
        assert_eq!(method(&always, &headers).await, Some(Method::Anonymous));
        let parts = parts(&headers);
        assert_eq!(always.credentials(&request(&parts)).count(), 0);
    }
    assert_eq!(always.consumed(), chain.consumed());
    assert_eq!(always.consumed().len(), 2);
}

#[cfg(feature = "local")]
#[tokio::test]
async fn the_login_page_wins_over_asking_for_a_token_and_loses_to_anonymous() {
    use crate::authn::local::{LocalAuthenticator, LocalUsers, LoginLimits, UsersFile};
    use crate::domain::{Clock, ManualClock};

    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let file = UsersFile::load_or_empty("there/is/no/such/file").unwrap();
    let users = Arc::new(LocalUsers::new(&file, LoginLimits::default(), &clock));
    let local = || Arc::new(LocalAuthenticator::new(Arc::clone(&users))) as Arc<dyn Authenticator>;
    let none = parts(&[]);
    for chain in [
        Chain::new(vec![local(), jwt()]),
        Chain::new(vec![jwt(), local()]),
    ] {
        let outcome = chain.authenticate(request(&none)).await;
        assert!(
            matches!(outcome, Outcome::Challenge(Challenge::LoginPage)),
            "{outcome:?}"
        );
        assert!(
            chain
                .login()
                .is_some_and(|found| Arc::ptr_eq(&found, &users))
        );
        let token = token();
        let known = method(&chain, &[("authorization", &token)]).await;
        assert_eq!(known, Some(Method::Jwt));
        let open = chain.with_anonymous(Anonymous::allow());
        assert_eq!(method(&open, &[]).await, Some(Method::Anonymous));
        assert!(open.login().is_some(), "who visits the page logs in");
        assert!(chain.with_anonymous(Anonymous::always()).login().is_none());
    }
}

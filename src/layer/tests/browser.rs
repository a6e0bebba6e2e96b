//! `/qps/user`, `/qps/csrftoken`, and which pages may open WebSockets.

use super::*;
use crate::authn::Chain;
use crate::authn::jwt::{Algorithm, JwtAuthenticator, SigningKey, VerifyingKey};
use crate::authn::ticket::{LoginModule, TicketAuthenticator};
use crate::domain::{ClientInfo, HostPattern, NewSession, PathPrefix};
use crate::layer::WebSocketPolicy;
use crate::sessions::{Admission, Established};

const OWN: (&str, &str) = ("origin", "http://portal.example.com");
const LISTED: (&str, &str) = ("origin", "https://mashup.example.com");
const FOREIGN: (&str, &str) = ("origin", "https://evil.example");
const HOST: (&str, &str) = ("host", "portal.example.com");
const UPGRADE: [(&str, &str); 2] = [("upgrade", "websocket"), ("connection", "Upgrade")];
const SECRET: &[u8] = &[9; 32];

fn jwt() -> JwtAuthenticator {
    let key = VerifyingKey::from_secret(SECRET).unwrap();
    let builder = JwtAuthenticator::builder().issuer("i").audience("a");
    builder.key(key).build().unwrap()
}

fn bearer() -> String {
    let key = SigningKey::from_secret(SECRET, Algorithm::HS256).unwrap();
    let claims =
        serde_json::json!({"iss": "i", "aud": "a", "sub": "carol", "exp": 99_999_999_999_u64});
    format!("Bearer {}", key.sign(&claims).unwrap())
}

fn list() -> WebSocketPolicy {
    WebSocketPolicy::default().origins(["https://mashup.example.com".parse().unwrap()])
}

/// A space with the endpoints, where `mashup.example.com` is listed.
fn stage() -> Stage {
    Stage::with(|gate| gate.qlik_endpoints().websocket(list()))
}

impl Stage {
    async fn call(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Seen {
        let (mut parts, body) = request(target, headers).into_parts();
        parts
            .headers
            .entry("host")
            .or_insert("portal.example.com".parse().unwrap());
        parts.method = method.parse().unwrap();
        self.send(Request::from_parts(parts, body)).await
    }

    async fn cookie_of(&self, user: &str) -> String {
        let seen = self.call("GET", "/", &[("x-user", user)]).await;
        seen.cookie().unwrap()
    }

    async fn token(&self, cookie: &str) -> String {
        let seen = self
            .call("GET", "/qps/csrftoken", &[(COOKIE.as_str(), cookie)])
            .await;
        assert_eq!((seen.status, &*seen.body), (StatusCode::NO_CONTENT, ""));
        seen.headers["qlik-csrf-token"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_user_endpoint_says_who_somebody_is() {
    let stage = stage();
    let cookie = stage.cookie_of("ann").await;
    let seen = stage
        .call("GET", "/qps/user", &[(COOKIE.as_str(), &cookie)])
        .await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["cache-control"], "no-store");
    assert_eq!(
        &*seen.body,
        r#"{"userDirectory":"LAB","userId":"ann","userName":"ann","logoutUri":"http://portal.example.com/.gatepass/logout"}"#
    );
    // A credential that has opened no session yet opens one.
    let seen = stage.call("GET", "/qps/user/", &[("x-user", "bob")]).await;
    assert!(seen.body.contains(r#""userId":"bob""#) && seen.cookie().is_some());
    assert_eq!(stage.calls(), 1, "none of it was forwarded");
}

#[tokio::test]
async fn the_user_endpoint_says_who_nobody_is_and_opens_nothing() {
    let stage = stage();
    let seen = stage.call("GET", "/qps/user", &[]).await;
    assert_eq!(
        (seen.status, &*seen.body),
        (StatusCode::OK, r#"{"session":"inactive"}"#)
    );
    let stage = Stage::with(|gate| {
        gate.qlik_endpoints().chain(
            Chain::default()
                .with(header())
                .with_anonymous(Anonymous::allow()),
        )
    });
    let seen = stage.call("GET", "/qps/user", &[]).await;
    assert_eq!(&*seen.body, r#"{"session":"inactive"}"#);
    assert_eq!(stage.sessions.open(), 0);
    let cookie = stage.call("GET", "/", &[]).await.cookie().unwrap();
    let seen = stage
        .call("GET", "/qps/user", &[(COOKIE.as_str(), &cookie)])
        .await;
    let start = r#"{"userDirectory":"NONE","userId":"anonymous"#;
    assert!(seen.body.starts_with(start), "{}", seen.body);
    assert!(
        seen.body.ends_with(r#"","session":"inactive"}"#),
        "{}",
        seen.body
    );
}

#[tokio::test]
async fn s09_a_login_address_is_for_safe_targets_alone() {
    let stage = Stage::with(|gate| {
        gate.qlik_endpoints()
            .redirect_hosts(vec![HostPattern::new("app.example.com").unwrap()])
    });
    let space = Arc::clone(stage.sessions.default_space());
    let tickets = TicketAuthenticator::new(stage.sessions.clone(), space).module(
        LoginModule::new(
            "https://login.example.com",
            "https://gate.example.com",
            &PathPrefix::default(),
        )
        .unwrap(),
    );
    let gate = stage
        .gate
        .clone()
        .into_builder()
        .authenticator(tickets)
        .build();
    let stage = Stage { gate, ..stage };
    for (target, login) in [
        ("/a%3Fb", Some("/a%3Fb")),
        ("http://portal.example.com/a", Some("/a")),
        ("HTTP://PORTAL.example.com", Some("/")),
        (
            "https://app.example.com/a",
            Some("https%3A//app.example.com/a"),
        ),
        ("https://evil.example/a", None),
        ("http://portal.example.com.evil.example/", None),
        ("http://portal.example.com@evil.example/", None),
        ("http://portal.example.com//evil.example/", None),
        ("//evil.example", None),
        ("/.gatepass/logout", None),
        ("", None),
    ] {
        let seen = stage
            .call("GET", &format!("/qps/user?TargetUri={target}"), &[])
            .await;
        let said: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let login = login.map(|l| format!("http://portal.example.com/.gatepass/login?return={l}"));
        assert_eq!(said["loginUri"].as_str(), login.as_deref(), "{target}");
        assert_eq!(said["session"], "inactive");
    }
}

#[tokio::test]
async fn s13_a_logout_ends_all_sessions_of_the_user_in_the_space() {
    let stage = stage();
    let mut cookies = Vec::new();
    for _ in 0..3 {
        let new = NewSession {
            identity: Arc::new(Identity::new("LAB", "ann").unwrap()),
            method: crate::domain::Method::Custom,
            client: ClientInfo::default(),
            license: None,
            sign_on: None,
        };
        let space = stage.sessions.default_space();
        let opened = stage.sessions.establish(space, new, Admission::default());
        match opened.await.unwrap() {
            Established::Opened { token, .. } => {
                cookies.push(format!("gatepass={}", token.expose()));
            }
            Established::Joined(session) => panic!("{session:?}"),
        }
    }
    let bob = stage.cookie_of("bob").await;
    // Nobody else's page may do it.
    for headers in [
        &[FOREIGN][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null")],
    ] {
        let mut all = vec![(COOKIE.as_str(), &*cookies[0])];
        all.extend(headers);
        let seen = stage.call("DELETE", "/qps/user", &all).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(seen.cookie().is_none());
    }
    let seen = stage
        .call(
            "DELETE",
            "/qps/user",
            &[(COOKIE.as_str(), &cookies[0]), OWN],
        )
        .await;
    assert_eq!((seen.status, &*seen.body), (StatusCode::NO_CONTENT, ""));
    assert!(
        seen.headers[SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    for cookie in &cookies {
        let seen = stage.call("GET", "/", &[(COOKIE.as_str(), cookie)]).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(stage.sessions.open(), 1, "bob's stays");
    // A page of a listed origin may, and who has no session is logged out already.
    let seen = stage
        .call(
            "DELETE",
            "/qps/user",
            &[
                (COOKIE.as_str(), &bob),
                LISTED,
                ("sec-fetch-site", "cross-site"),
            ],
        )
        .await;
    assert_eq!(seen.status, StatusCode::NO_CONTENT);
    assert_eq!(
        stage.call("DELETE", "/qps/user", &[]).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(stage.sessions.open(), 0);
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_read_the_endpoints() {
    let stage = stage();
    let preflight = [("access-control-request-method", "DELETE")];
    for (origin, listed) in [
        (LISTED, true),
        (FOREIGN, false),
        (("origin", "null"), false),
    ] {
        for path in ["/qps/user", "/qps/csrftoken"] {
            let seen = stage.call("GET", path, &[origin]).await;
            let allowed = seen.headers.get("access-control-allow-origin");
            assert_eq!(allowed.is_some(), listed, "{origin:?}");
            assert_eq!(seen.headers["vary"], "Origin");
            let seen = stage.call("OPTIONS", path, &[origin, preflight[0]]).await;
            let status = if listed {
                StatusCode::NO_CONTENT
            } else {
                StatusCode::METHOD_NOT_ALLOWED
            };
            assert_eq!(seen.status, status, "{origin:?}");
            let allowed = seen.headers.get("access-control-allow-methods");
            assert_eq!(allowed.is_some(), listed);
            if listed {
                assert_eq!(seen.headers["access-control-allow-origin"], LISTED.1);
                assert_eq!(seen.headers["access-control-allow-credentials"], "true");
                assert_eq!(
                    seen.headers["access-control-expose-headers"],
                    "qlik-csrf-token"
                );
                let allowed = seen.headers["access-control-allow-headers"]
                    .to_str()
                    .unwrap();
                assert!(allowed.contains("authorization"));
            }
        }
    }
    // No other path, and no space without a list.
    let seen = stage.call("OPTIONS", "/", &[LISTED, preflight[0]]).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    let plain = Stage::with(|gate| gate.qlik_endpoints());
    let seen = plain.call("GET", "/qps/user", &[LISTED]).await;
    assert!(!seen.headers.contains_key("access-control-allow-origin"));
    let seen = plain.call("POST", "/qps/user", &[]).await;
    assert_eq!(seen.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(seen.headers["allow"], "GET, HEAD, DELETE");
    assert_eq!(stage.calls() + plain.calls(), 0);
}

#[tokio::test]
async fn the_endpoints_are_the_applications_unless_they_are_on() {
    let stage = Stage::new();
    for path in ["/qps/user", "/qps/csrftoken"] {
        let seen = stage.call("GET", path, &[ANN]).await;
        assert_eq!(seen.body, format!("ann {path} false"));
    }
    let stage = Stage::with(|gate| gate.qlik_endpoints());
    let seen = stage.call("GET", "/qps/users", &[ANN]).await;
    assert_eq!(&*seen.body, "ann /qps/users false");
}

#[tokio::test]
async fn the_csrf_token_comes_with_a_session_which_a_bearer_token_opens() {
    let stage = Stage::with(|gate| gate.qlik_endpoints().chain(Chain::default().with(jwt())));
    let seen = stage.call("GET", "/qps/csrftoken", &[]).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    assert!(!seen.headers.contains_key("qlik-csrf-token"));
    let bearer = bearer();
    let with_bearer = ("authorization", &*bearer);
    let first = stage.call("GET", "/qps/csrftoken", &[with_bearer]).await;
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    let cookie = first.cookie().expect("the session was opened");
    let token = first.headers["qlik-csrf-token"].clone();
    assert!(token.is_sensitive());
    assert_eq!(stage.token(&cookie).await, token);
    // With the cookie, too, the session goes on.
    let again = stage
        .call(
            "GET",
            "/qps/csrftoken",
            &[with_bearer, (COOKIE.as_str(), &cookie)],
        )
        .await;
    assert!(again.cookie().is_none());
    assert_eq!(again.headers["qlik-csrf-token"], token);
    assert_eq!(stage.sessions.open(), 1);
    // Another browser with the same bearer token has no cookie yet, and gets one of its own.
    let other = stage.call("GET", "/qps/csrftoken", &[with_bearer]).await;
    let own = other.cookie().expect("a cookie to go with the token");
    assert_ne!(own, cookie);
    assert_eq!(stage.token(&own).await, other.headers["qlik-csrf-token"]);
    let forged = stage
        .call(
            "GET",
            "/qps/csrftoken",
            &[("authorization", "Bearer a.b.c")],
        )
        .await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stage.sessions.open(), 2);
}

#[tokio::test]
async fn a_websocket_is_opened_from_the_origins_that_may() {
    let stage = stage();
    let cookie = stage.cookie_of("ann").await;
    for (origin, may) in [
        (Some(OWN), true),
        (Some(LISTED), true),
        (None, true),
        (Some(FOREIGN), false),
        (Some(("origin", "null")), false),
        (Some(("origin", "http://portal.example.com:8443")), false),
    ] {
        let mut headers = vec![(COOKIE.as_str(), &*cookie)];
        headers.extend(UPGRADE);
        headers.extend(origin);
        let seen = stage.call("GET", "/app", &headers).await;
        let status = if may {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(seen.status, status, "{origin:?}");
        // Other requests are looked at by the application.
        let headers: Vec<_> = origin
            .into_iter()
            .chain([(COOKIE.as_str(), &*cookie)])
            .collect();
        assert_eq!(
            stage.call("GET", "/app", &headers).await.status,
            StatusCode::OK
        );
    }
    // A foreign page does not burn a ticket either, nor open a session.
    let headers = [UPGRADE[0], UPGRADE[1], FOREIGN, ANN];
    assert_eq!(
        stage.call("GET", "/app", &headers).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(
        stage
            .call("CONNECT", "/app", &[FOREIGN, ANN])
            .await
            .status
            .is_client_error()
    );
    assert_eq!(stage.sessions.open(), 1);
}

#[tokio::test]
async fn where_it_is_asked_for_a_websocket_needs_token_cookie_and_origin() {
    let stage = Stage::with(|gate| gate.qlik_endpoints().websocket(list().csrf_token()));
    let (ann, bob) = (stage.cookie_of("ann").await, stage.cookie_of("bob").await);
    let (token, other) = (stage.token(&ann).await, stage.token(&bob).await);
    let good = format!("/app?a&qlik-csrf-token={token}&b");
    let cookie = (COOKIE.as_str(), &*ann);
    let open = async |target: &str, headers: &[(&str, &str)]| {
        let all: Vec<_> = headers.iter().copied().chain(UPGRADE).collect();
        stage.call("GET", target, &all).await
    };
    for (target, headers) in [
        ("/app".to_owned(), &[cookie, OWN][..]),
        ("/app?qlik-csrf-token=".to_owned(), &[cookie, OWN]),
        (format!("/app?qlik-csrf-token={other}"), &[cookie, OWN]),
        (
            format!("/app?qlik-csrf-token={}", &token[1..]),
            &[cookie, OWN],
        ),
        (good.clone(), &[cookie, FOREIGN]),
        (good.clone(), &[cookie]),
        (good.clone(), &[ANN, OWN]),
    ] {
        let seen = open(&target, headers).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{target} {headers:?}");
    }
    for origin in [OWN, LISTED] {
        let seen = open(&good.replace("csrf", "CSRF"), &[cookie, origin]).await;
        assert_eq!(&*seen.body, "ann /app?a&b false");
    }
    // What is no WebSocket needs none.
    assert_eq!(
        stage.call("GET", "/app", &[cookie]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_ticket_on_a_websocket_is_proof_enough() {
    let stage = Stage::with(|gate| gate.qlik_endpoints().websocket(list().csrf_token()));
    let space = Arc::clone(stage.sessions.default_space());
    let tickets = TicketAuthenticator::new(stage.sessions.clone(), Arc::clone(&space));
    let gate = stage
        .gate
        .clone()
        .into_builder()
        .authenticator(tickets)
        .build();
    let stage = Stage { gate, ..stage };
    let bob = Arc::new(Identity::new("LAB", "bob").unwrap());
    let secret = stage
        .sessions
        .issue_ticket(&space, bob, None)
        .await
        .unwrap();
    let target = format!("/app/1?qlikTicket={}", secret.expose());
    let foreign = [UPGRADE[0], UPGRADE[1], FOREIGN, HOST];
    let seen = stage.call("GET", &target, &foreign).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    let seen = stage
        .call("GET", &target, &[UPGRADE[0], UPGRADE[1], LISTED])
        .await;
    assert_eq!(
        &*seen.body, "bob /app/1 false",
        "the foreign page has not used it up"
    );
    assert!(seen.cookie().is_some());
}

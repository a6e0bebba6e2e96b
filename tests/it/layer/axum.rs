//! In axum, with the extractor.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use futures_util::future::join_all;
use gatepass::domain::{AccessRule, AccessRules, ManualClock, Requirement};
use gatepass::layer::{CurrentSession, ProxySessionLayer};
use gatepass::sessions::{EndCause, EndOutcome, Sessions};
use http::HeaderMap;

use super::{layer, sessions, the_one, token};
use crate::kit::Script;

async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A program with the layer, as its README shows it.
async fn program(
    change: impl FnOnce(ProxySessionLayer) -> ProxySessionLayer,
) -> (SocketAddr, Sessions, ManualClock) {
    let (sessions, clock) = sessions();
    let app = Router::new()
        .route(
            "/",
            get(|session: CurrentSession| async move { format!("hello {}", session.user_name()) }),
        )
        .route(
            "/headers",
            get(|headers: HeaderMap| async move { format!("{headers:?}") }),
        )
        .route(
            "/length",
            post(|body: String| async move { body.len().to_string() }),
        )
        .route("/admin/x", get(|| async { "for admins" }))
        .layer(change(layer(&sessions)));
    (serve(app).await, sessions, clock)
}

#[tokio::test]
async fn a_handler_knows_whose_session_it_is() {
    let (address, sessions, _) = program(|layer| layer).await;
    let script = Script::new(address);
    let nobody = script.get("/").await;
    nobody.says(401, "Authentication is needed");
    assert!(nobody.header("www-authenticate").starts_with("Bearer"));
    let carol = script.clone().bearer(&token("carol"));
    let first = carol.get("/").await;
    first.says(200, "hello carol");
    let cookie = first.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-gatepass=") && cookie.contains("; Secure;"),
        "{cookie}"
    );
    script
        .clone()
        .with_cookie_of(&first)
        .get("/")
        .await
        .says(200, "hello carol");
    assert_eq!(sessions.open(), 1);
    // The token is the layer's, not the program's.
    let headers = carol.get("/headers").await;
    assert!(
        !headers.text().contains("authorization"),
        "{}",
        headers.text()
    );
    carol
        .send("POST", "/length", &"x".repeat(100_000))
        .await
        .says(200, "100000");
    assert_eq!(carol.get("/.gatepass/login").await.status, 404);
    assert_eq!(carol.get("/nothing").await.status, 404);
}

#[tokio::test]
async fn plain_http_has_a_cookie_that_browsers_take() {
    let (address, ..) = program(ProxySessionLayer::plain_http).await;
    let first = Script::new(address).bearer(&token("carol")).get("/").await;
    assert!(first.header("set-cookie").starts_with("gatepass="));
    Script::new(address)
        .with_cookie_of(&first)
        .get("/")
        .await
        .says(200, "hello carol");
}

#[tokio::test]
async fn s24_parallel_requests_open_one_session() {
    let (address, sessions, _) = program(|layer| layer).await;
    let carol = Script::new(address).bearer(&token("carol"));
    let requests = (0..50).map(|_| carol.get("/"));
    assert!(
        join_all(requests)
            .await
            .iter()
            .all(|answer| answer.status == 200)
    );
    assert_eq!(sessions.open(), 1);
}

#[tokio::test]
async fn s19_time_and_only_time_ends_a_session() {
    let (address, sessions, clock) = program(|layer| layer).await;
    let first = Script::new(address).bearer(&token("carol")).get("/").await;
    let script = Script::new(address).with_cookie_of(&first);
    // Idle after half an hour; used every twenty minutes it lives on, for twelve hours.
    for _ in 0..35 {
        clock.advance(Duration::from_secs(20 * 60));
        // Whoever sets the wall clock ends nothing and prolongs nothing.
        clock.step_wall(if sessions.open() == 1 { -86_400_000 } else { 0 });
        script.get("/").await.says(200, "hello carol");
    }
    clock.advance(Duration::from_secs(20 * 60 + 1));
    assert_eq!(script.get("/").await.status, 401);
    let first = Script::new(address).bearer(&token("dave")).get("/").await;
    let script = Script::new(address).with_cookie_of(&first);
    clock.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(script.get("/").await.status, 401);
}

#[tokio::test]
async fn an_ended_session_is_over() {
    let (address, sessions, _) = program(|layer| layer).await;
    let first = Script::new(address).bearer(&token("carol")).get("/").await;
    let script = Script::new(address).with_cookie_of(&first);
    let session = the_one(&sessions).await;
    let cause = EndCause::terminated_by("test");
    let ended = sessions
        .end_by_id(session.space_id(), session.id(), cause)
        .await
        .unwrap();
    assert!(matches!(ended, EndOutcome::Ended(_)));
    assert_eq!(script.get("/").await.status, 401);
}

#[tokio::test]
async fn s40_rules_are_403_and_s06_hold_for_the_path_the_program_sees() {
    let admins = Requirement::Attribute {
        name: "group".into(),
        any_of: ["admins".into()].into(),
    };
    let rule = AccessRule::new("/admin/**", &[], admins).unwrap();
    let rules: AccessRules = [rule].into_iter().collect();
    let (address, ..) = program(|layer| layer.access(rules)).await;
    let carol = Script::new(address).bearer(&token("carol"));
    carol.get("/").await.says(200, "hello carol");
    for path in ["/admin/x", "/admin/x?a", "/ADMIN/x"] {
        assert_eq!(carol.get(path).await.status, 403, "{path}");
    }
    // The program would see these as they are, so they are refused and not rewritten.
    for path in [
        "//admin/x",
        "/a/../admin/x",
        "/%61dmin/x",
        "/a/%2e%2e/admin/x",
        "/a%2fb",
        "/./",
    ] {
        assert_eq!(carol.get(path).await.status, 400, "{path}");
    }
}

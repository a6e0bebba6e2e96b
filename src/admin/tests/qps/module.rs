//! The session module: routes at the root, for certificates only.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;

use super::{Answer, Side, by, certificate, request, rule, with};
use crate::admin::keys::Role;
use crate::admin::qps::MODULE_ROUTES;
use crate::domain::ClientCertificate;

fn side() -> Side {
    let side = Side::with(|builder| builder.session_module(Some(crate::admin::tests::id("1001"))));
    side.certificates.replace([
        rule("Proxy", Role::SpaceAdmin, &["1001"]),
        rule("Monitor", Role::Reader, &[]),
        rule("Other", Role::SpaceAdmin, &["1002"]),
    ]);
    side
}

fn proxy() -> Arc<ClientCertificate> {
    certificate("Proxy")
}

async fn ask(side: &Side, method: &str, path: &str, body: &str) -> Answer {
    side.send(with(request(method, path, None, body), &proxy()))
        .await
}

const SECRET: &str = "external-proxy-session-1";
const USER: &str =
    r#"{"UserDirectory":"LAB","UserId":"ann","SessionId":"external-proxy-session-1"}"#;

/// One call of each route.
const CALLS: [(&str, &str, &str); 5] = [
    ("POST", "/session", USER),
    ("GET", "/session/external-proxy-session-1", ""),
    ("DELETE", "/session/external-proxy-session-1", ""),
    ("GET", "/user/LAB/ann", ""),
    ("DELETE", "/user/LAB/ann", ""),
];

fn calls() -> impl Iterator<Item = Request<Body>> {
    assert_eq!(CALLS.len(), MODULE_ROUTES.len());
    CALLS
        .into_iter()
        .map(|(method, path, body)| request(method, path, None, body))
}

#[tokio::test]
async fn an_external_proxy_keeps_its_sessions_here() {
    let side = side();
    let added = ask(&side, "POST", "/session", USER).await.json(201);
    assert_eq!(added["SessionId"], SECRET);
    assert_eq!(added["NewUser"], true);
    let path = format!("/session/{SECRET}");
    let shown = ask(&side, "GET", &path, "").await.json(200);
    assert_eq!(shown["UserId"], "ann");
    let list = ask(&side, "GET", "/user/lab/ANN/", "").await.json(200);
    assert_eq!(list.as_array().unwrap().len(), 1);
    // An ordinary session of the space.
    let by_others = side.qps("GET", "/qps/sales/session", "").await.json(200);
    assert_eq!(by_others.as_array().unwrap().len(), 1);
    let ended = ask(&side, "DELETE", &path, "").await.json(200);
    assert_eq!(ended["LastSessionForUser"], true);
    assert_eq!(ended["Session"]["SessionId"], SECRET);
    let text = ask(&side, "GET", &path, "").await.error(404);
    assert_eq!(text, format!("No session with id {SECRET}"));
    let second = USER.replace("session-1", "session-2");
    ask(&side, "POST", "//session/", &second).await.json(201);
    let removed = ask(&side, "DELETE", "/user/LAB/ann", "").await.json(200);
    assert_eq!(removed.as_array().unwrap().len(), 1);
    assert_eq!(side.sales.open(), 0);
}

#[tokio::test]
async fn looking_at_a_session_is_a_use_of_it() {
    let side = side();
    ask(&side, "POST", "/session", USER).await.json(201);
    let path = format!("/session/{SECRET}");
    let most = side.sales.lifetime().idle - Duration::from_secs(1);
    for _ in 0..3 {
        side.clock.advance(most);
        ask(&side, "GET", &path, "").await.json(200);
    }
    side.clock.advance(most + Duration::from_secs(1));
    ask(&side, "GET", &path, "").await.error(404);
}

#[tokio::test]
async fn s31_an_api_key_opens_nothing_here() {
    let side = side();
    for call in calls() {
        let call = by(call, &side.bearers.site);
        side.send(call).await.error(401);
    }
    for call in calls() {
        let answer = side.send(call).await;
        let text = answer.error(401);
        assert_eq!(text, "a client certificate or an API key is needed");
    }
    assert_eq!(side.sales.open(), 0);
}

#[tokio::test]
async fn s31_the_role_of_the_certificate_decides() {
    let side = side();
    for call in calls() {
        let changes = call.method() != http::Method::GET;
        let missing = call.uri().path() == "/session/external-proxy-session-1";
        let answer = side.send(with(call, &certificate("Monitor"))).await;
        match (changes, missing) {
            (true, _) => drop(answer.error(403)),
            (false, true) => drop(answer.error(404)),
            (false, false) => drop(answer.json(200)),
        }
    }
    for name in ["Other", "Nobody"] {
        for call in calls() {
            side.send(with(call, &certificate(name))).await.error(403);
        }
    }
    for call in calls() {
        let mut call = with(call, &proxy());
        super::set(&mut call, "origin", "https://evil.example");
        side.send(call).await.error(403);
    }
    assert_eq!(side.sales.open(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_not_there() {
    let side = side();
    for path in ["/session/a/b", "/user/a", "/user/a/b/c"] {
        ask(&side, "GET", path, "").await.error(404);
    }
    let answer = ask(&side, "GET", "/session", "").await;
    answer.error(405);
    assert_eq!(answer.headers["allow"], "POST");
    // Unless it is on, nothing is; a certificate then opens the native API's errors.
    let off = Side::new();
    off.certificates
        .replace([rule("Proxy", Role::SiteAdmin, &[])]);
    for call in calls() {
        let answer = off.send(with(call, &proxy())).await;
        answer.problem(404, "unknown-route");
    }
}

#[tokio::test]
async fn it_is_described_where_it_is_on() {
    let side = side();
    let document = side
        .get("/openapi.json", &side.bearers.reader)
        .await
        .json(200);
    for route in &MODULE_ROUTES {
        let operation = &route.operation;
        let described = &document["paths"][operation.path][operation.method.as_str()];
        let keys = described["security"].as_array().unwrap();
        assert_eq!(keys.len(), 1, "{}", operation.path);
        assert!(keys[0]["clientCertificate"].is_array());
    }
    let off = Side::new();
    let document = off
        .get("/openapi.json", &off.bearers.reader)
        .await
        .json(200);
    assert!(document["paths"]["/session"].is_null());
}

//! Client certificates as callers: of the dialect and of the native API, not of the other one.

use std::time::Duration;

use super::{Side, by, call, certificate, request, rule, with};
use crate::admin::keys::Role;

fn side() -> Side {
    let side = Side::new();
    side.certificates.replace([
        rule("QlikClient", Role::SiteAdmin, &[]),
        rule("Portal", Role::SpaceAdmin, &["1001"]),
        rule("Monitor", Role::Reader, &[]),
    ]);
    side
}

#[tokio::test]
async fn a_certificate_with_a_role_is_a_caller() {
    let side = side();
    let body = r#"{"UserDirectory":"LAB","UserId":"ann"}"#;
    for (name, look, add) in [
        ("QlikClient", 200, 201),
        ("Portal", 200, 201),
        ("Monitor", 200, 403),
        ("qlikclient", 403, 403),
        ("Nobody", 403, 403),
    ] {
        let certificate = certificate(name);
        for (method, body, status) in [("GET", "", look), ("POST", body, add)] {
            let sent = with(call(method, "/qps/sales/session", body), &certificate);
            let answer = side.send(sent).await;
            assert_eq!(answer.status, status, "{name} {method}: {}", answer.text);
        }
    }
    let stranger = with(call("GET", "/qps/alive", ""), &certificate("Nobody"));
    let text = side.send(stranger).await.error(403);
    assert_eq!(text, "the client certificate has no role here");
}

#[tokio::test]
async fn who_did_it_is_the_certificates_name() {
    let side = side();
    let (session, _) = side.open(&side.sales, "ann").await;
    let path = format!("/qps/sales/session/{}", session.id());
    let sent = with(call("DELETE", &path, ""), &certificate("Portal"));
    side.send(sent).await.json(200);
    let end = session.end().unwrap();
    assert_eq!(end.by.as_deref(), Some("cert:Portal"));
}

#[tokio::test]
async fn a_bearer_token_wins_and_has_to_be_valid() {
    let side = side();
    let known = certificate("QlikClient");
    for path in ["/qps/sales/session", "/api/v1/spaces"] {
        let wrong = by(call("GET", path, ""), "site.wrong");
        assert_eq!(side.send(with(wrong, &known)).await.status, 401);
        let mut basic = call("GET", path, "");
        super::set(&mut basic, "authorization", "Basic eDp5");
        assert_eq!(side.send(with(basic, &known)).await.status, 401);
    }
    let session = r#"{"UserDirectory":"LAB","UserId":"ann"}"#;
    let reader = by(
        call("POST", "/qps/sales/session", session),
        &side.bearers.reader,
    );
    side.send(with(reader, &known)).await.error(403);
    let admin = by(
        call("POST", "/qps/sales/session", session),
        &side.bearers.site,
    );
    let stranger = certificate("Nobody");
    side.send(with(admin, &stranger)).await.json(201);
}

#[tokio::test]
async fn a_certificate_opens_the_native_api_and_not_the_octane_dialect() {
    let side = side();
    let known = certificate("Portal");
    let get = |path: &str| with(request("GET", path, None, ""), &known);
    let shown = side.send(get("/api/v1/spaces")).await.json(200);
    assert_eq!(shown["spaces"].as_array().unwrap().len(), 1);
    side.send(get("/api/v1/spaces/1001/sessions"))
        .await
        .json(200);
    side.send(get("/api/v1/spaces/1002/sessions"))
        .await
        .problem(403, "forbidden");
    side.send(get("/openapi.json")).await.json(200);
    let stranger = with(
        request("GET", "/api/v1/spaces", None, ""),
        &certificate("Nobody"),
    );
    side.send(stranger).await.problem(403, "forbidden");
    for path in ["/api/shared_spaces", "/api/shared_spaces/1001/sessions"] {
        assert_eq!(side.send(get(path)).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn s33_rules_that_are_replaced_and_certificates_that_expire_open_nothing() {
    let side = side();
    let mut mortal = (*certificate("QlikClient")).clone();
    mortal.not_after = side.sessions.clock().wall().after(Duration::from_secs(60));
    let mortal = std::sync::Arc::new(mortal);
    let alive = |certificate| with(call("GET", "/qps/alive", ""), certificate);
    side.send(alive(&mortal)).await.json(200);
    side.clock.advance(Duration::from_secs(60));
    side.send(alive(&mortal)).await.error(403);
    let immortal = certificate("QlikClient");
    side.send(alive(&immortal)).await.json(200);
    side.certificates.replace([]);
    side.send(alive(&immortal)).await.error(403);
}

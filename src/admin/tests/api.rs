//! What the routes answer, and what they do.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Side, request};
use crate::admin::SpaceInfo;
use crate::domain::{LimitPolicy, SessionPolicy, UserLimit};
use crate::sessions::Resolution;

const LIST: &str = "/api/v1/spaces/1001/sessions";
const END_MANY: &str = "/api/v1/spaces/1001/sessions/end";

#[tokio::test]
async fn a_session_is_shown_as_the_schema_has_it_and_in_full_on_demand() {
    let side = Side::new();
    let site = &side.bearers.site;
    let (session, _) = side.open(&side.sales, "ann").await;
    side.clock.advance(Duration::from_secs(90));
    side.sessions.touch(&session);
    let seven = json!({
        "sessionId": session.id().to_string(),
        "userDirectory": "LAB",
        "userId": "ann",
        "userName": "Ann Adams",
        "sessionStart": "2026-01-01T00:00:00.001Z",
        "lastActive": "2026-01-01T00:01:30.001Z",
        "attributes": [{"name": "group", "values": ["sales", "admins"]}],
    });
    let path = format!("{LIST}/{}", session.id());
    assert_eq!(side.get(&path, site).await.json(200), seven);
    assert_eq!(
        side.get(LIST, site).await.json(200)["sessions"],
        json!([seven])
    );
    let user = "/api/v1/spaces/1001/users/lab/ANN/sessions";
    assert_eq!(
        side.get(user, site).await.json(200),
        json!({"sessions": [seven]})
    );

    let mut full = seven.clone();
    let details = json!({
        "spaceId": "1001",
        "sessionEnd": null,
        "endReason": null,
        "endedBy": null,
        "clientIp": "192.0.2.7",
        "clientType": "UI",
        "accessType": "UI",
        "license": "professional",
        "signOnId": session.sign_on().to_string(),
        "authenticationMethod": "jwt",
        "userAgent": "curl/8",
        "expiresAt": "2026-01-01T00:31:30.001Z",
    });
    full.as_object_mut()
        .unwrap()
        .extend(details.as_object().unwrap().clone());
    let shown = side.get(&format!("{path}?view=full"), site).await.json(200);
    assert_eq!(shown, full);
    let listed = side.get(&format!("{LIST}?view=full"), site).await.json(200);
    assert_eq!(listed["sessions"], json!([full]));
    assert_eq!(
        side.get(&format!("{path}?view=basic"), site)
            .await
            .json(200),
        seven
    );
}

#[tokio::test]
async fn an_ended_session_is_answered_and_its_token_is_dead() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    let (session, token) = side.open(&side.sales, "ann").await;
    let resolve = || side.sessions.resolve(&token.digest(), &side.sales);
    assert!(matches!(resolve(), Resolution::Live(_)));
    side.clock.advance(Duration::from_secs(1));
    let path = format!("{LIST}/{}?view=full", session.id());
    let ended = side.delete(&path, bearer).await.json(200);
    assert!(matches!(resolve(), Resolution::Unknown));
    assert_eq!(ended["sessionEnd"], "2026-01-01T00:00:01.001Z");
    assert_eq!(ended["endReason"], "terminated");
    assert_eq!(ended["endedBy"], "sales");
    assert_eq!(ended["expiresAt"], Value::Null);
    side.clock.advance(Duration::from_secs(1));
    let again = side.delete(&path, &side.bearers.site).await.json(200);
    assert_eq!(again, ended, "the first end stands");
    assert_eq!(side.get(&path, bearer).await.json(200), ended);
    let text = side.metrics.encode();
    for line in [
        r#"gatepass_sessions_started_total{space="1001"} 1"#,
        r#"gatepass_sessions_ended_total{space="1001",reason="terminated"} 1"#,
        r#"gatepass_sessions_open{space="1001"} 0"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    for unknown in ["00000000-0000-7000-8000-000000000000", "nonsense", "%00"] {
        let path = format!("{LIST}/{unknown}");
        side.get(&path, bearer)
            .await
            .problem(404, "unknown-session");
        side.delete(&path, bearer)
            .await
            .problem(404, "unknown-session");
    }
    side.get(&format!("{LIST}/%FF"), bearer)
        .await
        .problem(400, "invalid-path");
}

#[tokio::test]
async fn a_user_is_named_by_segments_that_are_decoded_once() {
    let side = Side::new();
    let site = &side.bearers.site;
    for (user, segment) in [
        ("a/b", "a%2Fb"),
        ("100%25", "100%2525"),
        ("jörg@x.example", "j%C3%B6rg@x.example"),
        ("a b+c", "a%20b+c"),
        ("..", "%2E%2E"),
    ] {
        side.open(&side.sales, user).await;
        side.open(&side.sales, user).await;
        side.open(&side.sales, "somebody").await;
        let path = format!("/api/v1/spaces/1001/users/LAB/{segment}/sessions");
        let listed = side.get(&path, site).await.json(200);
        let listed = listed["sessions"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 2, "{user}");
        assert!(listed.iter().all(|s| s["userId"] == user));
        let ended = side.delete(&path, site).await.json(200);
        assert_eq!(ended["sessions"].as_array().unwrap().len(), 2, "{user}");
        let left = side.get(&path, site).await.json(200);
        assert_eq!(left, json!({"sessions": []}));
        let ended = side.delete(&path, site).await.json(200);
        assert_eq!(ended, json!({"sessions": []}));
    }
    assert_eq!(side.sales.open(), 5, "somebody's");
}

#[tokio::test]
async fn many_are_ended_by_id_and_the_answer_says_what_became_of_each() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    let (one, _) = side.open(&side.sales, "ann").await;
    let (two, _) = side.open(&side.sales, "bob").await;
    let (gone, _) = side.open(&side.sales, "cyd").await;
    side.delete(&format!("{LIST}/{}", gone.id()), bearer)
        .await
        .json(200);
    let unknown = "00000000-0000-7000-8000-000000000000";
    let ids = [one.id(), two.id(), gone.id(), one.id()].map(|id| id.to_string());
    let call = |dry_run: bool| {
        let ids: Vec<&str> = ids.iter().map(String::as_str).chain([unknown]).collect();
        json!({"sessionIds": ids, "dryRun": dry_run}).to_string()
    };
    let expected = |dry_run: bool, ended: u32, already_ended: u32| {
        json!({
            "requested": 4, "ended": ended, "alreadyEnded": already_ended,
            "unknown": [unknown], "dryRun": dry_run,
        })
    };
    let dry = side.post(END_MANY, bearer, &call(true)).await.json(200);
    assert_eq!(dry, expected(true, 2, 1));
    assert!(one.end().is_none() && two.end().is_none());
    let done = side.post(END_MANY, bearer, &call(false)).await.json(200);
    assert_eq!(done, expected(false, 2, 1));
    assert!(one.end().is_some() && two.end().is_some());
    let again = side.post(END_MANY, bearer, &call(false)).await.json(200);
    assert_eq!(again, expected(false, 0, 3));
}

#[tokio::test]
async fn many_are_ended_by_user() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    for user in ["ann", "ann", "bob"] {
        side.open(&side.sales, user).await;
    }
    side.open(&side.other, "ann").await;
    let user = json!({"userDirectory": "lab", "userId": "ANN"});
    let dry = json!({"user": user, "dryRun": true}).to_string();
    let dry = side.post(END_MANY, bearer, &dry).await.json(200);
    assert_eq!((&dry["requested"], &dry["ended"]), (&json!(2), &json!(2)));
    assert_eq!(side.sales.open(), 3);
    let body = json!({"user": user}).to_string();
    let done = side.post(END_MANY, bearer, &body).await.json(200);
    assert_eq!((&done["requested"], &done["ended"]), (&json!(2), &json!(2)));
    assert_eq!((side.sales.open(), side.other.open()), (1, 1));
}

#[tokio::test]
async fn a_body_that_is_not_understood_ends_nothing() {
    let side = Side::new();
    let site = &side.bearers.site;
    side.open(&side.sales, "ann").await;
    for (body, says) in [
        ("{", "EOF"),
        ("[]", "expected an object"),
        ("{}", "exactly one of `sessionIds`, `user` and `filter`"),
        (
            r#"{"sessionIds":[],"user":{"userDirectory":"LAB","userId":"ann"}}"#,
            "exactly one",
        ),
        (r#"{"sessionIds":["x"]}"#, "`x` is not a UUID"),
        (r#"{"user":["LAB","ann"]}"#, "expected an object"),
        (r#"{"filter":"","user":null}"#, "null"),
        (r#"{"filter":"","wait":null}"#, "null"),
        (r#"{"where":"all"}"#, "unknown field `where`"),
        (r#"{"filter":"all"}"#, "filter: expected"),
        (
            r#"{"filter":"ip='x'"}"#,
            "there is no field ip, at offset 0",
        ),
        (r#"{"filter":"","wait":25001}"#, "wait: 0 to 25000"),
        (
            r#"{"user":{"userDirectory":"LAB"}}"#,
            "missing field `userId`",
        ),
        (r#"{"sessionIds":[],"dryRun":"no"}"#, "boolean"),
    ] {
        let answer = side.post(END_MANY, site, body).await;
        let problem = answer.problem(400, "invalid-body");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail} for {body}");
    }
    side.post(END_MANY, site, "")
        .await
        .problem(400, "invalid-body");
    let large = format!(r#"{{"sessionIds":["{}"]}}"#, "x".repeat(64 * 1024));
    side.post(END_MANY, site, &large)
        .await
        .problem(413, "body-too-large");
    assert_eq!(side.sales.open(), 1);
}

#[tokio::test]
async fn spaces_are_shown_with_their_counts_and_limits() {
    let side = Side::new();
    let site = &side.bearers.site;
    side.open(&side.sales, "ann").await;
    let policy = SessionPolicy {
        limit: Some(UserLimit {
            max: 5,
            policy: LimitPolicy::Refuse,
        }),
        ..SessionPolicy::default()
    };
    side.sales.set_policy(policy);
    let sales = json!({
        "id": "1001",
        "name": "Sales portal",
        "prefix": "/sales",
        "hosts": ["sales.example.com"],
        "openSessions": 1,
        "limits": {
            "idleTimeoutSeconds": 1800,
            "absoluteTimeoutSeconds": 43200,
            "maxPerUser": 5,
            "onLimit": "refuse",
        },
    });
    let all = side.get("/api/v1/spaces", site).await.json(200);
    assert_eq!(all["spaces"][0], sales);
    assert_eq!(all["spaces"][1]["id"], "1002");
    assert_eq!(all["spaces"][1]["limits"]["maxPerUser"], Value::Null);
    assert_eq!(side.get("/api/v1/spaces/1001", site).await.json(200), sales);
    let own = side
        .get("/api/v1/spaces", &side.bearers.sales)
        .await
        .json(200);
    assert_eq!(own, json!({"spaces": [sales]}));

    side.spaces.replace(vec![SpaceInfo::of(super::id("1002"))]);
    let all = side.get("/api/v1/spaces", site).await.json(200);
    assert_eq!(all["spaces"].as_array().unwrap().len(), 1);
    let removed = side.get("/api/v1/spaces/1001", site).await.json(200);
    assert_eq!(
        (&removed["name"], &removed["openSessions"]),
        (&json!("1001"), &json!(1))
    );
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let side = Side::new();
    let site = &side.bearers.site;
    let put = request("PUT", &format!("{LIST}/x"), Some(site), "");
    let answer = side.send(put).await;
    answer.problem(405, "method-not-allowed");
    let mut allowed: Vec<_> = answer.headers["allow"]
        .to_str()
        .unwrap()
        .split(',')
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD"]);
    let answer = side.send(request("POST", "/health/live", None, "")).await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn health_needs_no_key_and_tells_when_to_stay_away() {
    let side = Side::new();
    let get = |path: &'static str| side.send(request("GET", path, None, ""));
    assert_eq!(get("/health/live").await.json(200)["status"], "live");
    let ready = get("/health/ready").await.json(200);
    assert_eq!(ready, json!({"status": "ready", "reasons": []}));
    side.health.not_ready("store", "connecting");
    let reasons = json!([{"component": "store", "reason": "connecting"}]);
    let not_ready = get("/health/ready").await.json(503);
    assert_eq!(
        not_ready,
        json!({"status": "not-ready", "reasons": reasons})
    );
    side.health.drain();
    assert_eq!(get("/health/ready").await.json(503)["status"], "draining");
    assert_eq!(get("/health/live").await.json(200)["status"], "live");
}

#[tokio::test]
async fn a_scrape_needs_any_key_unless_it_is_made_public() {
    let side = Side::new();
    for bearer in [&side.bearers.other_reader, &side.bearers.site] {
        let answer = side.get("/metrics", bearer).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.headers["content-type"],
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        assert!(answer.text.ends_with("# EOF\n"));
    }
    let keys = crate::admin::keys::ApiKeys::new([]);
    let public = crate::admin::builder(side.sessions.clone(), keys)
        .metrics(side.metrics.clone())
        .metrics_public(true)
        .build();
    let public = Side {
        router: public,
        ..Side::new()
    };
    let answer = public.send(request("GET", "/metrics", None, "")).await;
    assert_eq!(answer.status, 200);
    let guarded = public
        .send(request("GET", "/api/v1/spaces", None, ""))
        .await;
    guarded.problem(401, "unauthenticated");
}

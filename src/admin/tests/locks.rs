//! Locks on users, and how licenses are used.

use serde_json::json;

use super::{Side, request};
use crate::domain::{Identity, NewSession};
use crate::sessions::{Admission, EstablishError};

const LOCK: &str = "/api/v1/spaces/1001/users/LAB/ann/lock";
const LOCKS: &str = "/api/v1/spaces/1001/locks";

fn put(bearer: &str, body: &str) -> http::Request<axum::body::Body> {
    request("PUT", LOCK, Some(bearer), body)
}

#[tokio::test]
async fn a_lock_ends_the_sessions_bars_new_ones_and_is_lifted() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    let (session, _) = side.open(&side.sales, "ann").await;
    side.open(&side.sales, "bob").await;
    side.open(&side.other, "ann").await;
    let body = json!({"until": "2026-01-02T00:00:00+01:00", "reason": "left"});
    let answer = side.send(put(bearer, &body.to_string())).await.json(200);
    let lock = json!({
        "userDirectory": "LAB", "userId": "ann", "until": "2026-01-01T23:00:00.000Z",
        "since": "2026-01-01T00:00:00.003Z", "by": "sales", "reason": "left",
    });
    assert_eq!(answer, json!({"lock": lock, "ended": 1}));
    assert!(session.end().is_some());
    assert_eq!((side.sales.open(), side.other.open()), (1, 1));
    let refused = side
        .sessions
        .establish(
            &side.sales,
            NewSession {
                identity: std::sync::Arc::new(Identity::new("lab", "ANN").unwrap()),
                method: crate::domain::Method::Jwt,
                client: Default::default(),
                license: None,
                sign_on: None,
            },
            Admission::default(),
        )
        .await;
    assert!(matches!(refused, Err(EstablishError::Locked { .. })));
    let listed = side.get(LOCKS, &side.bearers.reader).await.json(200);
    assert_eq!(listed, json!({"locks": [lock]}));
    let lifted = side.delete(LOCK, bearer).await.json(200);
    assert_eq!(lifted, json!({"lock": lock}));
    side.delete(LOCK, bearer).await.problem(404, "not-locked");
    side.open(&side.sales, "ann").await;
    let listed = side.get(LOCKS, bearer).await.json(200);
    assert_eq!(listed, json!({"locks": []}));
}

#[tokio::test]
async fn a_lock_without_a_time_is_until_it_is_lifted() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    for body in ["{}", r#"{"until":null,"reason":null}"#] {
        let answer = side.send(put(bearer, body)).await.json(200);
        assert_eq!(answer["lock"]["until"], json!(null), "{body}");
        assert_eq!(answer["ended"], 0);
    }
}

#[tokio::test]
async fn a_lock_that_is_not_understood_locks_nobody() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(501));
    for (body, says) in [
        (r#"{"until":"tomorrow"}"#, "until: a date and time"),
        (
            r#"{"until":"2025-12-31T23:59:59Z"}"#,
            "until: a time to come",
        ),
        (
            r#"{"until":"2026-01-01T00:00:00Z"}"#,
            "until: a time to come",
        ),
        (r#"{"until":"9999-12-31T23:59:59-01:00"}"#, "until: a year"),
        (r#"{"reason":"a\u0007"}"#, "reason: at most"),
        (&long, "reason: at most"),
        (r#"{"for":"1h"}"#, "unknown field `for`"),
        ("[null,null]", "expected an object"),
    ] {
        let answer = side.send(put(bearer, body)).await;
        let problem = answer.problem(400, "invalid-body");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail} for {body}");
    }
    side.send(request(
        "PUT",
        "/api/v1/spaces/1001/users/LAB/%20/lock",
        Some(bearer),
        "{}",
    ))
    .await
    .problem(400, "invalid-path");
    let listed = side.get(LOCKS, bearer).await.json(200);
    assert_eq!(listed, json!({"locks": []}));
}

#[tokio::test]
async fn licenses_are_counted_now_and_by_day() {
    let side = Side::new();
    let (one, _) = side.open(&side.sales, "ann").await;
    side.open(&side.sales, "bob").await;
    side.open(&side.other, "ann").await;
    side.delete(
        &format!("/api/v1/spaces/1001/sessions/{}", one.id()),
        &side.bearers.sales,
    )
    .await
    .json(200);
    let path = "/api/v1/spaces/1001/licenses";
    let used = side.get(path, &side.bearers.reader).await.json(200);
    let peaks = json!([{"day": "2026-01-01", "peak": 2}]);
    let license = json!({"license": "professional", "open": 1, "seats": null, "peaks": peaks});
    assert_eq!(used, json!({"licenses": [license]}));
}

//! Sessions that are added, used and ended.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Request;

use super::{Side, by, call};
use crate::admin::SpaceInfo;
use crate::domain::{
    ClassifyRule, Condition, LimitPolicy, Method, SeatLimit, SessionPolicy, TokenDigest, UserLimit,
};
use crate::layer::{Gate, Verdict};

#[tokio::test]
async fn one_of_a_hundred_parallel_calls_with_one_id_adds_the_session() {
    let side = Side::new();
    let body = r#"{"UserDirectory":"LAB","UserId":"ann","SessionId":"portal-session-0001"}"#;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let sent = by(call("POST", "/qps/sales/session", body), &side.bearers.site);
        let router = side.router.clone();
        calls.spawn(async move {
            let answer = tower::ServiceExt::oneshot(router, sent).await;
            answer.unwrap().status().as_u16()
        });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(statuses[1..].iter().all(|status| *status == 409));
    assert_eq!(side.sales.open(), 1);
}

/// What the gate of the space with the prefix `/sales` says of a browser with this cookie.
fn knock(side: &Side, secret: &str) -> Verdict {
    let gate = Gate::builder(side.sessions.clone())
        .space(std::sync::Arc::clone(&side.sales))
        .build();
    let request = Request::get("/x")
        .header("cookie", format!("__Host-gatepass={secret}"))
        .body(())
        .unwrap();
    let (parts, ()) = request.into_parts();
    let request = crate::authn::AuthnRequest {
        parts: &parts,
        connection: None,
    };
    let path = crate::domain::RequestPath::parse("/x").unwrap();
    gate.decide(request, &path)
}

#[tokio::test]
async fn the_chosen_secret_is_the_cookie_until_the_end_and_never_again() {
    let side = Side::new();
    let secret = "portal-session-0001";
    assert!(matches!(knock(&side, secret), Verdict::Ask(_)));
    side.add("ann", secret).await.json(201);
    let Verdict::Pass(session) = knock(&side, secret) else {
        panic!("the cookie opens nothing");
    };
    assert_eq!(session.method(), Method::SessionModule);
    assert_eq!(session.user_id(), "ann");
    side.qps("DELETE", &format!("/qps/sales/session/{secret}"), "")
        .await
        .json(200);
    assert!(matches!(knock(&side, secret), Verdict::Ask(_)));
    let text = side.add("ann", secret).await.error(409);
    assert!(
        text.contains("already exists"),
        "an ended secret stays dead"
    );
    // A generated one works the same.
    let body = r#"{"UserDirectory":"LAB","UserId":"ann"}"#;
    let added = side.qps("POST", "/qps/sales/session", body).await.json(201);
    let secret = added["SessionId"].as_str().unwrap();
    assert!(matches!(knock(&side, secret), Verdict::Pass(_)));
}

#[tokio::test]
async fn of_a_user_all_are_shown_and_ended() {
    let side = Side::new();
    for (number, user) in ["ann", "ANN", "bob"].iter().enumerate() {
        let added = side
            .add(user, &format!("portal-session-000{number}"))
            .await
            .json(201);
        assert_eq!(added["NewUser"], *user != "ANN");
        side.clock.advance(Duration::from_millis(1));
    }
    let (theirs, _) = side.open(&side.other, "ann").await;
    let ids = |value: &serde_json::Value| -> BTreeSet<String> {
        let list = value.as_array().unwrap().iter();
        list.map(|s| s["SessionId"].as_str().unwrap().to_owned())
            .collect()
    };
    let path = "/qps/sales/user/%20lab/Ann";
    let shown = side.qps("GET", path, "").await.json(200);
    assert_eq!(ids(&shown).len(), 2);
    let ended = side.qps("DELETE", path, "").await.json(200);
    assert_eq!(ids(&ended), ids(&shown));
    for unknown in [
        path,
        "/qps/sales/user/LAB/nobody",
        "/qps/sales/user/%20/%5C",
    ] {
        for method in ["GET", "DELETE"] {
            let answer = side.qps(method, unknown, "").await;
            assert_eq!((answer.status.as_u16(), &*answer.text), (200, "[]"));
        }
    }
    assert!(theirs.end().is_none(), "of another space");
    assert_eq!(side.sales.open(), 1);
}

#[tokio::test]
async fn the_last_session_of_a_user_is_told() {
    let side = Side::new();
    side.add("ann", "portal-session-0001").await.json(201);
    side.add("ann", "portal-session-0002").await.json(201);
    for (id, last) in [
        ("portal-session-0001", false),
        ("portal-session-0002", true),
    ] {
        let path = format!("/qps/sales/session/{id}");
        let ended = side.qps("DELETE", &path, "").await.json(200);
        assert_eq!(ended["LastSessionForUser"], last, "{id}");
        side.qps("DELETE", &path, "").await.error(404);
    }
}

#[tokio::test]
async fn a_session_whose_time_is_up_counts_as_none_before_it_is_swept() {
    let side = Side::new();
    side.add("ann", "portal-session-0001").await.json(201);
    side.clock.advance(Duration::from_secs(31 * 60));
    let added = side.add("ann", "portal-session-0002").await.json(201);
    assert_eq!(added["NewUser"], true);
    let path = "/qps/sales/session/portal-session-0002";
    let ended = side.qps("DELETE", path, "").await.json(200);
    assert_eq!(ended["LastSessionForUser"], true);
}

#[tokio::test]
async fn a_session_of_another_space_is_unknown() {
    let side = Side::new();
    let secret = "portal-session-0001";
    side.add("ann", secret).await.json(201);
    let digest = TokenDigest::of_chosen(secret.as_bytes()).unwrap();
    let session = side.sessions.get_by_digest(side.sales.id(), &digest).await;
    let public = session.unwrap().unwrap().id().to_string();
    for id in [secret, &public] {
        for method in ["GET", "DELETE"] {
            let path = format!("/qps/session/{id}");
            side.qps(method, &path, "").await.error(404);
        }
    }
    assert_eq!(side.sales.open(), 1);
}

#[tokio::test]
async fn looking_is_no_use_of_a_session_and_one_whose_time_is_up_is_none() {
    let side = Side::new();
    let secret = "portal-session-0001";
    side.add("ann", secret).await.json(201);
    let path = format!("/qps/sales/session/{secret}");
    let idle = side.sales.lifetime().idle;
    side.clock.advance(idle - Duration::from_millis(1));
    side.qps("GET", &path, "").await.json(200);
    side.clock.advance(Duration::from_millis(1));
    side.qps("GET", &path, "").await.error(404);
    let list = side.qps("GET", "/qps/sales/session", "").await;
    assert_eq!(list.text, "[]");
}

#[tokio::test]
async fn limits_seats_and_locks_refuse_with_403() {
    let side = Side::new();
    let limit = |max| {
        let limit = UserLimit {
            max,
            policy: LimitPolicy::Refuse,
        };
        side.sales.set_policy(SessionPolicy {
            limit: Some(limit),
            ..SessionPolicy::default()
        });
    };
    limit(1);
    side.add("ann", "portal-session-0001").await.json(201);
    let text = side.add("ann", "portal-session-0002").await.error(403);
    assert_eq!(text, "the user has 1 sessions, as many as they may have");
    limit(9);

    let rule = ClassifyRule {
        when: vec![Condition::attribute("Group", "sales").unwrap()],
        license: Some("professional".into()),
        ..ClassifyRule::default()
    };
    side.spaces.replace(vec![SpaceInfo {
        prefix: Some("/sales".to_owned()),
        classify: vec![rule],
        ..SpaceInfo::of(side.sales.id().clone())
    }]);
    side.sessions.set_seats(
        side.sales.id(),
        vec![SeatLimit {
            license: "professional".into(),
            seats: 1,
            policy: LimitPolicy::Refuse,
        }],
    );
    let add = |user: &str, group: &str| {
        let body = format!(
            r#"{{"UserDirectory":"LAB","UserId":"{user}","Attributes":[{{"Group":"{group}"}}]}}"#
        );
        let side = &side;
        async move { side.qps("POST", "/qps/sales/session", &body).await }
    };
    add("bob", "sales").await.json(201);
    let text = add("eve", "sales").await.error(403);
    assert_eq!(text, "all 1 seats of the license professional are taken");
    add("eve", "other").await.json(201);

    let zoe = crate::domain::Identity::new("LAB", "zoe").unwrap();
    let order = crate::sessions::LockOrder {
        time: Some(Duration::from_secs(60)),
        by: "root".into(),
        reason: None,
    };
    let locked = side.sessions.lock_user(side.sales.id(), &zoe, order).await;
    let until = locked.unwrap().lock.until.unwrap();
    let expected = format!("the user is locked until {until}");
    assert_eq!(add("ZOE", "x").await.error(403), expected);
    let body = r#"{"UserDirectory":"lab","UserId":"Zoe"}"#;
    let answer = side.qps("POST", "/qps/sales/ticket", body).await;
    assert_eq!(answer.error(403), expected);
}

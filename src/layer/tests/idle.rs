//! S19: what a pause costs where an access rule says so.

use super::*;
use crate::domain::EndReason;
use crate::store::StateFilter;

fn rules() -> AccessRules {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    [
        AccessRule::new("/admin/**", &[], None)
            .unwrap()
            .with_idle_timeout(minutes(5)),
        AccessRule::new("/poll", &[], None)
            .unwrap()
            .without_activity(),
    ]
    .into_iter()
    .collect()
}

async fn status(stage: &Stage, path: &str, cookie: &str) -> StatusCode {
    let seen = stage.send(request(path, &[(COOKIE.as_str(), cookie)]));
    seen.await.status
}

/// Why the sessions that have ended did, newest first.
async fn reasons(stage: &Stage) -> Vec<EndReason> {
    let query = crate::sessions::FindQuery {
        state: StateFilter::Ended,
        limit: 10,
        ..Default::default()
    };
    let ended = stage.sessions.find(query).await.unwrap().sessions;
    ended.iter().map(|s| s.end().unwrap().reason).collect()
}

#[tokio::test]
async fn s19_the_idle_timeouts_of_a_rule_and_of_the_space_are_both_enforced() {
    let stage = Stage::with(|gate| gate.access(rules()));
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let pass = |minutes: u64| stage.clock.advance(Duration::from_secs(60 * minutes));
    pass(4);
    assert_eq!(status(&stage, "/admin", &cookie).await, StatusCode::OK);
    pass(6);
    assert_eq!(status(&stage, "/other", &cookie).await, StatusCode::OK);
    pass(5);
    assert_eq!(
        status(&stage, "/admin/x", &cookie).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(&stage, "/other", &cookie).await,
        StatusCode::UNAUTHORIZED,
        "the session has ended"
    );
    assert_eq!(reasons(&stage).await, [EndReason::Idle]);

    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    pass(30);
    assert_eq!(
        status(&stage, "/other", &cookie).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(reasons(&stage).await, [EndReason::Idle; 2]);
}

#[tokio::test]
async fn s19_what_is_no_activity_keeps_no_session_alive() {
    let stage = Stage::with(|gate| gate.access(rules()));
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    for _ in 0..29 {
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(status(&stage, "/poll", &cookie).await, StatusCode::OK);
        // Who is known by the header alone is known by the same session.
        assert_eq!(
            stage.send(request("/poll", &[ANN])).await.status,
            StatusCode::OK
        );
    }
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(
        status(&stage, "/poll", &cookie).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(reasons(&stage).await, [EndReason::Idle]);
}

#[tokio::test]
async fn s19_a_credential_opens_a_new_session_and_all_that_were_idle_have_ended() {
    let stage = Stage::with(|gate| gate.access(rules()));
    let ann = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let _ = stage.send(request("/", &[("x-user", "bob")])).await;
    stage.clock.advance(Duration::from_secs(5 * 60));
    // The header's session and the cookie's: two.
    let both = [(COOKIE.as_str(), &*ann), ("x-user", "bob")];
    let seen = stage.send(request("/admin", &both)).await;
    assert_eq!(
        (seen.status, &*seen.body),
        (StatusCode::OK, "bob /admin false")
    );
    assert!(seen.cookie().is_some_and(|cookie| cookie != ann));
    assert_eq!(reasons(&stage).await, [EndReason::Idle; 2]);
    assert_eq!(stage.sessions.open(), 1);
}

#[tokio::test]
async fn s19_asking_who_one_is_does_not_revive_a_session_that_was_idle_for_too_long() {
    let rule = AccessRule::new("/**", &[], None).unwrap();
    let rules = [rule.with_idle_timeout(Duration::from_secs(300))];
    let stage = Stage::with(|gate| gate.access(rules.into_iter().collect()).qlik_endpoints());
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    stage.clock.advance(Duration::from_secs(300));
    let asked = request("/qps/user", &[(COOKIE.as_str(), &cookie)]);
    let seen = stage.send(asked).await;
    assert_eq!(
        (seen.status, &*seen.body),
        (StatusCode::OK, r#"{"session":"inactive"}"#)
    );
    assert_eq!(
        status(&stage, "/x", &cookie).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(reasons(&stage).await, [EndReason::Idle]);
}

#[tokio::test]
async fn s19_no_page_of_ours_revives_a_session_that_was_idle_for_too_long() {
    for path in [
        "/.gatepass/sessions",
        "/.gatepass/login?return=/x",
        "/.gatepass/logout",
    ] {
        let rule = AccessRule::new("/**", &[], None).unwrap();
        let rules = [rule.with_idle_timeout(Duration::from_secs(300))];
        let stage = Stage::with(|gate| gate.access(rules.into_iter().collect()));
        let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
        stage.clock.advance(Duration::from_secs(300));
        status(&stage, path, &cookie).await;
        assert_eq!(
            status(&stage, "/x", &cookie).await,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        assert_eq!(reasons(&stage).await, [EndReason::Idle], "{path}");
    }
}

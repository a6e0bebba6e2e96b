//! Somebody who may not: what they are told, and how it is told apart.

use super::*;

#[tokio::test]
async fn s40_a_rule_that_is_not_met_is_403_and_never_a_redirect() {
    let admins = Requirement::Attribute {
        name: "group".into(),
        any_of: ["admins".into()].into(),
    };
    let rules: AccessRules = [AccessRule::new("/admin/**", &[], admins).unwrap()]
        .into_iter()
        .collect();
    let stage = Stage::with(|gate| gate.access(rules));
    let seen = stage.send(request("/admin/x", &[ANN, PAGE])).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    let cookie = seen.cookie().expect("the session is there all the same");
    assert_eq!(
        stage
            .send(request("/admin", &[(COOKIE.as_str(), &cookie), PAGE]))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await
            .status,
        StatusCode::OK
    );
    // What can be read in two ways is not let near a rule.
    for path in [
        "//admin",
        "/x/../admin",
        "/%61dmin",
        "/x/..%2fadmin",
        "/admin%5c",
        "/./admin",
    ] {
        let seen = stage
            .send(request(path, &[(COOKIE.as_str(), &cookie)]))
            .await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(stage.calls(), 1);
}

#[tokio::test]
async fn a_limit_that_is_reached_is_told_apart() {
    let stage = Stage::new();
    let limit = Some(UserLimit {
        max: 1,
        policy: LimitPolicy::Refuse,
    });
    stage.sessions.space(
        &SpaceId::new("default").unwrap(),
        SessionPolicy {
            limit,
            ..SessionPolicy::default()
        },
    );
    assert_eq!(
        stage.send(request("/", &[ANN])).await.status,
        StatusCode::OK
    );
    let seen = stage
        .send(request("/", &[ANN, ("user-agent", "another")]))
        .await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert!(seen.body.contains("1 open sessions"), "{}", seen.body);
}

#[tokio::test]
async fn a_user_who_is_locked_is_told_until_when() {
    let stage = Stage::new();
    let space = SpaceId::new("default").unwrap();
    let ann = Identity::new("LAB", "ann").unwrap();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    for (time, told) in [
        (Some(Duration::from_secs(90)), "until 2026-01-01 00:02 UTC"),
        (None, "Ask an administrator"),
    ] {
        let order = LockOrder {
            time,
            by: "root".into(),
            reason: None,
        };
        stage.sessions.lock_user(&space, &ann, order).await.unwrap();
        for accept in [("accept", "*/*"), PAGE] {
            let headers = [ANN, accept, (COOKIE.as_str(), &*cookie)];
            let seen = stage.send(request("/", &headers)).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN);
            assert!(seen.body.contains(told), "{}", seen.body);
            assert!(seen.cookie().is_none());
        }
        // The cookie alone opens nothing, as ever.
        let seen = stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    }
    let bob = stage.send(request("/", &[("x-user", "bob")])).await;
    assert_eq!(bob.status, StatusCode::OK);
}

#[tokio::test]
async fn a_license_without_a_free_seat_is_told_apart() {
    let rule = ClassifyRule {
        license: Some("pro".into()),
        ..ClassifyRule::default()
    };
    let stage = Stage::with(|gate| gate.classify(vec![rule]));
    for (seats, told) in [(1, "The only seat"), (2, "All 2 seats of the license pro")] {
        let limit = SeatLimit {
            license: "pro".into(),
            seats,
            policy: LimitPolicy::Refuse,
        };
        stage
            .sessions
            .set_seats(&SpaceId::new("default").unwrap(), vec![limit]);
        let user = format!("user{seats}");
        let fits = stage.send(request("/", &[("x-user", &user)])).await;
        assert_eq!(fits.status, StatusCode::OK);
        let seen = stage.send(request("/", &[("x-user", "more")])).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
        assert!(seen.body.contains(told), "{}", seen.body);
    }
}

#[cfg(feature = "local")]
#[tokio::test]
async fn the_login_page_tells_of_a_lock_only_who_has_the_password() {
    use crate::authn::local::{LocalAuthenticator, LocalUsers, LoginLimits, UserEntry, UsersFile};

    let folder = tempfile::tempdir().unwrap();
    let mut file = UsersFile::load_or_empty(folder.path().join("users.toml")).unwrap();
    let ann = Identity::new("LAB", "ann").unwrap();
    let entry = UserEntry::new(ann.clone(), "correct horse").unwrap();
    file.add(entry).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let users = Arc::new(LocalUsers::new(&file, LoginLimits::default(), &clock));
    let stage = Stage::with(|gate| gate.authenticator(LocalAuthenticator::new(users)));
    let log_in = async |password: &str| {
        let form = format!("username=ann&password={password}&return=/a");
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let (mut parts, _) = request("/.gatepass/login", &[PAGE, kind]).into_parts();
        parts.method = http::Method::POST;
        let seen = stage
            .send(Request::from_parts(parts, Full::from(form)))
            .await;
        (seen.status, seen.body)
    };
    let wrong = log_in("wrong").await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    let order = LockOrder {
        time: None,
        by: "root".into(),
        reason: Some("secret".into()),
    };
    let space = SpaceId::new("default").unwrap();
    stage.sessions.lock_user(&space, &ann, order).await.unwrap();
    assert_eq!(log_in("wrong").await, wrong, "a wrong password tells of it");
    let (status, page) = log_in("correct+horse").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains("Your account is locked"), "{page}");
    assert!(page.contains("<form") && !page.contains("secret"), "{page}");
    stage.sessions.unlock_user(&space, &ann).await.unwrap();
    assert_eq!(log_in("correct+horse").await.0, StatusCode::SEE_OTHER);
}

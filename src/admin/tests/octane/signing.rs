//! Signing in and out, and the session that it is.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde_json::{Value, json};

use super::{SPACE, Side, call, request};
use crate::admin::tests::id;
use crate::domain::{Clock as _, Method, Token};
use crate::sessions::Resolution;

async fn as_user(side: &Side, cookie: &str) -> super::Answer {
    let sent = call("GET", "/api/current_user", &[("cookie", cookie)], "");
    side.send(sent).await
}

#[tokio::test]
async fn a_key_signs_in_under_either_name() {
    let side = Side::new();
    let (id, secret) = side.bearers.sales.split_once('.').unwrap();
    for body in [
        json!({ "client_id": id, "client_secret": secret }),
        json!({ "user": id, "password": secret }),
        json!({ "user": id, "password": secret, "enable_csrf": true }),
    ] {
        for path in ["/authentication/sign_in", "/authentication/sign_in/"] {
            // Cookies that are there already do not matter.
            let headers = [("cookie", "LWSSO_COOKIE_KEY=old; OCTANE_USER=x")];
            let answer = side
                .send(call("POST", path, &headers, &body.to_string()))
                .await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
            let set: Vec<_> = answer
                .headers
                .get_all(header::SET_COOKIE)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect();
            assert_eq!(set.len(), 2);
            assert!(set[0].starts_with("LWSSO_COOKIE_KEY="));
            assert_eq!(
                set[1],
                "OCTANE_USER=sales; Path=/; HttpOnly; SameSite=Strict"
            );
            assert!(set.iter().all(|one| one.contains("; Path=/; HttpOnly")));
            let user = as_user(&side, &answer.cookie()).await.json(200);
            assert_eq!(user["name"], "sales");
            assert_eq!(user["type"], "sharedspace_user");
        }
    }
}

#[tokio::test]
async fn s39_a_wrong_secret_is_401_and_too_many_429() {
    let side = Side::new();
    let (id, secret) = side.bearers.sales.split_once('.').unwrap();
    let sign_in = async |id: &str, secret: &str| {
        let body = json!({ "user": id, "password": secret }).to_string();
        side.send(call("POST", "/authentication/sign_in", &[], &body))
            .await
    };
    // The parts of a key cannot be cut elsewhere than at its dot.
    let shifted = format!("{id}.{}", &secret[..3]);
    for (id, secret) in [
        (id, "wrong"),
        ("nobody", secret),
        ("", ""),
        (shifted.as_str(), &secret[3..]),
    ] {
        let answer = sign_in(id, secret).await;
        let body = answer.fault(401, "platform.not_authenticated");
        assert_eq!(
            body.get("errorCode"),
            None,
            "there is nothing to sign in again for"
        );
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    for body in [
        "",
        "{}",
        "[]",
        r#"{"user":"x"}"#,
        r#"{"user":1,"password":"x"}"#,
    ] {
        let mut sent = call("POST", "/authentication/sign_in", &[], body);
        let json = "application/json".parse().unwrap();
        sent.headers_mut().insert(header::CONTENT_TYPE, json);
        side.send(sent).await.fault(400, "platform.illegal_body");
    }
    for _ in 0..6 {
        sign_in(id, "wrong").await;
    }
    let answer = sign_in(id, "wrong").await;
    answer.fault(429, "platform.too_many_attempts");
    assert_eq!(answer.headers["retry-after"], "6");
    assert_eq!(sign_in(id, secret).await.status, 200);
}

#[tokio::test]
async fn a_sign_in_is_a_session_that_is_listed_and_can_be_ended() {
    let side = Side::new();
    let agent = ("user-agent", "octane-script/1");
    for (says, client_type, access_type) in [
        (None, "Integration", "API"),
        (Some("HPE_CI_CLIENT"), "CI", "API"),
        (Some("HPE_MQM_UI"), "UI", "UI"),
        (Some("HPE_REST_API_TECH_PREVIEW"), "Integration", "API"),
    ] {
        let mut headers = vec![agent];
        headers.extend(says.map(|says| ("hpeclienttype", says)));
        let cookie = side.sign_in(&side.bearers.sales, &headers).await;
        let fields = "fields=client_type,access_type,authentication_method,user,user_agent,license";
        let newest = side.look(&format!("/sessions?{fields}&limit=1")).await;
        let session = newest.data().remove(0);
        assert_eq!(session["client_type"], client_type);
        assert_eq!(session["access_type"], access_type);
        assert_eq!(session["authentication_method"], "api-key");
        assert_eq!(session["user"]["name"], "sales");
        assert_eq!(session["user_agent"], "octane-script/1");
        assert_eq!(session["license"], Value::Null);
        as_user(&side, &cookie).await.json(200);
        let id = session["id"].as_str().unwrap();
        let result = side.terminated(&format!("id='{id}'"), "").await;
        assert_eq!(result["terminated"], 1);
        let body = as_user(&side, &cookie).await;
        let body = body.fault(401, "platform.not_authenticated");
        assert_eq!(
            body["errorCode"],
            "VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT"
        );
    }
}

#[tokio::test]
async fn s19_a_session_that_is_not_used_says_so_when_it_is_too_late() {
    let side = Side::new();
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    side.clock.advance(Duration::from_secs(29 * 60));
    as_user(&side, &cookie).await.json(200);
    side.clock.advance(Duration::from_secs(31 * 60));
    let answer = as_user(&side, &cookie).await;
    let body = answer.fault(401, "platform.not_authenticated");
    assert_eq!(body["errorCode"], "VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT");
    let ended = side.look("/sessions?fields=end_reason").await.data();
    assert_eq!(ended[0]["end_reason"], "idle");
}

#[tokio::test]
async fn s13_signing_out_ends_the_session_and_takes_the_cookie_back() {
    let side = Side::new();
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    for (cookie, content_type) in [
        (cookie.as_str(), "application/x-www-form-urlencoded"),
        (cookie.as_str(), "text/plain"),
        ("", ""),
        ("LWSSO_COOKIE_KEY=nonsense", "application/json"),
    ] {
        let headers = [("cookie", cookie), ("content-type", content_type)];
        let answer = side
            .send(call("POST", "/authentication/sign_out", &headers, ""))
            .await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        let set: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(set.len(), 2);
        for one in set {
            assert!(
                one.to_str()
                    .unwrap()
                    .contains("=; Path=/; Max-Age=0; HttpOnly")
            );
        }
        if !cookie.is_empty() {
            let answer = as_user(&side, cookie).await;
            answer.fault(401, "platform.not_authenticated");
        }
    }
    let ended = side.look("/sessions?fields=end_reason").await.data();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["end_reason"], "logged_out");
}

#[tokio::test]
async fn a_key_is_taken_as_a_bearer_token_and_as_user_and_password() {
    let side = Side::new();
    let key = &side.bearers.sales;
    let basic = STANDARD.encode(key.replacen('.', ":", 1));
    for authorization in [format!("Bearer {key}"), format!("basic {basic}")] {
        let headers = [("authorization", authorization.as_str())];
        let sent = call("GET", &format!("{SPACE}/sessions"), &headers, "");
        assert_eq!(
            side.send(sent).await.data().len(),
            0,
            "no session is opened"
        );
    }
    // Which of two is meant?
    let twice = format!("Bearer {key}");
    let headers = [("authorization", twice.as_str()), ("authorization", &twice)];
    let sent = call("GET", "/api/current_user", &headers, "");
    side.send(sent)
        .await
        .fault(401, "platform.not_authenticated");
    // A key that is wrong is not made up for by a cookie.
    let cookie = side.sign_in(key, &[]).await;
    let headers = [("authorization", "Bearer x.y"), ("cookie", cookie.as_str())];
    let sent = call("GET", "/api/current_user", &headers, "");
    side.send(sent)
        .await
        .fault(401, "platform.not_authenticated");
}

#[tokio::test]
async fn s10_a_token_opens_only_the_door_it_was_made_for() {
    let side = Side::new();
    // A user's token is none of an administrator, even under a key's name.
    let (_, token) = side.open(&side.sales, "sales").await;
    let cookie = format!("LWSSO_COOKIE_KEY={}.1001", token.expose());
    as_user(&side, &cookie)
        .await
        .fault(401, "platform.not_authenticated");
    // An API client's is none of a user of the application.
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    let text = cookie.strip_prefix("LWSSO_COOKIE_KEY=").unwrap();
    let token = Token::parse(&text.as_bytes()[..Token::TEXT]).unwrap();
    let at_the_edge = side.sessions.resolve(&token.digest(), &side.sales);
    assert!(matches!(at_the_edge, Resolution::Unknown));
    let here = side
        .sessions
        .resolve(&token.side_port_digest(), &side.sales);
    let Resolution::Live(session) = here else {
        panic!("{here:?}");
    };
    assert_eq!(session.method(), Method::ApiKey);
    // Nor does it open another space's.
    let elsewhere = cookie.replace(".1001", ".1002");
    as_user(&side, &elsewhere)
        .await
        .fault(401, "platform.not_authenticated");
}

#[tokio::test]
async fn a_session_is_worth_as_much_as_its_key_is_now() {
    use crate::admin::builder;
    use crate::admin::keys::{ApiKeys, NewKey, Role};

    let mut side = Side::new();
    let clock = std::sync::Arc::new(side.clock.clone());
    let make = || {
        let new = NewKey::new("ops", Role::SpaceAdmin).spaces([id("1001")]);
        new.make(clock.wall()).unwrap()
    };
    let (key, bearer) = make();
    let keys = ApiKeys::with_clock([key.clone()], clock.clone());
    side.router = builder(side.sessions.clone(), keys.clone()).build();
    let cookie = side.sign_in(&bearer, &[]).await;
    as_user(&side, &cookie).await.json(200);
    // The key is taken away, and comes back.
    keys.replace([]);
    as_user(&side, &cookie)
        .await
        .fault(401, "platform.not_authenticated");
    keys.replace([key]);
    as_user(&side, &cookie).await.json(200);
    // Another key gets its name.
    side.clock.advance(Duration::from_secs(1));
    keys.replace([make().0]);
    as_user(&side, &cookie)
        .await
        .fault(401, "platform.not_authenticated");
}

#[tokio::test]
async fn who_calls_and_what_answers() {
    let side = Side::new();
    let bearer = &side.bearers.reader;
    let user = side.get("/api/current_user", bearer).await.json(200);
    assert_eq!(
        (&user["name"], &user["role"]),
        (&json!("reader"), &json!("reader"))
    );
    assert!(user["id"].as_str().unwrap().parse::<u64>().is_ok());
    let version = side.get("/admin/server/version/", bearer).await.json(200);
    for field in [
        "version",
        "build_date",
        "build_revision",
        "build_number",
        "display_version",
    ] {
        assert!(version[field].is_string(), "{field}");
    }
    let spaces = side.get("/api/shared_spaces", bearer).await;
    assert_eq!(spaces.ids(), ["1001", "1002"]);
    assert_eq!(spaces.data()[0]["name"], "Sales portal");
    let spaces = side.get("/api/shared_spaces", &side.bearers.other).await;
    assert_eq!(spaces.ids(), ["1002"]);
}

#[tokio::test]
async fn nothing_is_ever_a_redirect() {
    let side = Side::new();
    for path in [
        "/authentication/sign_in/x",
        "/api/shared_spaces/1001",
        "/authentication",
    ] {
        let headers = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
        let answer = side.send(call("GET", path, &headers, "")).await;
        answer.fault(404, "platform.web_application");
        assert!(!answer.headers.contains_key(header::LOCATION));
    }
    let answer = side
        .send(request("GET", "/api/current_user", None, ""))
        .await;
    assert!(!answer.headers.contains_key(header::LOCATION));
}

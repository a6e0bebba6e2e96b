//! The forms of requests and answers, byte for byte.

use axum::body::Body;
use http::{Request, header};

use super::{Side, by, call};

const SECRET: &str = "portal-session-0001";

/// The times in an answer, which no test can know.
fn without_times(text: &str, session: &crate::domain::Session) -> String {
    text.replace(&session.started_at().to_string(), "T")
}

#[tokio::test]
async fn an_added_session_is_answered_in_the_proxy_form() {
    let side = Side::new();
    let body = r#"{"UserDirectory":"LAB","UserId":"ann","Attributes":[{"Group":"x"},{"Group":"y"},{"Mail":""}],"SessionId":"portal-session-0001"}"#;
    let answer = side.qps("POST", "/qps/sales/session", body).await;
    answer.json(201);
    let session = side.sessions.of_user(user_key(&side, "ann")).remove(0);
    let expected = r#"{"UserDirectory":"LAB","UserId":"ann","Attributes":[{"Group":"x"},{"Group":"y"},{"Mail":""}],"SessionId":"portal-session-0001","NewUser":true,"UserName":"ann","SessionStart":"T","LastActive":"T"}"#;
    assert_eq!(without_times(&answer.text, &session), expected);

    let known = expected.replace(r#""NewUser":true,"#, "");
    let answer = side
        .qps("GET", "/qps/sales/session/portal-session-0001", "")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(without_times(&answer.text, &session), known);

    let public = known.replace(SECRET, &session.id().to_string());
    let by_id = format!("/qps/sales/session/{}", session.id());
    let answer = side.qps("GET", &by_id, "").await;
    assert_eq!(without_times(&answer.text, &session), public);
    for path in ["/qps/sales/session", "/qps/sales/user/lab/ANN"] {
        let answer = side.qps("GET", path, "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            without_times(&answer.text, &session),
            format!("[{public}]"),
            "{path}"
        );
    }

    let answer = side
        .qps("DELETE", "/qps/sales/session/portal-session-0001", "")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        without_times(&answer.text, &session),
        format!(r#"{{"Session":{known},"LastSessionForUser":true}}"#)
    );
}

fn user_key(side: &Side, user: &str) -> crate::domain::UserKey {
    crate::domain::UserKey::new(side.sales.id(), "LAB", user)
}

#[tokio::test]
async fn bodies_are_read_whatever_they_are_declared_to_be() {
    let side = Side::new();
    let body = r#"{"userDirectory":" LAB ","UserID":"ann","attributes":{"group":["x","y"]},"x":1}"#;
    for (number, declared) in [
        Some("application/x-www-form-urlencoded"),
        Some("text/plain"),
        Some("application/json; charset=utf-8"),
        Some("nonsense"),
        None,
    ]
    .into_iter()
    .enumerate()
    {
        let mut sent = by(call("POST", "/qps/sales/session", body), &side.bearers.site);
        sent.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(declared) = declared {
            let value = declared.parse().unwrap();
            sent.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        let added = side.send(sent).await.json(201);
        assert_eq!(added["UserDirectory"], "LAB");
        assert_eq!(
            added["Attributes"].to_string(),
            r#"[{"group":"x"},{"group":"y"}]"#
        );
        assert_eq!(added["NewUser"], number == 0);
    }
}

#[tokio::test]
async fn bodies_on_get_and_delete_are_passed_over() {
    let side = Side::new();
    side.add("ann", SECRET).await.json(201);
    let path = "/qps/sales/session/portal-session-0001";
    for (method, body) in [
        ("GET", r#"{"UserId":"x"}"#),
        ("GET", "no JSON"),
        ("DELETE", "{}"),
    ] {
        side.qps(method, path, body).await.json(200);
    }
}

#[tokio::test]
async fn the_answer_has_its_length() {
    let side = Side::new();
    for path in ["/qps/sales/session", "/qps/alive", "/qps/nothing"] {
        let sent: Request<Body> = by(call("GET", path, ""), &side.bearers.site);
        let answer = tower::ServiceExt::oneshot(side.router.clone(), sent).await;
        let body = answer.unwrap().into_body();
        let length = http_body::Body::size_hint(&body).exact();
        assert!(length.is_some_and(|length| length > 0), "{path}");
    }
}

#[tokio::test]
async fn a_session_without_an_id_is_told_a_new_secret() {
    let side = Side::new();
    let body = r#"{"UserDirectory":"LAB","UserId":"ann","SessionId":null}"#;
    let added = side.qps("POST", "/qps/sales/session", body).await.json(201);
    let secret = added["SessionId"].as_str().unwrap();
    assert_eq!(secret.len(), crate::domain::Token::TEXT);
    let path = format!("/qps/sales/session/{secret}");
    let shown = side.qps("GET", &path, "").await.json(200);
    assert_eq!(shown["SessionId"], secret);
    let list = side.qps("GET", "/qps/sales/session", "").await;
    assert!(!list.text.contains(secret), "S32: no secret in a list");
}

#[tokio::test]
async fn the_gateway_describes_itself() {
    let side = Side::new();
    let answer = side.qps("GET", "/qps/alive", "").await;
    assert_eq!(answer.text, r#"{"value":true}"#);
    let answer = side.qps("GET", "/qps/health", "").await;
    assert_eq!(answer.text, r#"{"status":"ready"}"#);
    for (path, base) in [
        ("/qps/about/openapi/Main", "/qps"),
        ("/qps/sales/about/openapi/main", "/qps/sales"),
        ("/sales/qps/about/openapi/Main/", "/qps/sales"),
    ] {
        let document = side.qps("GET", path, "").await.json(200);
        assert_eq!(document["basePath"], base, "{path}");
        assert_eq!(document["swagger"], "2.0");
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths["/session/{id}"].as_object().unwrap().len(), 2);
        assert_eq!(
            paths["/user/{directory}/{id}"]["delete"]["parameters"][1]["name"],
            "id"
        );
        let operations = paths.values().map(|item| item.as_object().unwrap().len());
        assert_eq!(operations.sum::<usize>(), crate::admin::qps::ROUTES.len());
    }
    let routes = side
        .qps("GET", "/qps/about/description", "")
        .await
        .json(200);
    assert_eq!(routes.as_array().unwrap().len(), 12);
    assert_eq!(routes[0]["Path"], "/qps/session");
    side.qps("GET", "/qps/nowhere/alive", "").await.error(404);
}

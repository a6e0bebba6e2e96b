//! What is refused, and in which words.

use super::{Side, by, call};

#[tokio::test]
async fn the_texts_that_clients_look_for() {
    let side = Side::new();
    let secret = "portal-session-0001";
    side.add("ann", secret).await.json(201);
    let text = side.add("bob", secret).await.error(409);
    assert_eq!(text, "SessionId 'portal-session-0001' already exists");
    for id in [
        "unknown-session-1",
        "x",
        "a%20b",
        "019a0000-0000-7000-8000-000000000000",
    ] {
        for method in ["GET", "DELETE"] {
            let path = format!("/qps/sales/session/{id}");
            let text = side.qps(method, &path, "").await.error(404);
            let shown = id.replace("%20", " ");
            assert_eq!(text, format!("No session with id {shown}"));
        }
    }
    let body = r#"{"UserDirectory":"LAB","UserId":"ann","TargetId":"x"}"#;
    let answer = side.qps("POST", "/qps/sales/ticket", body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.text, r#""Specified targetId x was unknown""#);
}

#[tokio::test]
async fn a_chosen_id_has_16_to_256_characters_of_a_cookie() {
    let side = Side::new();
    let expected = "SessionId: 16 to 256 characters of a cookie are expected, and it has";
    for (id, why) in [
        ("", "0 characters"),
        ("123456789012345", "15 characters"),
        (&*"x".repeat(257), "257 characters"),
        ("1234567890 123456", "characters that a cookie cannot have"),
        ("1234567890;123456", "characters that a cookie cannot have"),
        ("1234567890äöüäöü", "characters that a cookie cannot have"),
        (
            r#"1234567890\"123456"#,
            "characters that a cookie cannot have",
        ),
    ] {
        let text = side.add("ann", id).await.error(400);
        assert_eq!(text, format!("{expected} {why}"), "{id}");
    }
    for id in [
        "1234567890123456",
        &*"x".repeat(256),
        "{curly}=[]!#$%&'()*+",
    ] {
        side.add("ann", id).await.json(201);
    }
}

#[tokio::test]
async fn the_public_id_of_a_session_cannot_be_chosen() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let id = session.id().to_string();
    let text = side.add("bob", &id).await.error(409);
    assert_eq!(text, format!("SessionId '{id}' already exists"));
    let other = "7b1a2f0e-65a5-4f9c-8a57-4d4e4c9f0001";
    side.add("bob", other).await.json(201);
    let shown = side
        .qps("GET", &format!("/qps/sales/session/{other}"), "")
        .await
        .json(200);
    assert_eq!(shown["UserId"], "bob");
}

#[tokio::test]
async fn bodies_that_are_not_understood() {
    let side = Side::new();
    for (body, expected) in [
        ("", "the body is empty, and a JSON object is expected"),
        (
            "{",
            "the body: EOF while parsing an object at line 1 column 1",
        ),
        ("[]", "the body is a list, and an object is expected"),
        (r#"{"UserId":"ann"}"#, "UserDirectory is missing"),
        (
            r#"{"UserDirectory":"LAB","UserId":"a\\b"}"#,
            "the user id contains a backslash",
        ),
        (
            r#"{"UserDirectory":"LAB","UserId":"ann","Attributes":"x"}"#,
            "Attributes is a text, and a list of objects is expected",
        ),
        (
            r#"{"UserDirectory":"LAB","UserId":"ann","Attributes":[{"Group":7}]}"#,
            "the attribute Group is a number, and a text is expected",
        ),
    ] {
        for path in ["/qps/sales/session", "/qps/sales/ticket"] {
            let text = side.qps("POST", path, body).await.error(400);
            assert_eq!(text, expected, "{body}");
        }
    }
    let large = format!(r#"{{"Message":"{}"}}"#, "x".repeat(64 * 1024));
    for path in [
        "/qps/sales/session",
        "/qps/sales/ticket",
        "/qps/sales/error",
    ] {
        let text = side.qps("POST", path, &large).await.error(400);
        assert_eq!(text, "the body is larger than 65536 bytes");
    }
    let text = side.qps("POST", "/qps/sales/error", "{}").await.error(400);
    assert_eq!(text, "Message is missing");
    assert_eq!(side.sales.open(), 0);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let side = Side::new();
    for path in [
        "/qps",
        "/qps/",
        "/qps/nothing",
        "/qps/sales",
        "/qps/sales/sessions",
        "/qps/sales/user/LAB",
        "/sales/qps/other/session",
        "/qps/sales/session/a/b/c",
    ] {
        let text = side.qps("GET", path, "").await.error(404);
        assert_eq!(text, "there is nothing at this path", "{path}");
    }
    side.qps("GET", "/qps/sales/session/%ff", "")
        .await
        .error(400);
    for (method, path, allowed) in [
        ("DELETE", "/qps/sales/session", "GET, POST"),
        ("PUT", "/qps/sales/session", "GET, POST"),
        ("OPTIONS", "/qps/sales/session/x", "GET, DELETE"),
        ("POST", "/qps/sales/user/LAB/ann", "GET, DELETE"),
        ("GET", "/qps/sales/ticket", "POST"),
        ("GET", "/qps/error", "POST"),
        ("POST", "/qps/alive", "GET"),
    ] {
        let answer = side.qps(method, path, "").await;
        let text = answer.error(405);
        assert_eq!(
            text,
            format!("the method is not for this path; {allowed} is")
        );
        assert_eq!(answer.headers["allow"], allowed);
    }
}

#[tokio::test]
async fn nothing_is_ever_redirected() {
    let side = Side::new();
    for path in [
        "/qps/sales",
        "/qps//session/",
        "/sales/qps/",
        "/qps/../session",
    ] {
        let answer = side
            .send(by(call("GET", path, ""), &side.bearers.site))
            .await;
        assert!(!answer.status.is_redirection(), "{path}");
        assert!(!answer.headers.contains_key("location"));
    }
}

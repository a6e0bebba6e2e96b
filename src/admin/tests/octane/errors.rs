//! Errors: statuses, codes, and what clients look for in them.

use super::{SPACE, Side, call, encoded, request};

#[tokio::test]
async fn a_query_error_shows_the_place() {
    let side = Side::new();
    for (query, offset) in [("\"(end_time=)\"", 11), ("id='a", 3), ("id!='a'", 2)] {
        let body = side.query(query).await.fault(400, "platform.illegal_query");
        let description = body["description"].as_str().unwrap();
        let lines: Vec<_> = description.lines().collect();
        assert_eq!(lines.len(), 3, "{description}");
        assert_eq!(body["properties"]["offset"], offset, "{description}");
        assert_eq!((lines[1], lines[2].find('^')), (query, Some(offset)));
    }
    let long = format!("user_agent='{}'", "x".repeat(8 * 1024));
    side.query(&long).await.fault(400, "platform.illegal_query");
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let side = Side::new();
    for params in [
        format!("query={}", encoded("\"(id='a';color='red')\"")),
        "fields=id,color".to_owned(),
        "fields=user{color}".to_owned(),
        "expand=color{fields=id}".to_owned(),
        "order_by=-id,color".to_owned(),
        "group_by=color".to_owned(),
    ] {
        let answer = side.look(&format!("/sessions?{params}")).await;
        let body = answer.fault(400, "platform.unknown_field");
        assert_eq!(body["properties"]["field_name"], "color", "{params}");
    }
    for params in [
        "order_by=user_agent{x}",
        "order_by=user{id}",
        "group_by=start_time",
        "group_by=user,license",
        "fields=license{id}",
    ] {
        let answer = side.look(&format!("/sessions?{params}")).await;
        answer.fault(400, "platform.illegal_query");
    }
}

#[tokio::test]
async fn parameters_out_of_bounds_are_refused() {
    let side = Side::new();
    for (params, name) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=1.5", "limit"),
        ("offset=-1", "offset"),
        ("offset=x", "offset"),
        ("limit=1&limit=2", "limit"),
        ("query=id=1&query=id=2", "query"),
    ] {
        let answer = side.look(&format!("/sessions?{params}")).await;
        let body = answer.fault(400, "platform.illegal_query");
        assert_eq!(body["properties"]["parameter"], name);
    }
    side.look("/sessions?limit=1000&offset=0").await.json(200);
    let answer = side.look("/sessions/groups").await;
    answer.fault(400, "platform.illegal_query");
    for more in [
        "&dry_run=1",
        "&exclude_current=maybe",
        "&wait=soon",
        "&wait=-1",
    ] {
        let answer = side.terminate("id='x'", more).await;
        answer.fault(400, "platform.illegal_query");
    }
}

#[tokio::test]
async fn an_error_never_looks_like_a_list() {
    let side = Side::new();
    let field = side.look("/sessions?fields=total_count").await;
    let body = field.fault(400, "platform.unknown_field");
    assert_eq!(body["properties"]["field_name"], "total_count");
    let auth = format!("Bearer {}", side.bearers.sales);
    let headers = [
        ("authorization", auth.as_str()),
        ("x-correlation-id", "total_count"),
    ];
    let path = format!("{SPACE}/sessions/total_count");
    let body = side.send(call("GET", &path, &headers, "")).await;
    let body = body.fault(404, "platform.entity_not_found");
    assert_eq!(body["correlation_id"], "total_count");
}

#[tokio::test]
async fn the_correlation_id_comes_back() {
    let side = Side::new();
    let mut seen = std::collections::HashSet::new();
    for (sent, kept) in [
        (Some("abc-123"), true),
        (Some(""), false),
        (Some(&*"x".repeat(257)), false),
        (None, false),
        (None, false),
    ] {
        let headers: Vec<_> = sent
            .map(|id| ("X-Correlation-ID", id))
            .into_iter()
            .collect();
        let answer = side
            .send(call("GET", "/api/current_user", &headers, ""))
            .await;
        let body = answer.fault(401, "platform.not_authenticated");
        let id = body["correlation_id"].as_str().unwrap();
        assert_eq!(Some(id) == sent, kept);
        assert!(seen.insert(id.to_owned()), "{id} comes twice");
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_told_in_the_dialect() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    for path in [
        "/api/shared_spaces/1001",
        "/api/shared_spaces/1001/sessionsx",
        "/api/shared_spaces/1001/sessions/a/b",
        "/api/shared_spaces/1001/workspaces/1/defects",
        "/api/shared_spaces/1001/workspaces/sessions",
        "/api/current_user/x",
        "/admin/server",
        "/admin/server/x/y",
        "/authentication/",
        "/authentication/x",
    ] {
        let answer = side.get(path, bearer).await;
        answer.fault(404, "platform.web_application");
    }
    for (method, path) in [
        ("GET", "/authentication/sign_in"),
        ("DELETE", "/api/shared_spaces/1001/sessions/x"),
        ("POST", "/api/shared_spaces/1001/sessions/terminate/"),
        (
            "PUT",
            "/api/shared_spaces/1001/workspaces/1/background_tasks",
        ),
        ("OPTIONS", "/api/current_user"),
    ] {
        let answer = side.send(request(method, path, Some(bearer), "")).await;
        let body = answer.fault(405, "platform.method_not_allowed");
        assert!(answer.headers.contains_key("allow"), "{body}");
    }
    // Other paths are not the dialect's.
    let answer = side.get("/api/shared_spacesx", bearer).await;
    answer.problem(404, "unknown-route");
}

#[tokio::test]
async fn s31_a_body_is_json() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    let path = format!("{SPACE}/sessions/terminate?query=id='{}'", ann.id());
    for content_type in [None, Some("text/plain"), Some("multipart/form-data")] {
        for (method, path) in [("PUT", path.as_str()), ("POST", "/authentication/sign_in")] {
            let mut sent = call(method, path, &[("cookie", &cookie)], r#"{"data":[]}"#);
            sent.headers_mut().remove("content-type");
            if let Some(content_type) = content_type {
                let value = content_type.parse().unwrap();
                sent.headers_mut().insert("content-type", value);
            }
            let answer = side.send(sent).await;
            answer.fault(415, "platform.unsupported_body");
        }
    }
    let large = format!(
        r#"{{"data":[{{"is_closed":true}}],"x":"{}"}}"#,
        "x".repeat(1 << 20)
    );
    let answer = side
        .send(request("PUT", &path, Some(&side.bearers.sales), &large))
        .await;
    answer.fault(413, "platform.body_too_large");
    assert!(ann.end().is_none());
}

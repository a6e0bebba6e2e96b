//! Terminating by a query, and the task that it is.

use std::time::Duration;

use serde_json::json;

use super::{SPACE, Side, call, encoded, request};

#[tokio::test]
async fn what_is_valid_ends_and_what_is_not_is_told() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    let (bob, token) = side.open(&side.sales, "bob").await;
    let (cara, _) = side.open(&side.sales, "cara").await;
    let query = format!("\"(id='{}';id='bogus';id=^{}^)\"", ann.id(), bob.id());
    let answer = side.terminate(&query, "").await;
    let body = answer.json(200);
    let id = body["background_task_id"].as_str().unwrap();
    let entity = &body["data"][0];
    assert_eq!(answer.data().len(), 1);
    assert_eq!(
        (&entity["id"], &entity["background_task_id"]),
        (&json!(id), &json!(id))
    );
    assert_eq!(entity["type"], "background_task");
    assert_eq!(entity["status"], "queued");
    let path = format!("/background_tasks?fields=status,result&query=%22id={id}%22");
    let task = loop {
        let tasks = side.look(&path).await.data();
        assert_eq!(tasks.len(), 1);
        if !["queued", "running"].contains(&tasks[0]["status"].as_str().unwrap()) {
            break tasks[0].clone();
        }
        tokio::task::yield_now().await;
    };
    let expected = json!({
        "type": "background_task",
        "id": id,
        "status": "completed_with_errors",
        "result": {
            "requested": 3,
            "terminated": 2,
            "already_closed": 0,
            "errors": [{
                "index": 1,
                "error_code": "platform.entity_not_found",
                "properties": { "entity_type": "session", "entity_id": "bogus" },
            }],
            "total_error_count": 1,
            "dry_run": false,
        },
    });
    assert_eq!(task, expected);
    // Completed means refused.
    let resolved = side.sessions.resolve(&token.digest(), &side.sales);
    assert!(matches!(resolved, crate::sessions::Resolution::Unknown));
    assert_eq!(bob.end().unwrap().by.as_deref(), Some("sales"));
    assert!(ann.end().is_some() && cara.end().is_none());
    let one = side
        .look(&format!("/background_tasks/{id}"))
        .await
        .json(200);
    assert_eq!(one["status"], "completed_with_errors");
    assert!(one["creation_time"].is_string() && one["end_time"].is_string());
    let unknown = side.look("/background_tasks?query=%22id='5'%22").await;
    assert_eq!(unknown.data().len(), 0);
    let unknown = side.look("/background_tasks/5").await;
    unknown.fault(404, "platform.entity_not_found");
}

#[tokio::test]
async fn ids_are_a_union_whatever_joins_them_and_ending_twice_is_no_error() {
    let side = Side::new();
    for query in [
        "(id='A';id='B')",
        "id='A'||id='B'",
        "id IN 'A','B'",
        "(id='A';!id='C';id='B';id='A')",
    ] {
        let (a, _) = side.open(&side.sales, "ann").await;
        let (b, _) = side.open(&side.sales, "bob").await;
        let (c, _) = side.open(&side.sales, "cara").await;
        let query = query
            .replace('A', &a.id().to_string())
            .replace('B', &b.id().to_string())
            .replace('C', &c.id().to_string())
            .replace(" IN ", " in ");
        let result = side.terminated(&query, "").await;
        assert_eq!(
            (&result["requested"], &result["terminated"]),
            (&json!(2), &json!(2)),
            "{query}"
        );
        assert!(a.end().is_some() && b.end().is_some() && c.end().is_none());
        let again = side.terminated(&query, "").await;
        assert_eq!(again["already_closed"], 2);
        assert_eq!(again["errors"], json!([]));
    }
}

#[tokio::test]
async fn nothing_named_is_never_all() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    for query in ["", "\"\"", " ", "!id='x'", "id=null", "()"] {
        let answer = side.terminate(query, "").await;
        answer.fault(400, "platform.illegal_query");
    }
    let body = r#"{"data":[{"is_closed":true}]}"#;
    let path = format!("{SPACE}/sessions/terminate");
    let answer = side
        .send(request("PUT", &path, Some(&side.bearers.sales), body))
        .await;
    answer.fault(400, "platform.illegal_query");
    assert!(ann.end().is_none());
    assert_eq!(side.look("/background_tasks").await.data().len(), 0);
}

#[tokio::test]
async fn a_filter_ends_the_open_sessions_that_fulfil_it() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    // Open for longer than a list reaches back.
    side.clock.advance(Duration::from_secs(40 * 86_400));
    let (bob, _) = side.open(&side.sales, "bob").await;
    let query = "user={name='ann'||name='b*'};!id='x'";
    let dry = side.terminate(query, "&dry_run=true").await.json(200);
    let expected = json!({
        "requested": 2,
        "terminated": 2,
        "already_closed": 0,
        "errors": [],
        "total_error_count": 0,
        "dry_run": true,
    });
    assert_eq!(dry["data"][0]["result"], expected);
    assert!(ann.end().is_none() && bob.end().is_none());
    let result = side.terminated(query, "").await;
    assert_eq!(result["terminated"], 2);
    assert!(ann.end().is_some() && bob.end().is_some());
    assert_eq!(side.terminated(query, "").await["requested"], 0);
    let by_id = format!("id='{}';id='bogus'", ann.id());
    let dry = side.terminate(&by_id, "&dry_run=true").await.json(200);
    assert_eq!(dry["data"][0]["status"], "completed_with_errors");
    assert_eq!(dry["data"][0]["result"]["already_closed"], 1);
}

#[tokio::test]
async fn the_callers_own_session_can_be_spared() {
    let side = Side::new();
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    let own = side.look("/sessions").await.ids().remove(0);
    let second = side.sign_in(&side.bearers.sales, &[]).await;
    let headers = [("cookie", cookie.as_str())];
    let body = r#"{"data":[{"is_closed":true}]}"#;
    let end = async |query: &str, more: &str| {
        let query = encoded(query);
        let path = format!("{SPACE}/sessions/terminate?query={query}{more}&wait=20000");
        let answer = side.send(call("PUT", &path, &headers, body)).await;
        answer.json(200)["data"][0]["result"].clone()
    };
    let all = "authentication_method='api-key'";
    let result = end(all, "&exclude_current=true").await;
    assert_eq!(result["terminated"], 1);
    let with_errors = format!("id='{own}';id='bogus'");
    let result = end(&with_errors, "&exclude_current=true").await;
    assert_eq!(result["requested"], 1);
    assert_eq!(result["errors"][0]["index"], 1);
    let me = async |cookie: &str| {
        let sent = call("GET", "/api/current_user", &[("cookie", cookie)], "");
        side.send(sent).await
    };
    me(&second).await.fault(401, "platform.not_authenticated");
    me(&cookie).await.json(200);
    assert_eq!(end(all, "").await["terminated"], 1);
    me(&cookie).await.fault(401, "platform.not_authenticated");
}

#[tokio::test]
async fn the_body_says_that_they_are_to_be_closed() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    let path = format!("{SPACE}/sessions/terminate?query=id='{}'", ann.id());
    for body in [
        "null",
        "{}",
        r#"{"data":[]}"#,
        r#"{"data":{}}"#,
        r#"{"data":[{}]}"#,
        r#"{"data":[{"is_closed":false}]}"#,
        r#"{"data":[{"is_closed":null}]}"#,
        r#"{"data":[{"is_closed":"true"}]}"#,
        r#"{"data":[{"is_closed":true},{"is_closed":true}]}"#,
        r#"{"data":[{"is_closed":true}]"#,
    ] {
        let answer = side
            .send(request("PUT", &path, Some(&side.bearers.sales), body))
            .await;
        answer.fault(400, "platform.illegal_body");
    }
    assert!(ann.end().is_none());
    let body = r#"{"data":[{"is_closed":true,"id":"x","more":{}}],"more":[1]}"#;
    let path = format!("{path}&wait=20000");
    let answer = side
        .send(request("PUT", &path, Some(&side.bearers.sales), body))
        .await;
    assert_eq!(answer.json(200)["data"][0]["status"], "completed");
    assert!(ann.end().is_some());
}

#[tokio::test]
async fn a_body_may_be_gzip() {
    use std::io::Write as _;

    use axum::body::Body;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    let side = Side::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(br#"{"data":[{"is_closed":true}]}"#)
        .unwrap();
    let gzip = encoder.finish().unwrap();
    let auth = format!("Bearer {}", side.bearers.sales);
    for (encoding, sent, status) in [
        ("gzip", &gzip[..], 200),
        ("X-GZIP", &gzip[..], 200),
        ("identity", br#"{"data":[{"is_closed":true}]}"#, 200),
        ("gzip", &gzip[..20], 400),
        ("gzip", b"{}", 400),
        ("deflate", &gzip[..], 415),
        ("gzip, gzip", &gzip[..], 415),
    ] {
        let (ann, _) = side.open(&side.sales, "ann").await;
        let path = format!(
            "{SPACE}/sessions/terminate?query=id='{}'&wait=20000",
            ann.id()
        );
        let headers = [
            ("authorization", auth.as_str()),
            ("content-encoding", encoding),
            ("content-type", "application/json; charset=utf-8"),
        ];
        let mut sent_request = call("PUT", &path, &headers, "");
        *sent_request.body_mut() = Body::from(sent.to_vec());
        let answer = side.send(sent_request).await;
        assert_eq!(answer.status, status, "{encoding}: {}", answer.text);
        assert_eq!(ann.end().is_some(), status == 200, "{encoding}");
    }
}

#[tokio::test]
async fn tasks_are_filtered_sorted_and_kept_for_a_day() {
    let side = Side::new();
    let mut ids = Vec::new();
    for query in ["id='x'", "client_type='CI'", "id='y'"] {
        let answer = side.terminate(query, "&wait=20000").await.json(200);
        ids.push(answer["background_task_id"].as_str().unwrap().to_owned());
        side.clock.advance(Duration::from_secs(1));
    }
    let newest_first: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(side.look("/background_tasks/").await.ids(), newest_first);
    for (params, expected) in [
        ("order_by=id", &ids[..]),
        ("order_by=creation_time&limit=1&offset=1", &ids[1..2]),
        ("query=status='completed'", &ids[1..2]),
        ("query=status=^completed_*^&order_by=id&limit=1", &ids[..1]),
        (&format!("query=background_task_id={}", ids[2]), &ids[2..]),
    ] {
        let listed = side.look(&format!("/background_tasks?{params}")).await;
        assert_eq!(listed.ids(), expected, "{params}");
    }
    for wrong in ["query=user=1", "fields=kind", "order_by=result"] {
        let answer = side.look(&format!("/background_tasks?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    side.clock.advance(Duration::from_secs(86_400));
    assert_eq!(side.look("/background_tasks").await.ids().len(), 0);
}

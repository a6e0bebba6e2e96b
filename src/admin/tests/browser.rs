//! What a page of somebody else cannot do.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request};

use super::{Side, request};

fn with(bearer: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = request("GET", "/api/v1/spaces", Some(bearer), "");
    for (name, value) in headers {
        request.headers_mut().insert(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    request
}

#[tokio::test]
async fn s31_pages_of_other_origins_are_refused() {
    let side = Side::new();
    let site = &side.bearers.site;
    for headers in [
        [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "none"),
        ],
        [("origin", "null"), ("sec-fetch-site", "none")],
        [
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "none"),
        ],
        [
            ("origin", "http://localhost:8081"),
            ("sec-fetch-site", "cross-site"),
        ],
        [
            ("origin", "http://localhost:8081"),
            ("sec-fetch-site", "same-site"),
        ],
        [
            ("origin", "http://localhost:8081"),
            ("sec-fetch-site", "whatever"),
        ],
    ] {
        let answer = side.send(with(site, &headers)).await;
        answer.problem(403, "cross-origin");
    }
    let mut twice = with(site, &[("origin", "http://localhost:8081")]);
    let other = HeaderValue::from_static("https://evil.example");
    twice.headers_mut().append("origin", other);
    side.send(twice).await.problem(403, "cross-origin");
    let own = [
        ("origin", "http://localhost:8081"),
        ("sec-fetch-site", "same-origin"),
    ];
    side.send(with(site, &own)).await.json(200);
}

#[tokio::test]
async fn s31_no_answer_invites_another_origin_or_a_cache() {
    let side = Side::new();
    let site = &side.bearers.site;
    let mut preflight = with(site, &[("origin", "https://evil.example")]);
    *preflight.method_mut() = http::Method::OPTIONS;
    for call in [
        preflight,
        with(site, &[("origin", "https://evil.example")]),
        with(site, &[("origin", "http://localhost:8081")]),
        request("GET", "/health/live", None, ""),
        request("GET", "/nowhere", Some(site), ""),
        request("DELETE", "/health/live", None, ""),
    ] {
        let answer = side.send(call).await;
        for name in answer.headers.keys() {
            assert!(!name.as_str().starts_with("access-control-"), "{name}");
        }
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn s31_a_name_that_was_bound_to_us_by_others_is_refused() {
    let side = Side::new();
    let site = &side.bearers.site;
    let rebound = [
        ("host", "evil.example:8081"),
        ("origin", "http://evil.example:8081"),
    ];
    side.send(with(site, &rebound))
        .await
        .problem(421, "wrong-host");
    let mut nameless = with(site, &[]);
    nameless.headers_mut().remove("host");
    side.send(nameless).await.problem(400, "invalid-host");
    side.send(with(site, &[("host", "127.0.0.1:8081")]))
        .await
        .json(200);
    // A health check comes by whatever address the orchestrator has.
    let mut probe = with(site, &[("host", "10.1.2.3:8081")]);
    *probe.uri_mut() = "/health/ready".parse().unwrap();
    side.send(probe).await.json(200);
}

#[tokio::test]
async fn s31_a_body_is_json_or_nothing() {
    let side = Side::new();
    let site = &side.bearers.site;
    let path = "/api/v1/spaces/1001/sessions/end";
    let send = |content_type: Option<&str>| {
        let mut call = request("POST", path, Some(site), r#"{"sessionIds":[]}"#);
        call.headers_mut().remove("content-type");
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_str(content_type).unwrap();
            call.headers_mut().insert("content-type", value);
        }
        side.send(call)
    };
    for refused in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("text/plain; application/json"),
        Some("application/jsonx"),
    ] {
        send(refused).await.problem(415, "not-json");
    }
    send(Some("application/json")).await.json(200);
    send(Some("Application/JSON; charset=utf-8"))
        .await
        .json(200);
}

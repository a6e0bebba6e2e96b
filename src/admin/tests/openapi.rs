//! The description and the routes are one: what is described exists, what exists is described,
//! and what is answered is what the description says.

use std::collections::BTreeSet;

use serde_json::Value;

use super::access::calls;
use super::{Side, request};
use crate::admin::native::ROUTES;
use crate::admin::octane;
use crate::admin::openapi::schema::check;
use crate::admin::qps;

/// Routes that are of no dialect.
const OTHERS: [&str; 5] = [
    "/docs",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
];

async fn document(side: &Side) -> Value {
    side.get("/openapi.json", &side.bearers.other_reader)
        .await
        .json(200)
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else() {
    let side = Side::new();
    let document = document(&side).await;
    assert_eq!(document["openapi"], "3.1.1");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if method != "parameters" {
                described.insert((path.as_str(), method.as_str()));
            }
        }
    }
    let native = ROUTES.iter().map(|route| {
        let operation = &route.operation;
        (operation.path, operation.method.as_str())
    });
    let dialect = octane::ROUTES.iter().map(|route| {
        let operation = &route.operation;
        (operation.path, operation.method.as_str())
    });
    let other_dialect = qps::ROUTES.iter().map(|route| {
        let operation = &route.operation;
        (operation.path, operation.method.as_str())
    });
    let routes = native.chain(dialect).chain(other_dialect);
    let routes: BTreeSet<_> = routes.chain(OTHERS.map(|path| (path, "get"))).collect();
    assert_eq!(described, routes);
    // Not only in the table: the router answers to each, and to no other method.
    for path in document["paths"].as_object().unwrap().keys() {
        let real = path.replace(['{', '}'], "");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let call = request(method, &real, Some(&side.bearers.site), "");
            // Only the head: events do not end.
            let answer = tower::ServiceExt::oneshot(side.router.clone(), call);
            let status = answer.await.unwrap().status();
            let is_described = described.contains(&(path.as_str(), &*method.to_lowercase()));
            assert_eq!(status != 405, is_described, "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn operations_have_names_and_refer_to_what_there_is() {
    let side = Side::new();
    let document = document(&side).await;
    let mut ids = BTreeSet::new();
    let items = document["paths"].as_object().unwrap().iter();
    for (path, item) in items {
        let segments = item["parameters"].as_array().map_or(0, Vec::len);
        assert_eq!(segments, path.matches('{').count(), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id} is there twice");
            let open = ["/health/", "/authentication/"]
                .iter()
                .any(|p| path.starts_with(p));
            assert_eq!(operation["security"].as_array().unwrap().is_empty(), open);
            // Without a key, only who signs in can be told that theirs is wrong.
            let refuses = !open || path.ends_with("/sign_in");
            assert_eq!(operation["responses"]["401"].is_object(), refuses, "{path}");
        }
    }
    let text = document.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn examples_are_what_their_schemas_say() {
    let side = Side::new();
    let document = document(&side).await;
    let mut checked = 0;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            check(&document, schema, example).unwrap_or_else(|why| panic!("{name}: {why}"));
            checked += 1;
        }
    }
    assert!(checked >= 7, "{checked}");
    // The checker itself: it has to find what is wrong.
    let session = &document["components"]["schemas"]["Session"];
    let mut example = session["examples"][0].clone();
    example["sessionStart"] = "yesterday".into();
    assert!(check(&document, session, &example).is_err());
    example = session["examples"][0].clone();
    example["secret"] = "x".into();
    assert!(check(&document, session, &example).is_err());
    example = session["examples"][0].clone();
    example.as_object_mut().unwrap().remove("userId");
    assert!(check(&document, session, &example).is_err());
}

/// Holds an answer against what the description says of it.
#[track_caller]
fn holds(document: &Value, method: &str, path: &str, answer: &super::Answer) {
    let operation = &document["paths"][path][method.to_lowercase()];
    let status = answer.status.as_str();
    let described = &operation["responses"][status];
    assert!(described.is_object(), "{method} {path} answers {status}");
    let content_type = answer.headers["content-type"].to_str().unwrap();
    let content = described["content"].as_object().unwrap();
    let content = content.get(content_type).unwrap_or_else(|| {
        panic!(
            "{method} {path} answers {content_type}, not {:?}",
            content.keys()
        )
    });
    // Lines of JSON are no JSON.
    if content_type.ends_with("json") && !content_type.ends_with("ndjson") {
        let value: Value = serde_json::from_str(&answer.text).unwrap();
        check(document, &content["schema"], &value)
            .unwrap_or_else(|why| panic!("{method} {path}: {why}"));
    }
}

#[tokio::test]
async fn answers_are_what_the_description_says() {
    let side = Side::new();
    let document = document(&side).await;
    let bearers = &side.bearers;
    for bearer in [Some(&bearers.site), Some(&bearers.other_reader), None] {
        for space in ["1001", "nowhere"] {
            let (session, _) = side.open(&side.sales, "ann").await;
            side.open(&side.sales, "ann").await;
            for call in calls(space, &session.id().to_string()) {
                let mut paths = vec![call.path.clone(), format!("{}?nonsense=1", call.path)];
                if call.template.contains("sessions") && call.method == "GET" {
                    paths.push(format!("{}?view=full", call.path));
                    paths.push(format!("{}&filter=nonsense", call.path));
                }
                for path in paths {
                    let bearer = bearer.map(String::as_str);
                    let sent = request(call.method, &path, bearer, call.body);
                    let answer = side.send(sent).await;
                    holds(&document, call.method, call.template, &answer);
                }
                side.clock.advance(std::time::Duration::from_secs(6));
            }
        }
    }
    for path in OTHERS {
        let answer = side.get(path, &bearers.site).await;
        if path == "/docs" {
            continue;
        }
        holds(&document, "GET", path, &answer);
    }
}

#[tokio::test]
async fn answers_of_the_octane_dialect_are_what_the_description_says() {
    let side = Side::new();
    let document = document(&side).await;
    let holders = [&side.bearers.sales, &side.bearers.site];
    let mut statuses = BTreeSet::new();
    for bearer in holders.map(Some).into_iter().chain([None]) {
        for space in ["1001", "nowhere"] {
            let (session, _) = side.open(&side.sales, "ann").await;
            for call in super::octane::access::calls(space, &session.id().to_string()) {
                let and = if call.path.contains('?') { '&' } else { '?' };
                let more = [
                    "nonsense=1",
                    "fields=nonsense",
                    "fields=end_time,license_type,user{directory},result",
                    "group_by=user",
                    "group_by=client_type",
                ];
                let paths = more.map(|more| format!("{}{and}{more}", call.path));
                for path in [call.path.clone()].iter().chain(&paths) {
                    let bearer = bearer.map(String::as_str);
                    for body in [&call.body, &call.body.replace("true", "false")] {
                        let sent = request(call.method, path, bearer, body);
                        let answer = side.send(sent).await;
                        statuses.insert(answer.status.as_u16());
                        if !answer.text.is_empty() {
                            holds(&document, call.method, call.template, &answer);
                        }
                    }
                }
                side.clock.advance(std::time::Duration::from_secs(6));
            }
        }
    }
    assert!(
        statuses.is_superset(&[200, 400, 401, 403, 404].into()),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn answers_of_the_qlik_dialect_are_what_the_description_says() {
    let side = Side::new();
    let document = document(&side).await;
    let holders = [&side.bearers.site, &side.bearers.other_reader];
    let mut statuses = BTreeSet::new();
    for bearer in holders.map(Some).into_iter().chain([None]) {
        for prefix in ["sales", "nowhere"] {
            let (session, _) = side.open(&side.sales, "ann").await;
            for call in super::qps::access::calls(prefix, &session.id().to_string()) {
                for body in ["{", call.body] {
                    let mut sent = call.request();
                    if let Some(bearer) = bearer {
                        let value = format!("Bearer {bearer}").parse().unwrap();
                        sent.headers_mut().insert("authorization", value);
                    }
                    *sent.body_mut() = body.to_owned().into();
                    let answer = side.send(sent).await;
                    statuses.insert(answer.status.as_u16());
                    if !answer.text.is_empty() {
                        holds(&document, call.method, call.template, &answer);
                    }
                }
                side.clock.advance(std::time::Duration::from_secs(6));
            }
        }
    }
    let expected = [200, 201, 204, 400, 401, 403, 404].into();
    assert!(statuses.is_superset(&expected), "{statuses:?}");
}

#[tokio::test]
async fn the_page_has_every_operation_and_loads_nothing() {
    let side = Side::new();
    let answer = side.get("/docs", &side.bearers.site).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"));
    let dialect = octane::ROUTES.iter().map(|route| route.operation);
    let other_dialect = qps::ROUTES.iter().map(|route| route.operation);
    let all = ROUTES.iter().map(|route| route.operation);
    for operation in all.chain(dialect).chain(other_dialect) {
        assert!(answer.text.contains(operation.path));
    }
    for outside in ["<script", " src=", "@import", "url(", "http://", "https://"] {
        assert!(!answer.text.contains(outside), "{outside}");
    }
    let open = answer.text.matches("<article").count();
    let dialects = octane::ROUTES.len() + qps::ROUTES.len();
    assert_eq!(open, ROUTES.len() + dialects + OTHERS.len());
}

#[tokio::test]
async fn the_description_needs_a_key_unless_it_is_made_public() {
    let side = Side::new();
    for path in ["/openapi.json", "/docs"] {
        let answer = side.send(request("GET", path, None, "")).await;
        answer.problem(401, "unauthenticated");
    }
    let keys = crate::admin::keys::ApiKeys::new([]);
    let public = crate::admin::builder(side.sessions.clone(), keys)
        .docs_public(true)
        .build();
    let call = request("GET", "/openapi.json", None, "");
    let answer = tower::ServiceExt::oneshot(public.clone(), call)
        .await
        .unwrap();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await;
    let document: Value = serde_json::from_slice(&body.unwrap().to_bytes()).unwrap();
    assert_eq!(
        document["paths"]["/docs"]["get"]["security"],
        serde_json::json!([])
    );
    for (path, status) in [("/openapi.json", 200), ("/docs", 200), ("/metrics", 401)] {
        let call = request("GET", path, None, "");
        let answer = tower::ServiceExt::oneshot(public.clone(), call)
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

//! Who may call what: every route, without a key, with the wrong one, and with the right one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Side, request};
use crate::admin::native::{Need, ROUTES};
use crate::admin::openapi::Verb;

/// One call of each route, in space 1001. A route that is not here fails
/// [`every_route_is_in_the_table`].
const CALLS: [(Verb, &str, &str, &str); 17] = [
    (Verb::Get, "/api/v1/spaces", "", ""),
    (Verb::Get, "/api/v1/spaces/{space}", "", ""),
    (Verb::Get, "/api/v1/spaces/{space}/sessions", "", ""),
    (
        Verb::Get,
        "/api/v1/spaces/{space}/sessions/groups",
        "?group_by=user",
        "",
    ),
    (
        Verb::Post,
        "/api/v1/spaces/{space}/sessions/end",
        "",
        r#"{"sessionIds":[]}"#,
    ),
    (
        Verb::Get,
        "/api/v1/spaces/{space}/sessions/{session}",
        "",
        "",
    ),
    (
        Verb::Delete,
        "/api/v1/spaces/{space}/sessions/{session}",
        "",
        "",
    ),
    (
        Verb::Get,
        "/api/v1/spaces/{space}/users/{directory}/{id}/sessions",
        "",
        "",
    ),
    (
        Verb::Delete,
        "/api/v1/spaces/{space}/users/{directory}/{id}/sessions",
        "",
        "",
    ),
    (Verb::Get, "/api/v1/spaces/{space}/tasks", "", ""),
    (
        Verb::Put,
        "/api/v1/spaces/{space}/users/{directory}/{id}/lock",
        "",
        r#"{"reason":"left"}"#,
    ),
    (Verb::Get, "/api/v1/spaces/{space}/locks", "", ""),
    (
        Verb::Delete,
        "/api/v1/spaces/{space}/users/{directory}/{id}/lock",
        "",
        "",
    ),
    (Verb::Get, "/api/v1/spaces/{space}/licenses", "", ""),
    (Verb::Get, "/api/v1/nodes", "", ""),
    (Verb::Get, "/api/v1/store/export", "", ""),
    (
        Verb::Post,
        "/api/v1/store/import",
        "",
        r#"{"gatepass_store":{"version":1}}"#,
    ),
];

/// Routes whose access is tested where they are: tasks have to be there first, and events do
/// not end.
const ELSEWHERE: [&str; 2] = ["/api/v1/spaces/{space}/tasks/{task}", "/api/v1/events"];

pub(super) struct Call {
    pub(super) method: &'static str,
    /// As the routes have it.
    pub(super) template: &'static str,
    pub(super) path: String,
    pub(super) body: &'static str,
    need: Need,
}

impl Call {
    async fn by(&self, side: &Side, bearer: Option<&str>) -> super::Answer {
        side.send(request(self.method, &self.path, bearer, self.body))
            .await
    }
}

pub(super) fn calls(space: &str, session: &str) -> Vec<Call> {
    CALLS
        .into_iter()
        .map(|(verb, path, query, body)| Call {
            method: match verb {
                Verb::Get => "GET",
                Verb::Post => "POST",
                Verb::Put => "PUT",
                Verb::Delete => "DELETE",
            },
            template: path,
            path: format!("{path}{query}")
                .replace("{space}", space)
                .replace("{session}", session)
                .replace("{directory}", "LAB")
                .replace("{id}", "ann"),
            body,
            need: ROUTES
                .iter()
                .find(|route| route.operation.method == verb && route.operation.path == path)
                .unwrap_or_else(|| panic!("{verb:?} {path} is no route"))
                .need,
        })
        .collect()
}

#[test]
fn every_route_is_in_the_table() {
    let named = |verb: Verb, path: &str| format!("{verb:?} {path}");
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .map(|r| named(r.operation.method, r.operation.path))
        .collect();
    let table: BTreeSet<_> = CALLS
        .iter()
        .map(|(verb, path, ..)| named(*verb, path))
        .collect();
    let elsewhere = ELSEWHERE.map(|path| named(Verb::Get, path));
    assert_eq!(routes, table.into_iter().chain(elsewhere).collect());
    assert_eq!(routes.len(), ROUTES.len(), "a route is there twice");
}

#[tokio::test]
async fn s31_every_route_needs_a_key() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    for call in calls("1001", &session.id().to_string()) {
        let answer = call.by(&side, None).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(
            answer.headers["www-authenticate"],
            r#"Bearer realm="gatepass""#
        );
        let answer = call.by(&side, Some("sales.not-the-secret")).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(
            answer.headers["www-authenticate"],
            r#"Bearer realm="gatepass", error="invalid_token""#
        );
        // Failures count against a source; the table is longer than what is free.
        side.clock.advance(std::time::Duration::from_secs(6));
    }
    assert!(session.end().is_none());
    for path in [
        "/metrics",
        "/",
        "/api/v1",
        "/api/v1/spaces/",
        "/health",
        "/health/live/x",
    ] {
        let answer = side.send(request("GET", path, None, "")).await;
        answer.problem(401, "unauthenticated");
    }
    let wrong_method = request("DELETE", "/api/v1/spaces", None, "");
    side.send(wrong_method)
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn s40_a_key_of_another_space_gets_403_and_learns_nothing() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let here = calls("1001", &session.id().to_string());
    let nowhere = calls("no-such-space", &session.id().to_string());
    let impossible = calls("no%2Fspace%00", &session.id().to_string());
    for bearer in [&side.bearers.other, &side.bearers.other_reader] {
        for ((here, nowhere), impossible) in here.iter().zip(&nowhere).zip(&impossible) {
            if here.need == Need::AnyKey {
                let shown = here.by(&side, Some(bearer)).await.json(200);
                assert_eq!(shown["spaces"].as_array().unwrap().len(), 1);
                assert_eq!(shown["spaces"][0]["id"], "1002");
                continue;
            }
            let mut answers = Vec::new();
            for call in [here, nowhere, impossible] {
                let answer = call.by(&side, Some(bearer)).await;
                let mut body = answer.problem(403, "forbidden");
                body["instance"] = Value::Null;
                assert!(!answer.headers.contains_key("www-authenticate"));
                answers.push(body);
            }
            assert_eq!(answers[0], answers[1]);
            assert_eq!(answers[0], answers[2]);
        }
    }
    assert!(session.end().is_none());
}

#[tokio::test]
async fn a_reader_may_look_and_not_end() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    for call in calls("1001", &session.id().to_string()) {
        let answer = call.by(&side, Some(&side.bearers.reader)).await;
        if matches!(call.need, Need::End | Need::Everything) {
            answer.problem(403, "forbidden");
        } else {
            answer.json(200);
        }
    }
    assert!(session.end().is_none());
}

#[tokio::test]
async fn administrators_may_do_all_of_it() {
    let side = Side::new();
    for bearer in [&side.bearers.site, &side.bearers.sales] {
        let (session, _) = side.open(&side.sales, "ann").await;
        for call in calls("1001", &session.id().to_string()) {
            let answer = call.by(&side, Some(bearer)).await;
            match call.need {
                Need::Everything if *bearer == side.bearers.sales => {
                    answer.problem(403, "forbidden");
                }
                Need::Everything => assert_eq!(answer.status, 200, "{}", answer.text),
                _ => drop(answer.json(200)),
            }
        }
        assert!(session.end().is_some());
    }
    for call in calls("no-such-space", "x") {
        let answer = call.by(&side, Some(&side.bearers.site)).await;
        if call.need == Need::AnyKey {
            answer.json(200);
        } else if call.need == Need::Everything {
            assert_eq!(answer.status, 200, "{}", answer.text);
        } else {
            answer.problem(404, "unknown-space");
        }
    }
}

#[tokio::test]
async fn a_session_of_another_space_is_unknown() {
    let side = Side::new();
    let (theirs, _) = side.open(&side.other, "ann").await;
    let path = format!("/api/v1/spaces/1001/sessions/{}", theirs.id());
    let bearer = &side.bearers.sales;
    side.get(&path, bearer)
        .await
        .problem(404, "unknown-session");
    side.delete(&path, bearer)
        .await
        .problem(404, "unknown-session");
    let body = format!(r#"{{"sessionIds":["{}"]}}"#, theirs.id());
    let answer = side
        .post("/api/v1/spaces/1001/sessions/end", bearer, &body)
        .await;
    assert_eq!(answer.json(200)["unknown"][0], theirs.id().to_string());
    side.delete("/api/v1/spaces/1001/users/LAB/ann/sessions", bearer)
        .await
        .json(200);
    assert!(theirs.end().is_none());
}

#[tokio::test]
async fn s31_paths_match_on_whole_segments() {
    let side = Side::new();
    let bearer = &side.bearers.site;
    for path in [
        "/api/v1/spacesx",
        "/api/v1/spaces/1001/sessionsx",
        "/api/v1//spaces",
        "/api/v1/spaces/1001/sessions/a/b",
        "/api/v1/spaces/1001/users/LAB/sessions",
        "/API/v1/spaces",
        "/metrics/",
    ] {
        side.get(path, bearer).await.problem(404, "unknown-route");
    }
}

#[tokio::test]
async fn s39_too_many_wrong_keys_are_answered_with_429() {
    let side = Side::new();
    for _ in 0..10 {
        let answer = side.get("/api/v1/spaces", "site.wrong").await;
        answer.problem(401, "unauthenticated");
    }
    let answer = side.get("/api/v1/spaces", "site.wrong").await;
    answer.problem(429, "too-many-attempts");
    assert_eq!(answer.headers["retry-after"], "6");
    side.get("/api/v1/spaces", &side.bearers.site)
        .await
        .json(200);
}

#[tokio::test]
async fn a_key_is_one_bearer_token_in_one_header() {
    let side = Side::new();
    let site = &side.bearers.site;
    let basic = format!("Basic {site}");
    let bearer = format!("bearer {site}");
    for (values, opens) in [
        (vec![bearer.as_str()], true),
        (vec![basic.as_str()], false),
        (vec![site.as_str()], false),
        (vec![bearer.as_str(), bearer.as_str()], false),
        (vec!["Bearer"], false),
        (vec!["Bearer "], false),
    ] {
        let mut call = request("GET", "/api/v1/spaces", None, "");
        for value in &values {
            call.headers_mut()
                .append("authorization", value.parse().unwrap());
        }
        let status = side.send(call).await.status;
        assert_eq!(status == 200, opens, "{status} for {values:?}");
        assert!(opens || status == 401);
    }
    let in_query = format!("/api/v1/spaces?access_token={site}");
    let answer = side.send(request("GET", &in_query, None, "")).await;
    answer.problem(401, "unauthenticated");
    assert!(!answer.text.contains(site), "the query is not told back");
}

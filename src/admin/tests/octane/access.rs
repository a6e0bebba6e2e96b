//! Who may call what: every route, by nobody, by the wrong ones, and by the right one.

use std::collections::BTreeSet;

use super::{Side, call, request};
use crate::admin::octane::{Need, ROUTES};
use crate::admin::openapi::Verb;

/// One call of each route, in space 1001. A route that is not here fails
/// [`every_route_is_in_the_table`].
const CALLS: [(Verb, &str, &str, &str); 13] = [
    (Verb::Post, "/authentication/sign_in", "", "{}"),
    (Verb::Post, "/authentication/sign_out", "", ""),
    (Verb::Get, "/api/current_user", "", ""),
    (Verb::Get, "/admin/server/version", "", ""),
    (Verb::Get, "/api/shared_spaces", "", ""),
    (Verb::Get, "/api/shared_spaces/{space}/sessions", "", ""),
    (
        Verb::Put,
        "/api/shared_spaces/{space}/sessions",
        "",
        r#"{"data":[{"id":"{id}","is_closed":true}]}"#,
    ),
    (
        Verb::Get,
        "/api/shared_spaces/{space}/sessions/groups",
        "?group_by=user",
        "",
    ),
    (
        Verb::Put,
        "/api/shared_spaces/{space}/sessions/terminate",
        "?query=id='{id}'&wait=20000",
        r#"{"data":[{"is_closed":true}]}"#,
    ),
    (
        Verb::Get,
        "/api/shared_spaces/{space}/sessions/{id}",
        "",
        "",
    ),
    (
        Verb::Put,
        "/api/shared_spaces/{space}/sessions/{id}",
        "",
        r#"{"is_closed":true}"#,
    ),
    (
        Verb::Get,
        "/api/shared_spaces/{space}/background_tasks",
        "",
        "",
    ),
    (
        Verb::Get,
        "/api/shared_spaces/{space}/background_tasks/{id}",
        "",
        "",
    ),
];

pub(in crate::admin::tests) struct Call {
    pub(in crate::admin::tests) method: &'static str,
    /// As the description spells it.
    pub(in crate::admin::tests) template: &'static str,
    pub(in crate::admin::tests) path: String,
    pub(in crate::admin::tests) body: String,
    need: Need,
    about_a_task: bool,
}

fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Put => "PUT",
        Verb::Delete => "DELETE",
    }
}

/// Every call in every spelling of its path.
pub(in crate::admin::tests) fn calls(space: &str, session: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for (verb, path, query, body) in CALLS {
        let route = ROUTES
            .iter()
            .find(|route| (route.operation.method, route.operation.path) == (verb, path))
            .unwrap_or_else(|| panic!("{verb:?} {path} is no route"));
        let fill = |text: &str| {
            text.replace("{space}", space)
                .replace("{workspace}", "1002")
                .replace("{id}", session)
        };
        calls.extend(route.spellings().iter().map(|path| Call {
            method: name(verb),
            template: route.operation.path,
            path: fill(&format!("{path}{query}")),
            body: fill(body),
            need: route.need,
            about_a_task: path.contains("background_tasks/{id}"),
        }));
    }
    calls
}

impl Call {
    async fn by(&self, side: &Side, bearer: &str) -> super::Answer {
        side.send(request(self.method, &self.path, Some(bearer), &self.body))
            .await
    }
}

#[test]
fn every_route_is_in_the_table() {
    let named = |verb: Verb, path: &str| format!("{verb:?} {path}");
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .map(|r| named(r.operation.method, r.operation.path))
        .collect();
    let table: BTreeSet<_> = CALLS.iter().map(|call| named(call.0, call.1)).collect();
    assert_eq!(routes, table);
    assert_eq!(routes.len(), ROUTES.len(), "a route is there twice");
    assert!(calls("1001", "x").len() > 2 * ROUTES.len());
}

#[tokio::test]
async fn s31_every_route_needs_somebody() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    for wanted in calls("1001", &session.id().to_string()) {
        if wanted.need == Need::Nothing {
            continue;
        }
        for headers in [
            &[][..],
            // The first call of the JavaScript SDK.
            &[("cookie", "")],
            &[("cookie", "LWSSO_COOKIE_KEY=")],
            &[("cookie", "LWSSO_COOKIE_KEY=nonsense; OCTANE_USER=sales")],
            &[("authorization", "Bearer sales.not-the-secret")],
            &[("authorization", "Basic c2FsZXM6d3Jvbmc=")],
            &[("authorization", "Negotiate x")],
        ] {
            let sent = call(wanted.method, &wanted.path, headers, &wanted.body);
            let answer = side.send(sent).await;
            let body = answer.fault(401, "platform.not_authenticated");
            let description = body["description"].as_str().unwrap();
            assert!(description.contains("Not Authenticated"));
            assert!(answer.headers.contains_key("www-authenticate"));
            // Failures count against a source.
            side.clock.advance(std::time::Duration::from_secs(6));
        }
    }
    assert!(session.end().is_none());
}

#[tokio::test]
async fn s40_sessions_are_for_the_administrators_of_the_space_only() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let Side { bearers, .. } = &side;
    for bearer in [
        &bearers.site,
        &bearers.reader,
        &bearers.other,
        &bearers.other_reader,
    ] {
        let cookie = side.sign_in(bearer, &[]).await;
        for wanted in calls("1001", &session.id().to_string()) {
            let with_key = wanted.by(&side, bearer).await;
            let headers = [("cookie", cookie.as_str())];
            let with_cookie = call(wanted.method, &wanted.path, &headers, &wanted.body);
            match wanted.need {
                Need::Nothing => {}
                Need::AnyKey => {
                    with_key.json(200);
                    side.send(with_cookie).await.json(200);
                }
                Need::SpaceAdmin => {
                    with_key.fault(403, "platform.not_authorized");
                    let answer = side.send(with_cookie).await;
                    answer.fault(403, "platform.not_authorized");
                    assert!(!answer.headers.contains_key("www-authenticate"));
                }
            }
        }
    }
    assert!(session.end().is_none());
}

#[tokio::test]
async fn the_administrator_of_the_space_may_do_all_of_it() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    for space in ["1001", "Sales%20portal"] {
        let (session, _) = side.open(&side.sales, "ann").await;
        for wanted in calls(space, &session.id().to_string()) {
            let answer = wanted.by(&side, bearer).await;
            match (wanted.need, wanted.about_a_task) {
                (Need::Nothing, _) => assert_ne!(answer.status, 404),
                (_, true) => drop(answer.fault(404, "platform.entity_not_found")),
                (_, false) => drop(answer.json(200)),
            }
        }
        assert!(session.end().is_some());
    }
    for wanted in calls("no-such-space", "x") {
        if wanted.need == Need::SpaceAdmin {
            let answer = wanted.by(&side, bearer).await;
            answer.fault(404, "platform.shared_space_not_found");
            assert!(answer.text.contains("SharedSpaceNotFoundException"));
        }
    }
}

#[tokio::test]
async fn a_space_sees_and_ends_only_its_own() {
    let side = Side::new();
    let (theirs, _) = side.open(&side.other, "ann").await;
    let id = theirs.id().to_string();
    assert_eq!(side.query(&format!("id='{id}'")).await.data().len(), 0);
    let one = side.look(&format!("/sessions/{id}")).await;
    one.fault(404, "platform.entity_not_found");
    let result = side.terminated(&format!("id='{id}'"), "").await;
    assert_eq!(result["errors"][0]["properties"]["entity_id"], id);
    let result = side.terminated("user_directory='LAB'", "").await;
    assert_eq!(result["requested"], 0);
    assert!(theirs.end().is_none());
    // Nor its tasks.
    let tasks = side.look("/background_tasks").await.ids();
    assert_eq!(tasks.len(), 2);
    let other = &side.bearers.other;
    let path = "/api/shared_spaces/1002/background_tasks";
    assert_eq!(side.get(path, other).await.data().len(), 0);
    let path = format!("{path}/{}", tasks[0]);
    let answer = side.get(&path, other).await;
    answer.fault(404, "platform.entity_not_found");
}

#[tokio::test]
async fn s31_pages_of_other_origins_are_refused() {
    let side = Side::new();
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    let (session, _) = side.open(&side.sales, "ann").await;
    for wanted in calls("1001", &session.id().to_string()) {
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "http://localhost:8080"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let headers = [("cookie", cookie.as_str()), foreign];
            let sent = call(wanted.method, &wanted.path, &headers, &wanted.body);
            let answer = side.send(sent).await;
            answer.fault(403, "platform.not_authorized");
        }
        let mut rebound = call(wanted.method, &wanted.path, &[("cookie", &cookie)], "");
        let headers = rebound.headers_mut();
        headers.insert("host", "rebound.example".parse().unwrap());
        side.send(rebound).await.fault(421, "platform.wrong_host");
    }
    assert!(session.end().is_none());
    let own = [
        ("cookie", cookie.as_str()),
        ("origin", "http://localhost:8081"),
        ("sec-fetch-site", "same-origin"),
    ];
    let sent = call("GET", "/api/current_user", &own, "");
    side.send(sent).await.json(200);
}

#[tokio::test]
async fn the_dialects_client_headers_are_accepted() {
    let side = Side::new();
    let auth = format!("Bearer {}", side.bearers.sales);
    let headers = [
        ("authorization", auth.as_str()),
        ("alm-octane-tech-preview", "true"),
        ("alm_octane_tech_preview", "true"),
        ("hpeclienttype", "HPE_REST_API_TECH_PREVIEW"),
    ];
    let sent = call("GET", &format!("{}/sessions", super::SPACE), &headers, "");
    side.send(sent).await.json(200);
}

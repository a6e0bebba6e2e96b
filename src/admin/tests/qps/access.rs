//! Who may call what: every route, by nobody, by the wrong ones, and by the right one.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;

use super::{Side, by, call, request, set};
use crate::admin::openapi::Verb;
use crate::admin::qps::{Need, ROUTES};

const USER: &str = r#"{"UserDirectory":"LAB","UserId":"zoe"}"#;

/// One call of each route. A route that is not here fails [`every_route_is_in_the_table`].
const CALLS: [(Verb, &str, &str); 12] = [
    (Verb::Get, "/session", ""),
    (Verb::Post, "/session", USER),
    (Verb::Get, "/session/{id}", ""),
    (Verb::Delete, "/session/{id}", ""),
    (Verb::Get, "/user/{directory}/{id}", ""),
    (Verb::Delete, "/user/{directory}/{id}", ""),
    (Verb::Post, "/ticket", USER),
    (Verb::Get, "/alive", ""),
    (Verb::Get, "/health", ""),
    (Verb::Post, "/error", r#"{"Message":"no way"}"#),
    (Verb::Get, "/about/description", ""),
    (Verb::Get, "/about/openapi/Main", ""),
];

pub(in crate::admin::tests) struct Call {
    pub(in crate::admin::tests) method: &'static str,
    /// As the description spells it.
    pub(in crate::admin::tests) template: &'static str,
    pub(in crate::admin::tests) path: String,
    pub(in crate::admin::tests) body: &'static str,
    need: Need,
}

fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Put => "PUT",
        Verb::Delete => "DELETE",
    }
}

/// Every call in the space with this prefix, in some spellings of its path.
pub(in crate::admin::tests) fn calls(prefix: &str, session: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for (verb, path, body) in CALLS {
        let route = ROUTES
            .iter()
            .find(|route| (route.operation.method, route.path()) == (verb, path))
            .unwrap_or_else(|| panic!("{verb:?} {path} is no route"));
        let path = path
            .replace("{directory}/{id}", "LAB/ann")
            .replace("{id}", session);
        let spellings = [
            format!("/qps/{prefix}{path}"),
            format!("/{prefix}/qps{path}/"),
        ];
        calls.extend(spellings.map(|path| Call {
            method: name(verb),
            template: route.operation.path,
            path,
            body,
            need: route.need,
        }));
    }
    calls
}

impl Call {
    pub(in crate::admin::tests) fn request(&self) -> Request<Body> {
        call(self.method, &self.path, self.body)
    }

    async fn by(&self, side: &Side, bearer: &str) -> super::Answer {
        side.send(by(self.request(), bearer)).await
    }
}

#[test]
fn every_route_is_in_the_table() {
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .map(|r| (r.operation.method, r.path()))
        .collect();
    let table: BTreeSet<_> = CALLS.iter().map(|call| (call.0, call.1)).collect();
    assert_eq!(routes, table);
    assert_eq!(routes.len(), ROUTES.len(), "a route is there twice");
}

#[tokio::test]
async fn s31_every_route_needs_a_caller() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    for call in calls("sales", &session.id().to_string()) {
        let answer = side.send(call.request()).await;
        let text = answer.error(401);
        assert_eq!(text, "a client certificate or an API key is needed");
        assert_eq!(
            answer.headers["www-authenticate"],
            r#"Bearer realm="gatepass""#
        );
        let answer = call.by(&side, "sales.not-the-secret").await;
        assert_eq!(answer.error(401), "the API key is not valid");
        // Named users, as clients do, is no proof.
        let mut named = call.request();
        set(&mut named, "x-qlik-user", "UserDirectory=LAB; UserId=ann");
        side.send(named).await.error(401);
        // Failures count against a source; the table is longer than what is free.
        side.clock.advance(std::time::Duration::from_secs(6));
    }
    assert!(session.end().is_none());
    assert_eq!(side.sales.open(), 1);
    for path in ["/qps", "/qps/", "/qps/nothing", "/sales/qps", "/a/b/qps/x"] {
        side.send(call("GET", path, "")).await.error(401);
        side.send(request("GET", path, None, "")).await.error(401);
    }
}

#[tokio::test]
async fn who_administers_or_reads_another_space_gets_403() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    for call in calls("sales", &session.id().to_string()) {
        for bearer in [&side.bearers.other, &side.bearers.other_reader] {
            let answer = call.by(&side, bearer).await;
            if call.need == Need::AnyCaller {
                answer.json(200);
            } else {
                let text = answer.error(403);
                assert_eq!(text, "the caller may not do this in this virtual proxy");
            }
        }
        // The ids of others' spaces are not told apart from none.
        let by_id = call.path.replace("sales", "1001");
        let nowhere = call.path.replace("sales", "1003");
        for (path, id) in [(by_id, "1001"), (nowhere, "1003")] {
            let sent = super::call(call.method, &path, call.body);
            let answer = side.send(by(sent, &side.bearers.other)).await;
            assert_eq!(
                answer.error(404),
                format!("there is no virtual proxy '{id}'")
            );
        }
    }
    assert!(session.end().is_none());
    assert_eq!(side.sales.open(), 1);
}

#[tokio::test]
async fn a_reader_may_look_and_change_nothing() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    for call in calls("sales", &session.id().to_string()) {
        let answer = call.by(&side, &side.bearers.reader).await;
        match call.need {
            Need::Act => drop(answer.error(403)),
            Need::AnyCaller | Need::Read => {
                assert!(answer.status.is_success(), "{}: {}", call.path, answer.text)
            }
        }
    }
    assert!(session.end().is_none());
    assert_eq!(side.sales.open(), 1);
}

#[tokio::test]
async fn administrators_may_do_all_of_it() {
    let side = Side::new();
    for bearer in [&side.bearers.site, &side.bearers.sales] {
        let (session, _) = side.open(&side.sales, "ann").await;
        for call in calls("sales", &session.id().to_string()) {
            let answer = call.by(&side, bearer).await;
            let status = answer.status.as_u16();
            let expected = match (call.method, call.template.rsplit('/').next()) {
                // It was ended by the spelling before.
                ("DELETE", Some("{id}")) if call.path.ends_with('/') => &[200, 404][..],
                ("POST", Some("error")) => &[204],
                ("POST", _) => &[201],
                ("GET", Some("{id}")) | (_, _) => &[200],
            };
            assert!(expected.contains(&status), "{}: {}", call.path, answer.text);
        }
        assert!(session.end().is_some());
    }
}

#[tokio::test]
async fn s31_the_xrf_key_is_needed_on_every_route() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let wanted = "XSRF prevention check failed. Possible XSRF discovered.";
    for call in calls("sales", &session.id().to_string()) {
        let mut without_header = by(call.request(), &side.bearers.site);
        without_header.headers_mut().remove("x-qlik-xrfkey");
        let mut without_query = request(call.method, &call.path, None, call.body);
        set(&mut without_query, "x-qlik-xrfkey", super::KEY);
        let without_query = by(without_query, &side.bearers.site);
        let mut other = by(call.request(), &side.bearers.site);
        set(&mut other, "x-qlik-xrfkey", "0123456789abcdeF");
        for refused in [without_header, without_query, other] {
            let answer = side.send(refused).await;
            assert_eq!(answer.error(403), wanted);
            assert_eq!(answer.text, format!("\"{wanted}\""));
        }
    }
    assert!(session.end().is_none());
    assert_eq!(side.sales.open(), 1);
}

#[tokio::test]
async fn s31_other_hosts_and_pages_of_other_origins_are_refused() {
    let side = Side::new();
    for (name, value, status) in [
        ("host", "evil.example", 421),
        ("host", "a b", 400),
        ("origin", "https://evil.example", 403),
        ("sec-fetch-site", "cross-site", 403),
    ] {
        for path in ["/qps/sales/session", "/qps/alive", "/qps/nothing"] {
            let mut sent = by(call("GET", path, ""), &side.bearers.site);
            set(&mut sent, name, value);
            let answer = side.send(sent).await;
            answer.error(status);
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        }
    }
    let mut own = by(call("GET", "/qps/alive", ""), &side.bearers.site);
    set(&mut own, "origin", "http://localhost:8081");
    side.send(own).await.json(200);
}

#[tokio::test]
async fn s39_too_many_wrong_keys_are_answered_with_429() {
    let side = Side::new();
    for _ in 0..10 {
        let sent = by(call("GET", "/qps/alive", ""), "site.wrong");
        side.send(sent).await.error(401);
    }
    let answer = side
        .send(by(call("GET", "/qps/alive", ""), "site.wrong"))
        .await;
    let text = answer.error(429);
    assert_eq!(text, "too many failed attempts; try again in 6 s");
    assert_eq!(answer.headers["retry-after"], "6");
}

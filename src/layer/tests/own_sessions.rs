//! The list of a user's own sessions, where it is long or its devices differ.

use super::*;
use crate::domain::{ClientInfo, Method, NewSession};
use crate::sessions::Admission;

const LIST: &str = "/.gatepass/sessions";
const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Opens one more session of ann, from a browser.
async fn open(stage: &Stage, user_agent: &str) {
    let new = NewSession {
        identity: Arc::new(Identity::new("lab", "ANN").unwrap()),
        method: Method::Ticket,
        client: ClientInfo {
            ip: Some("192.0.2.9".parse().unwrap()),
            user_agent: Some(user_agent.into()),
            ..ClientInfo::default()
        },
        license: None,
        sign_on: None,
    };
    let opened = stage
        .sessions
        .establish(stage.gate.space(), new, Admission::default());
    drop(opened.await.unwrap());
}

#[tokio::test]
async fn devices_and_times_are_told() {
    let stage = Stage::new();
    open(&stage, FIREFOX).await;
    stage.clock.advance(Duration::from_secs(20 * 60));
    let seen = stage.send(request(LIST, &[ANN, PAGE])).await;
    assert_eq!(seen.status, StatusCode::OK);
    // The list opened a session of its own, and says so.
    assert!(seen.cookie().is_some());
    let (here, there) = seen.body.split_once("</li>").unwrap();
    assert!(
        here.contains("This device") && here.contains("just now"),
        "{here}"
    );
    assert!(there.contains("<bdi>Firefox on Windows</bdi>"), "{there}");
    assert!(there.contains("192.0.2.9 · Ticket"), "{there}");
    assert!(
        there.contains("Last active <time datetime=\"2026-01-01T00:00:00.000Z\">20 minutes ago <span>(1 Jan 2026, 00:00 UTC)"),
        "{there}"
    );
}

#[tokio::test]
async fn a_long_list_is_cut_and_all_of_it_ends() {
    let stage = Stage::new();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    // Ids sort by their time, which stands still unless it is told to move.
    stage.clock.advance(Duration::from_millis(1));
    for _ in 0..210 {
        open(&stage, "curl/8.5.0").await;
    }
    let cookie = (COOKIE.as_str(), &*cookie);
    let seen = stage.send(request(LIST, &[cookie])).await;
    let json: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(json["total"], 211);
    let sessions = json["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 201);
    // The oldest of all, and yet there.
    assert_eq!(sessions[200]["sessionId"], json["current"]);
    let page = stage.send(request(LIST, &[cookie, PAGE])).await;
    assert!(page.body.contains("These are 201 of your 211 sessions"));
    assert_eq!(page.body.matches("<li>").count(), 201);
    assert!(page.body.len() < 200_000, "{}", page.body.len());
    let mut end = request(LIST, &[cookie]);
    *end.method_mut() = http::Method::DELETE;
    assert_eq!(stage.send(end).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.sessions.open(), 1);
}

//! What is never told, in answers, metrics and the audit log.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::Side;
use crate::telemetry::{LogFormat, LogOptions};

const LIST: &str = "/api/v1/spaces/1001/sessions";

/// Keeps what is logged.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Whether this is a process of the test `this` alone. If it is not, such a process has done
/// what there is to do: tracing decides per process which events are worth asking about, and
/// tests beside this one would have a say in it.
pub(super) fn alone(this: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this])
        .env(ALONE, "1")
        .status();
    assert!(status.unwrap().success());
    false
}

/// Writes what `filter` lets through to `lines`, as JSON, until the answer is dropped.
pub(super) fn audit_to(lines: &Lines, filter: &str) -> Log {
    let options = LogOptions {
        filter: filter.to_owned(),
        format: LogFormat::Json,
        ansi: Some(false),
    };
    let writer = lines.clone();
    // With one subscriber alone, an event that a parallel test tells first, on a thread without
    // any, is taken to interest nobody. With two, all are asked.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let subscriber = options.subscriber(move || writer.clone()).unwrap();
    Log {
        _guard: tracing::subscriber::set_default(subscriber),
        _second: second,
    }
}

/// A log that is kept while this is.
pub(super) struct Log {
    _guard: tracing::subscriber::DefaultGuard,
    _second: tracing::Dispatch,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn s20_nothing_that_is_answered_holds_a_token_its_digest_or_a_key() {
    let side = Side::new();
    let site = &side.bearers.site;
    let mut secrets = Vec::new();
    let mut paths = vec![
        format!("{LIST}?state=all&view=full"),
        format!("{LIST}?limit=1"),
        "/api/v1/spaces".to_owned(),
        "/api/v1/spaces/1001".to_owned(),
        "/api/v1/spaces/1001/users/LAB/ann/sessions?view=full".to_owned(),
        "/metrics".to_owned(),
        "/health/ready".to_owned(),
        "/nowhere".to_owned(),
    ];
    for _ in 0..3 {
        let (session, token) = side.open(&side.sales, "ann").await;
        let digest = *token.digest().as_bytes();
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        secrets.extend([
            token.expose(),
            URL_SAFE_NO_PAD.encode(digest),
            STANDARD.encode(digest),
            hex[..16].to_owned(),
        ]);
        paths.push(format!("{LIST}/{}?view=full", session.id()));
    }
    secrets.push(site.strip_prefix("site.").unwrap().to_owned());
    let user_names = ["ann", "Ann Adams", "LAB"];
    let mut shown = 0;
    for path in &paths {
        let answer = side.get(path, site).await;
        let text = format!("{:?}{}", answer.headers, answer.text);
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} at {path}");
        }
        let names = user_names.iter().filter(|n| text.contains(**n)).count();
        if path == "/metrics" {
            assert_eq!(names, 0, "a metric names a user");
        }
        shown += names;
    }
    assert!(shown > 0, "the sessions were never shown");
}

#[tokio::test]
async fn what_administrators_do_is_audited_without_secrets() {
    let this = "admin::tests::secrets::what_administrators_do_is_audited_without_secrets";
    if !alone(this) {
        return;
    }
    let lines = Lines::default();
    let _log = audit_to(&lines, "gatepass::audit=info");

    let side = Side::new();
    let (session, token) = side.open(&side.sales, "ann").await;
    let path = format!("{LIST}/{}", session.id());
    side.delete(&path, &side.bearers.sales).await.json(200);
    side.delete(&path, "sales.guess-that-is-secret")
        .await
        .problem(401, "unauthenticated");
    side.delete(&path, "pasted-secret")
        .await
        .problem(401, "unauthenticated");
    side.delete(&path, &side.bearers.reader)
        .await
        .problem(403, "forbidden");

    let text = lines.text();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = events
        .iter()
        .map(|e| e["event.name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "session.started",
            "session.ended",
            "admin.action",
            "admin.refused",
            "admin.refused",
            "admin.refused"
        ]
    );
    let id = session.id().to_string();
    assert_eq!(events[0]["session.id"], id);
    assert_eq!(events[0]["client.ip"], "192.0.2.7");
    assert_eq!(events[1]["end.reason"], "terminated");
    assert_eq!(events[1]["end.by"], "sales");
    assert_eq!(events[2]["admin.action"], "session.end");
    assert_eq!(events[2]["admin.key"], "sales");
    assert_eq!(events[2]["admin.target"], id);
    assert_eq!(events[2]["sessions.ended"], 1);
    assert_eq!(events[3]["refusal.reason"], "wrong_secret");
    assert_eq!(events[3]["admin.key"], "sales");
    assert_eq!(events[4]["refusal.reason"], "malformed");
    assert_eq!(events[5]["refusal.reason"], "forbidden");
    assert_eq!(events[5]["admin.key"], "reader");
    for secret in ["guess", "pasted", &token.expose(), &side.bearers.sales] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// Set for the process that runs one test alone.
const ALONE: &str = "TESTED_ALONE";

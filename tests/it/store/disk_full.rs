//! S15: a disk without room, by the limit on the size of files that the system sets a process.

use std::process::Command;

use crate::kit::command::Running;
use crate::kit::house::header_space;
use crate::kit::{Answer, PORTS, Served, eventually};

/// Sets how large a file the process `id` may write.
fn limit(id: u32, bytes: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &id.to_string(), &format!("--fsize={bytes}:")])
        .status();
    assert!(done.expect("prlimit, of util-linux").success());
}

/// The session cookie that an answer gave.
fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").split(';').next();
    cookie.unwrap().to_owned()
}

impl Served {
    /// What the metrics say of the store.
    async fn reached(&self) -> u8 {
        let metrics = self.admin().get("/metrics").await;
        let metrics = metrics.text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("gatepass_store_reached "));
        line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
    }
}

#[tokio::test]
async fn s15_a_full_disk_refuses_logins_and_ends_and_nothing_else() {
    let mut served = Served::with(&format!("{PORTS}{}", header_space())).await;
    // Again, by a shell that lets the process live when it meets the limit.
    served.process.signal("TERM").await;
    served.process.end().await;
    served.process = Running::start_ignoring(served.folder.path(), "XFSZ", &["serve"]);
    served.edge = served.process.address("the edge is ready").await;
    served.admin = served.process.address("the side port is ready").await;

    let first = served.script().with("hdr-usr", "first").get("/echo").await;
    assert_eq!(first.status, 200);
    let first = cookie(&first);
    let size = std::fs::metadata(served.folder.path().join("gatepass.redb"));
    limit(served.process.id(), &size.unwrap().len().to_string());

    // Logins are taken until the file would have to grow, and refused then.
    let mut acknowledged = Vec::new();
    let refused = loop {
        let user = format!("user{}-{}", acknowledged.len(), "x".repeat(900));
        let answer = served.script().with("hdr-usr", &user).get("/echo").await;
        if answer.status != 200 {
            break answer;
        }
        acknowledged.push(cookie(&answer));
        assert!(acknowledged.len() < 20_000, "the file does not grow");
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.headers.contains_key("retry-after"));
    assert!(!refused.headers.contains_key("set-cookie"));
    // Who is logged in stays so, and nobody is logged out by an end that is not kept.
    let same = served.script().with("cookie", &first);
    same.get("/echo").await.says(200, "");
    let session = served.admin().sessions("1001").await[0].clone();
    let id = session["sessionId"].as_str().unwrap();
    let path = format!("/api/v1/spaces/1001/sessions/{id}");
    let end = served.admin().delete(&path).await;
    assert_eq!(end.status, 503, "{}", end.text());

    eventually(async || {
        let ready = served.admin().get("/health/ready").await;
        let told = ready.text().contains("file cannot be written");
        (ready.status == 503 && told && served.reached().await == 0).then_some(())
    })
    .await;

    limit(served.process.id(), "unlimited");
    // By itself: nobody asks for anything.
    eventually(async || {
        let ready = served.admin().get("/health/ready").await;
        (ready.status == 200 && served.reached().await == 1).then_some(())
    })
    .await;
    let last = eventually(async || {
        let answer = served.script().with("hdr-usr", "last").get("/echo").await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    acknowledged.push(cookie(&last));
    served.die().await;
    for cookie in acknowledged.iter().rev().take(50).chain([&first]) {
        let script = served.script().with("cookie", cookie);
        script.get("/echo").await.says(200, "");
    }
    let total = served
        .admin()
        .get("/api/v1/spaces/1001/sessions?limit=1")
        .await;
    let total = total.json(200)["total"].as_u64().unwrap();
    let expected = acknowledged.len() as u64 + 1;
    assert_eq!(total, expected, "what was refused is not there");
}

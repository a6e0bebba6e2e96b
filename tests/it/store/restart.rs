//! A restart logs nobody out, and lets nobody in again.

use serde_json::{Value, json};

use crate::kit::house::header_space;
use crate::kit::{PORTS, Script, Served, eventually};

/// Two sessions a user at most; the file is told of last activity ten times a second.
fn config() -> String {
    format!(
        "{PORTS}[store]\nflush_interval = \"100ms\"\n{}[space.session]\nmax_per_user = 2\n\
         on_limit = \"refuse\"\n",
        header_space()
    )
}

impl Served {
    /// Logs `user` in; the program that goes on with the cookie alone.
    async fn log_in(&self, user: &str) -> String {
        let answer = self.script().with("hdr-usr", user).get("/echo").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        cookie.to_owned()
    }

    /// A program with this cookie and nothing else.
    fn with_cookie(&self, cookie: &str) -> Script {
        self.script().with("cookie", cookie)
    }

    async fn ended(&self) -> Vec<Value> {
        let path = "/api/v1/spaces/1001/sessions?state=ended&view=full";
        let page = self.admin().get(path).await.json(200);
        page["sessions"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn s11_a_killed_gateway_goes_on_where_it_was() {
    let mut served = Served::with(&config()).await;
    let (ann, bob) = (served.log_in("ann").await, served.log_in("bob").await);
    let bobs = served.admin().sessions("1001").await;
    let bobs = bobs.iter().find(|s| s["userId"] == "bob").unwrap().clone();
    served.admin().end("1001", &bobs).await;
    served.with_cookie(&ann).get("/echo").await.says(200, "");
    let before = served.admin().session("1001").await;
    // The last activity is told to the file a moment later.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;

    served.die().await;
    let after = served.admin().session("1001").await;
    assert_eq!(after, before, "lastActive and all else");
    served.with_cookie(&ann).get("/echo").await.says(200, "");
    let refused = served.with_cookie(&bob).get("/echo").await;
    assert_eq!(refused.status, 401, "what has ended stays ended");
    let ended = served.ended().await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["sessionId"], bobs["sessionId"]);
    assert_eq!(ended[0]["endReason"], "terminated");
    assert_eq!(ended[0]["endedBy"], "site");
    // It can still be ended, once.
    served.admin().end("1001", &after).await;
    assert_eq!(served.with_cookie(&ann).get("/echo").await.status, 401);
    served.die().await;
    assert_eq!(served.with_cookie(&ann).get("/echo").await.status, 401);
    assert_eq!(served.ended().await.len(), 2);
}

#[tokio::test]
async fn s22_limits_count_sessions_of_the_process_before() {
    let mut served = Served::with(&config()).await;
    served.log_in("ann").await;
    served.process.signal("TERM").await;
    assert!(served.process.end().await.success());
    served.start_again().await;
    // The header opens the session that it opened before; at another client it opens one more,
    // and none above the limit.
    let same = served.script().with("hdr-usr", "ann").get("/echo").await;
    assert!(
        !same.headers.contains_key("set-cookie"),
        "{:?}",
        same.headers
    );
    let another = |agent: &str| {
        served
            .script()
            .with("hdr-usr", "ann")
            .with("user-agent", agent)
    };
    let second = another("b")
        .get("/echo")
        .await
        .header("set-cookie")
        .to_owned();
    let second = second.split(';').next().unwrap();
    let third = another("c").get("/echo").await;
    assert!(matches!(third.status, 403 | 429), "{}", third.text());
    served.with_cookie(second).get("/echo").await.says(200, "");
}

#[tokio::test]
async fn locks_tasks_and_ends_of_spaces_that_are_gone_are_there() {
    let mut served = Served::with(&config()).await;
    let ann = served.log_in("ann").await;
    served.log_in("bob").await;
    let lock = "/api/v1/spaces/1001/users/LAB/ann/lock";
    let script = Script::new(served.admin)
        .bearer(&served.keys.site)
        .with("content-type", "application/json");
    assert_eq!(script.send("PUT", lock, "{}").await.status, 200);
    let filter = json!({ "filter": "user={name='bob'}", "wait": 0 }).to_string();
    let submitted = served
        .admin()
        .post("/api/v1/spaces/1001/sessions/end", &filter)
        .await;
    assert!(
        matches!(submitted.status, 200 | 202),
        "{}",
        submitted.text()
    );
    let path = "/api/v1/spaces/1001/tasks";
    let done = eventually(async || {
        let tasks = served.admin().get(path).await.json(200);
        (tasks["tasks"][0]["status"] == "completed").then_some(tasks)
    })
    .await;
    // A task's end is told to the file in the background.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;

    served.die().await;
    assert_eq!(served.admin().get(path).await.json(200), done);
    let barred = served.script().with("hdr-usr", "ann").get("/echo").await;
    assert_eq!(barred.status, 403, "{}", barred.text());
    assert_eq!(served.with_cookie(&ann).get("/echo").await.status, 401);
    let lifted = served.admin().delete(lock).await;
    assert_eq!(lifted.status, 200);
    served.die().await;
    served.log_in("ann").await;

    // The space goes out of the configuration, and comes back.
    let config = served.read("gatepass.toml");
    served.process.signal("TERM").await;
    served.process.end().await;
    served.write("gatepass.toml", &config.replace("\"1001\"", "\"2002\""));
    served.start_again().await;
    assert!(served.admin().sessions("2002").await.is_empty());
    served.process.signal("TERM").await;
    served.process.end().await;
    served.write("gatepass.toml", &config);
    served.start_again().await;
    assert_eq!(served.admin().session("1001").await["userId"], "ann");
}

#[tokio::test]
async fn a_second_gateway_on_the_file_is_69_and_says_the_way_out() {
    let served = Served::with(&config()).await;
    let done = crate::kit::command::run(served.folder.path(), &["serve"]).await;
    let said = done.failed(69);
    assert!(said.contains("in use by another process"), "{said}");
    assert!(
        said.contains("gatepass.redb") && said.contains("store.path"),
        "{said}"
    );
    // The first is none the worse for it.
    served.log_in("ann").await;
}

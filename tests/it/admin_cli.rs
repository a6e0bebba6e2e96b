//! `gatepass sessions` and `gatepass users` against a gateway that runs.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::kit::{House, soon};

/// What a command came to.
struct Done {
    code: i32,
    out: String,
    err: String,
}

/// The command with nothing of this machine's environment.
fn gatepass(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    command
        .args(words)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(command: &mut Command) -> Done {
    let output = soon(command.output()).await.unwrap();
    Done {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Done {
    #[track_caller]
    fn says(&self, code: i32, text: &str) {
        let said = if code == 0 { &self.out } else { &self.err };
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(said.contains(text), "`{text}` is not in `{said}`");
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// A house and a profile that leads to it.
struct Desk {
    house: House,
    profile: String,
}

impl Desk {
    async fn new() -> Self {
        let house = House::header("").await;
        std::fs::write(house.file("key"), format!("{}\n", house.keys.site)).unwrap();
        let profile = house.file("profile.toml");
        let url = format!("http://{}", house.gateway.admin_address());
        let text = format!("url = \"{url}\"\napi_key_file = \"key\"\nspace = \"1001\"\n");
        std::fs::write(&profile, text).unwrap();
        let profile = profile.to_str().unwrap().to_owned();
        Self { house, profile }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = gatepass(words);
        command.env("GATEPASS_PROFILE", &self.profile);
        command
    }

    async fn run(&self, words: &[&str]) -> Done {
        run(&mut self.command(words)).await
    }

    /// Opens a session of `user`; its id.
    async fn open(&self, user: &str) -> String {
        let known = self.house.admin().sessions("1001").await;
        self.house.script_of(user).get("/").await.says(200, "GET /");
        let now = self.house.admin().sessions("1001").await;
        assert_eq!(now.len(), known.len() + 1);
        now[0]["sessionId"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn sessions_are_listed_shown_and_ended() {
    let desk = Desk::new().await;
    let (ann, bob) = (desk.open("ann").await, desk.open("bob").await);
    let list = desk.run(&["sessions", "list"]).await;
    list.says(0, "LAST ACTIVE");
    assert_eq!(list.out.lines().count(), 3, "{}", list.out);
    assert!(list.out.contains(&ann) && list.out.contains(r"LAB\bob"));
    let filtered = ["sessions", "list", "--json", "--filter", "user={name='a*'}"];
    let filtered = desk.run(&filtered).await.json();
    assert_eq!(filtered["total"], 1);
    assert_eq!(filtered["sessions"][0]["sessionId"], *ann);
    let one = desk.run(&["sessions", "list", "--limit", "1"]).await;
    one.says(0, &bob);
    assert_eq!(one.err, "1 of 2\n");
    desk.run(&["sessions", "show", &ann])
        .await
        .says(0, "authenticationMethod");
    let shown = desk.run(&["sessions", "show", &ann, "--json"]).await.json();
    assert_eq!(shown["userId"], "ann");

    let dry = ["sessions", "end", "--filter", "", "--dry-run"];
    desk.run(&dry).await.says(0, "2 would end");
    desk.run(&["sessions", "end", &ann])
        .await
        .says(0, "1 ended, 0 had ended before");
    desk.run(&["sessions", "end", &ann])
        .await
        .says(0, "0 ended, 1 had ended before");
    let unknown = "00000000-0000-7000-8000-000000000000";
    let partly = desk.run(&["sessions", "end", &bob, unknown]).await;
    partly.says(1, &format!("there is no session {unknown}"));
    assert!(partly.out.contains("1 ended"));
    desk.open("bob").await;
    desk.run(&["sessions", "end", "--user", r"lab\BOB"])
        .await
        .says(0, "1 ended");
    let ended = [
        "sessions",
        "list",
        "--state",
        "ended",
        "--order-by",
        "start_time",
    ];
    let ended = desk.run(&ended).await;
    ended.says(0, "terminated");
    assert!(ended.out.lines().nth(1).unwrap().contains(&ann));
}

#[tokio::test]
async fn many_are_listed_over_pages_and_ended_in_the_background() {
    let desk = Desk::new().await;
    let space = desk
        .house
        .gateway
        .sessions()
        .find_space(&"1001".parse().unwrap());
    let space = space.unwrap();
    for n in 0..1_100 {
        kit_session(&desk, &space, n).await;
    }
    let all = ["sessions", "list", "--json", "--limit", "5000"];
    let listed = desk.run(&all).await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1_100);
    let ended = desk
        .run(&["sessions", "end", "--filter", "", "--json"])
        .await;
    let ended = ended.json();
    assert_eq!(ended["status"], "completed");
    assert_eq!(
        (&ended["requested"], &ended["ended"]),
        (&1_100.into(), &1_100.into())
    );
    assert!(desk.house.admin().sessions("1001").await.is_empty());
}

/// Opens a session as a login would, without the login.
async fn kit_session(desk: &Desk, space: &std::sync::Arc<gatepass::domain::SpaceState>, n: u32) {
    use gatepass::domain::{ClientInfo, Identity, Method, NewSession};
    let new = NewSession {
        identity: std::sync::Arc::new(Identity::new("LAB", &format!("user{n}")).unwrap()),
        method: Method::Custom,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    };
    let sessions = desk.house.gateway.sessions();
    let opened = sessions.establish(space, new, Default::default()).await;
    assert!(opened.is_ok());
}

#[tokio::test]
async fn users_are_locked_and_unlocked() {
    let desk = Desk::new().await;
    desk.open("ann").await;
    let lock = ["users", "lock", r"LAB\ann", "--reason", "left"];
    desk.run(&lock)
        .await
        .says(0, r"LAB\ann is locked, 1 sessions ended");
    let refused = desk.house.script_of("ann").get("/").await;
    assert_ne!(refused.status, 200);
    let locks = desk.run(&["users", "locks"]).await;
    locks.says(0, r"LAB\ann");
    assert!(locks.out.contains("left") && locks.out.contains("site"));
    let until = [
        "users",
        "lock",
        r"LAB\ann",
        "--until",
        "2125-01-01T00:00:00Z",
        "--json",
    ];
    let locked = desk.run(&until).await.json();
    let until = locked["lock"]["until"].as_str().unwrap();
    assert!(until.starts_with("2125-01-01T00:00:00") || until.starts_with("2124-12-31T23:59:59"));
    desk.run(&["users", "unlock", r"LAB\ann"])
        .await
        .says(0, r"LAB\ann is unlocked");
    desk.run(&["users", "unlock", r"LAB\ann"])
        .await
        .says(1, "404: The user is not locked");
    desk.open("ann").await;
    let none = desk.run(&["users", "locks", "--json"]).await.json();
    assert_eq!(none["locks"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn what_went_wrong_is_told_by_code_and_words() {
    let desk = Desk::new().await;
    let bad_filter = ["sessions", "list", "--filter", "ip='x'"];
    let bad = desk.run(&bad_filter).await;
    bad.says(1, "there is no field ip, at offset 0\nip='x'\n^");
    desk.run(&["sessions", "show", "x"])
        .await
        .says(1, "404: There is no such session");
    for words in [
        &["sessions", "end"][..],
        &["sessions", "end", "x", "--filter", ""],
        &["sessions", "list", "--limit", "0"],
        &["sessions", "list", "--url", "ftp://127.0.0.1:1"],
        &["sessions", "end", "--user", "ann"],
        &["users", "lock", "ann"],
    ] {
        assert_eq!(desk.run(words).await.code, 2, "{words:?}");
    }
    // The key of a reader: may look, may not end.
    let mut reader = desk.command(&["sessions", "end", "--filter", ""]);
    let done = run(reader.env("GATEPASS_API_KEY", &desk.house.keys.reader)).await;
    done.says(1, "403: The API key may not do this");
    // What the command says counts before the environment.
    let key = desk.house.file("key");
    let words = ["sessions", "list", "--api-key-file", key.to_str().unwrap()];
    let done = run(desk.command(&words).env("GATEPASS_API_KEY", "a.b")).await;
    done.says(0, "USER");
    let done = run(desk
        .command(&["sessions", "list"])
        .env("GATEPASS_API_KEY", "a.b"))
    .await;
    done.says(1, "401");
    // Nothing is configured, or nobody is there.
    let none = run(&mut gatepass(&["sessions", "list", "--space", "1001"])).await;
    none.says(2, "no API key");
    let mut no_space = gatepass(&["sessions", "list"]);
    run(no_space.env("GATEPASS_API_KEY", "a.b"))
        .await
        .says(2, "which space?");
    let closed = closed_port().await;
    let mut nobody = desk.command(&["sessions", "list", "--url", &closed]);
    run(&mut nobody).await.says(69, "cannot be reached");
    std::fs::write(desk.house.file("bad.toml"), "uri = \"x\"").unwrap();
    let bad = desk.house.file("bad.toml");
    let words = ["sessions", "list", "--profile", path(&bad)];
    run(&mut gatepass(&words))
        .await
        .says(64, "unknown field `uri`");
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The address of a port that nobody listens on.
async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A `watch` that runs.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        soon(self.lines.next_line()).await.unwrap().unwrap()
    }

    /// The next line with `text`.
    async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(text) {
                return line;
            }
        }
    }
}

/// Opens sessions until a watch, which starts when it starts, tells of one: its line, and the
/// session.
async fn told(desk: &Desk, watch: &mut Watch, user: &str) -> (String, String) {
    let mut opened = Vec::new();
    soon(async {
        for n in 0.. {
            opened.push(desk.open(&format!("{user}{n}")).await);
            let wait = Duration::from_millis(300);
            while let Ok(line) = tokio::time::timeout(wait, watch.line()).await {
                if let Some(id) = opened.iter().find(|id| line.contains(*id)) {
                    return (line, id.clone());
                }
            }
        }
        unreachable!("numbers do not end")
    })
    .await
}

#[tokio::test]
async fn starts_and_ends_are_watched_as_they_happen() {
    let desk = Desk::new().await;
    let mut watch = Watch::start(desk.command(&["sessions", "watch"]));
    let mut json = Watch::start(desk.command(&["sessions", "watch", "--json"]));
    // Each is there once it tells of a session that starts.
    told(&desk, &mut watch, "ann").await;
    let (line, session) = told(&desk, &mut json, "bob").await;
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["event"], "session.started");
    desk.run(&["sessions", "end", &session])
        .await
        .says(0, "1 ended");
    let line = watch.line_with(" ended ").await;
    assert!(line.contains(&session), "{line}");
    assert!(line.ends_with(" terminated by site"), "{line}");
    let value: Value = serde_json::from_str(&json.line_with("session.ended").await).unwrap();
    assert_eq!(value["data"]["sessionId"], *session);
    assert_eq!(value["data"]["endReason"], "terminated");

    // The gateway goes: the streams end, and there is nobody to come again to.
    let Desk { house, profile: _ } = desk;
    soon(house.gateway.shut_down()).await;
    let status = soon(watch.child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(69));
}

#[tokio::test]
async fn nodes_are_listed() {
    let desk = Desk::new().await;
    desk.open("ann").await;
    let list = desk.run(&["nodes"]).await;
    list.says(0, "LAST SEEN");
    assert_eq!(list.out.lines().count(), 2, "{}", list.out);
    let edge = desk.house.edge().to_string();
    assert!(
        list.out.contains(&edge) && list.out.contains("ready"),
        "{}",
        list.out
    );
    let json = desk.run(&["nodes", "--json"]).await.json();
    let node = &json["nodes"][0];
    assert_eq!(
        (&node["openSessions"], &node["openedSessions"]),
        (&1.into(), &1.into())
    );
    assert_eq!(node["nameTaken"], false);
}

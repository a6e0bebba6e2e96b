//! A move from store to store while gateways serve: nobody is logged out, and nobody is let in
//! again.

use serde_json::Value;

use crate::kit::command::{gatepass, run, run_with};
use crate::kit::house::header_space;
use crate::kit::redis::RedisServer;
use crate::kit::{PORTS, Served, eventually};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    File,
    Redis,
}

fn config(kind: Kind, redis: &RedisServer, namespace: &str) -> String {
    let store = match kind {
        Kind::Memory => "kind = \"memory\"\n".to_owned(),
        Kind::File => "kind = \"file\"\n".to_owned(),
        Kind::Redis => format!(
            "kind = \"redis\"\n[store.redis]\nnodes = [\"{}\"]\nnamespace = \"{namespace}\"\n",
            redis.url()
        ),
    };
    format!(
        "{PORTS}[store]\n{store}{}[space.session]\nmax_per_user = 1\non_limit = \"refuse\"\n",
        header_space()
    )
}

/// The address of a side port and the key's file, as words of the command.
fn reach(served: &Served) -> Vec<String> {
    served.write("site.key", &served.keys.site);
    let key = served.folder.path().join("site.key");
    vec![
        "--url".to_owned(),
        format!("http://{}", served.admin),
        "--api-key-file".to_owned(),
        key.to_str().unwrap().to_owned(),
    ]
}

async fn export(from: &Served) -> String {
    let words = [vec!["store".to_owned(), "export".to_owned()], reach(from)].concat();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(from.folder.path(), &words).await.ok().to_owned()
}

async fn import(to: &Served, lines: &str) -> Value {
    let words = [
        vec!["store".to_owned(), "import".to_owned(), "--json".to_owned()],
        reach(to),
    ]
    .concat();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = run_with(to.folder.path(), &words, lines).await;
    serde_json::from_str(done.ok()).unwrap()
}

impl Served {
    async fn opens(&self, cookie: &str) -> u16 {
        let answer = self.script().with("cookie", cookie).get("/echo").await;
        assert!(!answer.headers.contains_key("set-cookie"));
        answer.status
    }

    async fn enter(&self, user: &str) -> String {
        let answer = self.script().with("hdr-usr", user).get("/echo").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").split(';').next();
        cookie.unwrap().to_owned()
    }

    async fn end_of(&self, user: &str) {
        let sessions = self.admin().sessions("1001").await;
        let session = sessions.iter().find(|s| s["userId"] == user).unwrap();
        self.admin().end("1001", session).await;
    }
}

/// That sessions are the same; where the times of a Redis server come in, to the second or so.
fn same(found: &[Value], expected: &[Value], exact: bool) {
    let (mut found, mut expected) = (found.to_vec(), expected.to_vec());
    if !exact {
        for name in ["sessionStart", "lastActive", "expiresAt", "sessionEnd"] {
            for (found, expected) in found.iter_mut().zip(&mut expected) {
                let times = [&mut *found, &mut *expected].map(|session| session[name].take());
                let millis = times.map(|time| {
                    let time = chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap_or(EPOCH));
                    time.unwrap().timestamp_millis()
                });
                assert!(millis[0].abs_diff(millis[1]) < 2000, "{name}: {millis:?}");
            }
        }
    }
    assert_eq!(found, expected);
}

const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Moves from a gateway to another, and on to what comes in the meantime.
async fn moves(from: Kind, to: Kind, redis: &RedisServer) {
    let name = |at: &str| format!("{from:?}-{to:?}-{at}");
    let old = Served::with(&config(from, redis, &name("old"))).await;
    let new = Served::with(&config(to, redis, &name("new"))).await;
    let (ann, bob, cid) = (
        old.enter("ann").await,
        old.enter("bob").await,
        old.enter("cid").await,
    );
    old.end_of("bob").await;
    let lock = "/api/v1/spaces/1001/users/LAB/eve/lock";
    let lock = old.admin().put(lock, r#"{"reason":"left"}"#).await;
    assert_eq!(lock.status, 200, "{}", lock.text());
    let before = old.admin().sessions("1001").await;

    let lines = export(&old).await;
    for cookie in [&ann, &bob, &cid] {
        let token = cookie.split_once('=').unwrap().1;
        assert!(!lines.contains(token), "no token leaves the gateway");
    }
    let done = import(&new, &lines).await;
    let count = |name: &str| done[name].as_u64().unwrap();
    assert_eq!((count("sessions"), count("locks")), (3, 1), "{done}");
    assert_eq!((count("known"), count("clashes")), (0, 0), "{done}");
    assert!(count("peaks") >= 1, "{done}");
    // The very sessions, at once.
    let exact = from != Kind::Redis && to != Kind::Redis;
    same(&new.admin().sessions("1001").await, &before, exact);
    assert_eq!(new.opens(&ann).await, 200);
    assert_eq!(new.opens(&cid).await, 200);
    assert_eq!(new.opens(&bob).await, 401, "what had ended stays ended");
    let ended = "/api/v1/spaces/1001/sessions?state=ended&view=full";
    let ended_of = async |served: &Served| {
        let page = served.admin().get(ended).await.json(200);
        page["sessions"].as_array().unwrap().clone()
    };
    same(&ended_of(&new).await, &ended_of(&old).await, exact);
    let locked = new.script().with("hdr-usr", "eve").get("/echo").await;
    assert_eq!(locked.status, 403, "{}", locked.text());

    // What happened until the last one had gone over.
    let dan = old.enter("dan").await;
    old.end_of("cid").await;
    new.end_of("ann").await;
    let done = import(&new, &export(&old).await).await;
    let count = |name: &str| done[name].as_u64().unwrap();
    assert_eq!(
        (
            count("sessions"),
            count("ended"),
            count("known"),
            count("locks")
        ),
        (1, 1, 2, 0),
        "{done}"
    );
    assert_eq!(new.opens(&dan).await, 200);
    assert_eq!(
        new.opens(&cid).await,
        401,
        "ended at the old one, so here too"
    );
    assert_eq!(new.opens(&ann).await, 401, "ended here, so it stays so");
    // Imported sessions count under the limit on who comes.
    let _ = new.script().with("hdr-usr", "dan").get("/echo").await;
    let open = new.admin().sessions("1001").await;
    let dans = open.iter().filter(|session| session["userId"] == "dan");
    assert_eq!(dans.count(), 1, "{open:?}");
}

#[tokio::test]
async fn s11_memory_to_file_and_back() {
    let redis = RedisServer::start();
    moves(Kind::Memory, Kind::File, &redis).await;
    moves(Kind::File, Kind::Memory, &redis).await;
}

#[tokio::test]
async fn s11_file_to_redis_and_back() {
    let redis = RedisServer::start();
    moves(Kind::File, Kind::Redis, &redis).await;
    moves(Kind::Redis, Kind::File, &redis).await;
}

#[tokio::test]
async fn s11_memory_to_redis_and_back() {
    let redis = RedisServer::start();
    moves(Kind::Memory, Kind::Redis, &redis).await;
    moves(Kind::Redis, Kind::Memory, &redis).await;
}

#[tokio::test]
async fn redis_is_exported_and_imported_beside_the_gateways() {
    let redis = RedisServer::start();
    let a = Served::with(&config(Kind::Redis, &redis, "beside")).await;
    let (ann, bob) = (a.enter("ann").await, a.enter("bob").await);
    a.end_of("bob").await;
    let lines = run(a.folder.path(), &["store", "export"]).await;
    let lines = lines.ok().to_owned();
    assert_eq!(lines.matches("\"session\"").count(), 2, "{lines}");
    // Into another namespace, whose gateway has it at once and keeps serving.
    let b = Served::with(&config(Kind::Redis, &redis, "elsewhere")).await;
    let carl = b.enter("carl").await;
    let done = run_with(b.folder.path(), &["store", "import"], &lines).await;
    assert!(done.ok().contains("Redis: 2 sessions"), "{done:?}");
    assert_eq!(b.opens(&ann).await, 200);
    assert_eq!(b.opens(&bob).await, 401);
    assert_eq!(b.opens(&carl).await, 200);
    // An end that comes in is felt by the gateway that has the session cached.
    a.end_of("ann").await;
    let lines = run(a.folder.path(), &["store", "export"]).await;
    let done = run_with(b.folder.path(), &["store", "import"], lines.ok()).await;
    assert!(done.ok().contains("1 were open there"), "{done:?}");
    eventually(async || (b.opens(&ann).await == 401).then_some(())).await;
    let refused = run_with(b.folder.path(), &["store", "import"], "{}\n").await;
    let said = refused.failed(1);
    assert!(
        said.contains("line 1") && said.contains("nothing was imported"),
        "{said}"
    );
    let offline = run(b.folder.path(), &["store", "check"]).await;
    assert!(offline.failed(2).contains("in Redis"), "{offline:?}");
}

/// Digests are spread, as the indexes rely on; these are.
fn digest_of(n: u64) -> String {
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{spread:016x}{n:048x}")
}

#[tokio::test]
async fn an_import_is_checked_before_it_is_written_and_of_any_length() {
    let redis = RedisServer::start();
    let served = Served::with(&config(Kind::File, &redis, "unused")).await;
    served.enter("ann").await;
    let lines = export(&served).await;
    let session = lines.lines().find(|line| line.contains("\"session\""));
    let session = session.unwrap();
    let id = served.admin().session("1001").await["sessionId"].clone();
    let id = id.as_str().unwrap();
    let digest = session.split("token_sha256\":\"").nth(1).unwrap();
    let digest = &digest[..64];
    // Ten thousand others of the same, as long as an import may be in one piece of a batch.
    let mut many = lines.lines().next().unwrap().to_owned();
    for n in 0..10_000_u64 {
        let other = session
            .replace(id, &format!("{}{n:012x}", &id[..24]))
            .replace(digest, &digest_of(n))
            .replace("\"ann\"", &format!("\"user{n}\""));
        many.push('\n');
        many.push_str(&other);
    }
    let mut bad: Vec<&str> = many.lines().collect();
    bad[5_000] = "{\"session\":{}}";
    served.write("bad.jsonl", &bad.join("\n"));
    served.write("good.jsonl", &many);
    let words = |file: &str| {
        let from = ["store", "import", "--from", file].map(str::to_owned);
        [from.to_vec(), reach(&served)].concat()
    };
    let refused = gatepass(served.folder.path(), &[])
        .args(words("bad.jsonl"))
        .output();
    let refused = refused.await.unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("line 5001: missing field"), "{said}");
    assert!(said.contains("lines 1 to 4096 were imported"), "{said}");
    let total = "/api/v1/spaces/1001/sessions?limit=1";
    let counted = served.admin().get(total).await.json(200)["total"].clone();
    assert_eq!(counted, 4096, "4095 and ann, and nothing of the bad batch");
    let done = gatepass(served.folder.path(), &[])
        .args(words("good.jsonl"))
        .output();
    let done = done.await.unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("5905 sessions"), "{said}");
    assert!(said.contains("4095 sessions were there"), "{said}");
    let again = export(&served).await;
    assert_eq!(again.matches("\"session\"").count(), 10_001);
}

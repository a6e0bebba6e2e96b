//! The side port of a fleet behind an address that sends each request to whichever node.

use std::cell::Cell;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::redis::{config, eventually};
use crate::kit::redis::RedisServer;
use crate::kit::{Admin, Answer, Script, Served};

const NATIVE: &str = "/api/v1/spaces/1001";
const OCTANE: &str = "/api/shared_spaces/1001";

/// Two gateways on one Redis, and who speaks to them in turn.
struct Fleet {
    redis: RedisServer,
    a: Served,
    b: Served,
    turn: Cell<bool>,
}

impl Fleet {
    async fn start() -> Self {
        let redis = RedisServer::start();
        let a = Served::with(&config(&redis, "a", "")).await;
        let b = a.beside(&config(&redis, "b", "")).await;
        let turn = Cell::new(false);
        Self { redis, a, b, turn }
    }

    /// The node that this request goes to.
    fn next(&self) -> &Served {
        self.turn.set(!self.turn.get());
        if self.turn.get() { &self.a } else { &self.b }
    }

    /// An administrator of the site, at the next node.
    fn site(&self) -> Admin {
        self.next().admin()
    }

    async fn log_in(&self, users: usize) {
        for n in 0..users {
            self.next().cookie_of(&format!("user{n}")).await;
        }
    }
}

/// A client of the Octane dialect, with the cookie that it signed in for.
struct Signed {
    cookie: String,
}

impl Signed {
    async fn sign_in(node: &Served) -> Self {
        let (user, password) = node.keys.space.split_once('.').unwrap();
        let body = json!({ "user": user, "password": password }).to_string();
        let script = Script::new(node.admin).with("content-type", "application/json");
        let answer = script.send("POST", "/authentication/sign_in", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut cookies = answer.headers.get_all("set-cookie").iter();
        let cookie = cookies.next().unwrap().to_str().unwrap();
        Self {
            cookie: cookie.split(';').next().unwrap().to_owned(),
        }
    }

    async fn call(&self, node: &Served, method: &str, path: &str, body: &str) -> Answer {
        let script = Script::new(node.admin).with("cookie", &self.cookie);
        let script = script.with("content-type", "application/json");
        script.send(method, path, body).await
    }

    async fn get(&self, node: &Served, path: &str) -> Answer {
        let path = format!("{OCTANE}{path}");
        self.call(node, "GET", &path, "").await
    }
}

fn ids(entities: &Value) -> Vec<String> {
    let entities = entities["data"].as_array().unwrap().iter();
    let ids = entities.map(|entity| entity["id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[tokio::test]
async fn an_octane_client_need_not_know_which_node_answers() {
    let fleet = Fleet::start().await;
    fleet.log_in(30).await;
    let client = Signed::sign_in(&fleet.a).await;

    // A query, page after page, each from another node; the sign-in is one of the sessions.
    let mut seen = BTreeSet::new();
    for offset in (0..31).step_by(7) {
        let path = format!("/sessions?limit=7&offset={offset}");
        let page = client.get(fleet.next(), &path).await.json(200);
        assert_eq!(page["total_count"], 31, "{page}");
        seen.extend(ids(&page));
    }
    assert_eq!(seen.len(), 31, "each is on one page");

    let query = "query=%22user%3D%7Bname%3D'user1*'%7D%22";
    let path = format!("{OCTANE}/sessions/terminate?{query}");
    let body = json!({"data": [{"is_closed": true}]}).to_string();
    let started = client.call(&fleet.a, "PUT", &path, &body).await.json(200);
    let task = started["background_task_id"].as_str().unwrap().to_owned();
    let path = format!("/background_tasks/{task}");
    // At once: whoever is asked knows of it.
    client.get(&fleet.b, &path).await.json(200);
    eventually("the other node tells its end", async || {
        client.get(&fleet.b, &path).await.json(200)["status"] == "completed"
    })
    .await;
    let done = client.get(&fleet.b, &path).await.json(200);
    assert_eq!(done["result"]["terminated"], 11, "{done}");
    let of_a = client.get(&fleet.a, &path).await.json(200);
    assert_eq!(of_a["result"], done["result"]);
    let mut all = vec![task];
    let mut dry = client
        .call(
            &fleet.b,
            "PUT",
            &format!("{OCTANE}/sessions/terminate?{query}&dry_run=true"),
            &body,
        )
        .await
        .json(200);
    all.insert(0, dry["background_task_id"].take().as_str().unwrap().into());
    for node in [&fleet.a, &fleet.b] {
        let listed = client.get(node, "/background_tasks").await.json(200);
        assert_eq!(ids(&listed), all, "of both nodes, the newest first");
    }

    let out = client
        .call(&fleet.b, "POST", "/authentication/sign_out", "")
        .await;
    assert_eq!(out.status, 200);
    eventually("signed out everywhere", async || {
        client.get(&fleet.a, "/sessions").await.status == 401
    })
    .await;
    assert_eq!(client.get(&fleet.b, "/sessions").await.status, 401);
}

#[tokio::test]
async fn a_list_of_the_native_api_goes_on_at_another_node() {
    let mut fleet = Fleet::start().await;
    fleet.log_in(30).await;
    for order in ["", "&order_by=-start_time"] {
        let mut seen = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{NATIVE}/sessions?limit=7{order}{cursor}");
            let page = fleet.site().get(&path).await.json(200);
            let sessions = page["sessions"].as_array().unwrap().iter();
            seen.extend(sessions.map(|s| s["sessionId"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            if order.is_empty() && seen.len() == 14 {
                // It is worth as much after a restart.
                fleet.a.die().await;
            }
        }
        assert_eq!(seen.len(), 30, "{order}");
    }

    // A task is asked about, and waited for, elsewhere.
    let body = json!({"filter": "user={name='user2*'}", "wait": 0}).to_string();
    let path = format!("{NATIVE}/sessions/end");
    let task = fleet.a.admin().post(&path, &body).await;
    assert!([200, 202].contains(&task.status), "{}", task.text());
    for node in [&fleet.b, &fleet.a] {
        let tasks = node.admin().get(&format!("{NATIVE}/tasks")).await.json(200);
        let id = tasks["tasks"][0]["taskId"].as_str().unwrap();
        let path = format!("{NATIVE}/tasks/{id}?wait=10000");
        let task = node.admin().get(&path).await.json(200);
        assert_eq!(
            (&task["status"], &task["ended"]),
            (&json!("completed"), &json!(11))
        );
    }
}

#[tokio::test]
async fn a_task_whose_node_dies_has_failed() {
    let mut fleet = Fleet::start().await;
    let ids: Vec<_> = (0..1500)
        .map(|n| format!("00000000-0000-7000-8000-{n:012}"))
        .collect();
    let body = json!({ "sessionIds": ids, "wait": 0 }).to_string();
    let path = format!("{NATIVE}/sessions/end");
    let task = fleet.a.admin().post(&path, &body).await.json(202);
    fleet.a.process.signal("KILL").await;
    fleet.a.process.end().await;
    let path = format!("{NATIVE}/tasks/{}", task["taskId"].as_str().unwrap());
    let now = fleet.b.admin().get(&path).await.json(200);
    assert!(
        ["queued", "running"].contains(&now["status"].as_str().unwrap()),
        "{now}"
    );
    let path = format!("{path}?wait=20000");
    let failed = fleet.b.admin().get(&path).await.json(200);
    assert_eq!(failed["status"], "failed");
    let failure = failed["failure"].as_str().unwrap();
    assert!(failure.starts_with("the server ended before"), "{failed}");
    // The next process does not take its number again.
    fleet.a.start_again().await;
    let again = fleet.a.admin().get(&path).await.json(200);
    let said = ["taskId", "status", "failure"];
    assert_eq!(said.map(|key| &again[key]), said.map(|key| &failed[key]));
    let body = json!({"filter": "", "wait": 0}).to_string();
    let next = fleet.a.admin();
    let next = next.post(&format!("{NATIVE}/sessions/end"), &body).await;
    assert!([200, 202].contains(&next.status), "{}", next.text());
    let tasks = fleet.b.admin().get(&format!("{NATIVE}/tasks")).await;
    assert_eq!(tasks.json(200)["tasks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn s15_nobody_says_that_there_is_no_task_while_redis_is_away() {
    let mut fleet = Fleet::start().await;
    fleet.log_in(1).await;
    let body = json!({"filter": "", "wait": 0}).to_string();
    let path = format!("{NATIVE}/sessions/end");
    let task = fleet.a.admin().post(&path, &body).await;
    assert!([200, 202].contains(&task.status), "{}", task.text());
    let tasks = fleet.b.admin().get(&format!("{NATIVE}/tasks")).await;
    let id = tasks.json(200)["tasks"][0]["taskId"].clone();
    let id = id.as_str().unwrap();
    fleet.redis.kill();
    let away = fleet.b.admin().get(&format!("{NATIVE}/tasks/{id}")).await;
    assert_eq!(away.status, 503, "{}", away.text());
    assert!(away.text().contains("store-unavailable"));
    let list = fleet.b.admin().get(&format!("{NATIVE}/tasks")).await;
    assert_eq!(list.status, 503, "{}", list.text());
    let bearer = Script::new(fleet.b.admin).bearer(&fleet.b.keys.space);
    let octane = format!("{OCTANE}/background_tasks/{id}");
    assert_eq!(bearer.get(&octane).await.status, 503);
    let refused = fleet.b.admin().post(&path, &body).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    fleet.redis.launch();
    eventually("it is told again", async || {
        let path = format!("{NATIVE}/tasks/{id}");
        fleet.b.admin().get(&path).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn what_a_user_has_elsewhere_counts() {
    let fleet = Fleet::start().await;
    let add = async |node: &Served| {
        let script = Script::new(node.admin).bearer(&node.keys.site);
        let script = script.with("content-type", "application/json");
        let script = script.with("x-qlik-xrfkey", "0123456789abcdef");
        let body = json!({"UserDirectory": "LAB", "UserId": "bob", "Attributes": []});
        let path = "/qps/1001/session?xrfkey=0123456789abcdef";
        let added = script.send("POST", path, &body.to_string()).await;
        added.json(201)["NewUser"].clone()
    };
    assert_eq!(add(&fleet.a).await, true);
    assert_eq!(add(&fleet.b).await, false, "the other node knows of them");
    let user = json!({"userDirectory": "LAB", "userId": "bob"});
    let body = json!({ "user": user, "dryRun": true }).to_string();
    let path = format!("{NATIVE}/sessions/end");
    for node in [&fleet.a, &fleet.b] {
        let dry = node.admin().post(&path, &body).await.json(200);
        assert_eq!((&dry["requested"], &dry["ended"]), (&json!(2), &json!(2)));
    }
}

//! What administrators see of two gateways on one Redis, whichever of them they ask.

use serde_json::{Value, json};

use crate::kit::house::header_space;
use crate::kit::redis::RedisServer;
use crate::kit::{House, PORTS, Script, eventually, soon};

const XRF: &str = "0123456789abcdef";

async fn house(redis: &RedisServer, node: &str) -> House {
    let config = format!(
        "{PORTS}[store]\nkind = \"redis\"\nflush_interval = \"100ms\"\n[store.redis]\n\
         nodes = [\"{}\"]\nnode = \"{node}\"\n{}",
        redis.url(),
        header_space()
    );
    House::with(&config).await
}

/// Opens a session of `user` from a client of its own; the cookie that opens it, at whichever
/// gateway.
async fn open(house: &House, user: &str, client: &str) -> String {
    let script = house.script_of(user).with("user-agent", client);
    let answer = script.get("/x").await;
    answer.says(200, "upstream GET /x");
    let cookie = answer.header("set-cookie").split(';').next();
    cookie.unwrap().to_owned()
}

async fn use_at(house: &House, cookie: &str) {
    let answer = house.script().with("cookie", cookie).get("/x").await;
    answer.says(200, "upstream GET /x");
}

/// A program that uses the Octane or the Qlik dialect.
fn program(house: &House) -> Script {
    Script::new(house.gateway.admin_address())
        .bearer(&house.keys.space)
        .with("content-type", "application/json")
        .with("X-Qlik-Xrfkey", XRF)
}

async fn octane(house: &House, query: &str) -> Value {
    let path = format!("/api/shared_spaces/1001/sessions?query={query}");
    program(house).get(&path).await.json(200)
}

async fn qlik(house: &House, path: &str) -> usize {
    let path = format!("/qps{path}?Xrfkey={XRF}");
    let list = program(house).get(&path).await.json(200);
    list.as_array().unwrap().len()
}

/// How many sessions there are, of all and of Ann, in every list that tells.
async fn all_say(house: &House, all: usize, of_ann: usize) {
    let admin = house.admin();
    let space = admin.get("/api/v1/spaces/1001").await.json(200);
    assert_eq!(space["openSessions"], all);
    let spaces = admin.get("/api/v1/spaces").await.json(200);
    assert_eq!(spaces["spaces"][0]["openSessions"], all);
    let page = "/api/v1/spaces/1001/sessions?limit=1";
    assert_eq!(admin.get(page).await.json(200)["total"], all);
    assert_eq!(admin.sessions("1001").await.len(), all);
    let filtered = "/api/v1/spaces/1001/sessions?filter=user%3D%7Bname%3D%27ann%27%7D";
    assert_eq!(admin.get(filtered).await.json(200)["total"], of_ann);
    let of_user = "/api/v1/spaces/1001/users/lab/ANN/sessions";
    let of_user = admin.get(of_user).await.json(200);
    assert_eq!(of_user["sessions"].as_array().unwrap().len(), of_ann);
    let groups = "/api/v1/spaces/1001/sessions/groups?group_by=user";
    let groups = admin.get(groups).await.json(200);
    let sizes = groups["groups"].as_array().unwrap().iter();
    let sizes: u64 = sizes.map(|group| group["count"].as_u64().unwrap()).sum();
    assert_eq!(sizes, all as u64);
    let dry = [
        (
            json!({"user": {"userDirectory": "LAB", "userId": "ann"}}),
            of_ann,
        ),
        (json!({"filter": ""}), all),
    ];
    for (mut body, count) in dry {
        body["dryRun"] = true.into();
        let path = "/api/v1/spaces/1001/sessions/end";
        let answer = admin.post(path, &body.to_string()).await.json(200);
        assert_eq!(answer["ended"], count, "{body}");
    }

    let open = octane(house, "%22end_time%3Dnull%22").await;
    assert_eq!(open["total_count"], all);
    assert_eq!(open["data"].as_array().unwrap().len(), all);
    let anns = octane(house, "%22end_time%3Dnull;user%3D%7Bname%3D%27ann%27%7D%22").await;
    assert_eq!(anns["total_count"], of_ann);
    let path = "/api/shared_spaces/1001/sessions/terminate?query=%22user%3D%7Bname%3D%27ann%27%7D%22\
                &dry_run=true";
    let close = r#"{"data":[{"is_closed":true}]}"#;
    let dry = program(house).send("PUT", path, close).await.json(200);
    assert_eq!(dry["data"][0]["result"]["terminated"], of_ann, "{dry}");

    assert_eq!(qlik(house, "/session").await, all);
    assert_eq!(qlik(house, "/user/LAB/ann").await, of_ann);
}

/// Once both gateways have heard of everything, they say the same.
async fn both_say(houses: [&House; 2], all: usize, of_ann: usize) {
    for house in houses {
        all_say(house, all, of_ann).await;
    }
}

#[tokio::test]
async fn every_list_and_count_is_of_all_nodes() {
    let redis = RedisServer::start();
    let (a, b) = (house(&redis, "a").await, house(&redis, "b").await);
    let both = [&a, &b];
    both_say(both, 0, 0).await;
    let mut anns = Vec::new();
    for (house, client) in [(&a, "phone"), (&a, "desk"), (&b, "lap")] {
        anns.push(open(house, "ann", client).await);
    }
    open(&b, "bob", "desk").await;
    both_say(both, 4, 3).await;

    // Ends, on the node that opened a session and on the other.
    let sessions = a.admin().sessions("1001").await;
    let oldest = sessions.last().unwrap();
    b.admin().end("1001", oldest).await;
    both_say(both, 3, 2).await;
    let newest = &sessions[0];
    assert_eq!(newest["userId"], "bob");
    let path = format!(
        "/qps/session/{}?Xrfkey={XRF}",
        newest["sessionId"].as_str().unwrap()
    );
    let ended = program(&a).send("DELETE", &path, "").await.json(200);
    assert_eq!(ended["LastSessionForUser"], true, "{ended}");
    both_say(both, 2, 2).await;

    // Whoever has a session on another node is no new user.
    let body = json!({"UserDirectory": "LAB", "UserId": "ann", "SessionId": "0123456789abcdef-a"});
    let path = format!("/qps/session?Xrfkey={XRF}");
    for (user, is_new) in [("ann", false), ("new", true)] {
        let mut body = body.clone();
        (body["UserId"], body["SessionId"]) =
            (user.into(), format!("0123456789abcdef-{user}").into());
        let added = program(&b).send("POST", &path, &body.to_string()).await;
        assert_eq!(added.json(201)["NewUser"], is_new);
    }
    both_say(both, 4, 3).await;

    // A user's own page, and ending all others from it.
    let own = "/.gatepass/sessions";
    let list = b.script().with("cookie", &anns[1]).get(own).await.json(200);
    assert_eq!(list["sessions"].as_array().unwrap().len(), 3, "{list}");
    let origin = format!("http://{}", b.edge());
    let others = b.script().with("cookie", &anns[1]).with("origin", &origin);
    let others = others.with("content-type", "application/x-www-form-urlencoded");
    let ended = others.send("POST", own, "end=others").await;
    assert_eq!(ended.status, 303, "{}", ended.text());
    both_say(both, 2, 1).await;
    for house in both {
        use_at(house, &anns[1]).await;
    }
    let refused = b.script().with("cookie", &anns[2]).get("/x").await;
    assert_eq!(refused.status, 401, "{}", refused.text());

    // All of a user, from either node.
    let gone = "/api/v1/spaces/1001/users/LAB/ann/sessions";
    let gone = b.admin().delete(gone).await.json(200);
    assert_eq!(gone["sessions"].as_array().unwrap().len(), 1);
    both_say(both, 1, 0).await;
    let ended = "/api/v1/spaces/1001/sessions?state=ended";
    for house in both {
        assert_eq!(house.admin().get(ended).await.json(200)["total"], 5);
    }
}

/// When the one session was last active, in milliseconds, as each kind of list says: the least
/// of them.
async fn last_active(house: &House) -> i64 {
    let admin = house.admin();
    let listed = admin.session("1001").await;
    let id = listed["sessionId"].as_str().unwrap();
    let mut all = vec![listed["lastActive"].clone()];
    let one = format!("/api/v1/spaces/1001/sessions/{id}");
    all.push(admin.get(&one).await.json(200)["lastActive"].clone());
    let fields = "/api/shared_spaces/1001/sessions?fields=last_active";
    let octane = program(house).get(fields).await.json(200);
    all.push(octane["data"][0]["last_active"].clone());
    all.iter().map(millis).min().unwrap()
}

fn millis(time: &Value) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap());
    time.unwrap().timestamp_millis()
}

/// Uses the session until that is a good deal later than `before`; when that is.
async fn use_later(house: &House, cookie: &str, before: i64) -> i64 {
    eventually(|| async {
        use_at(house, cookie).await;
        let used = last_active(house).await;
        (used > before + 50).then_some(used)
    })
    .await
}

/// What the clocks of two nodes may differ by here.
const SLACK: i64 = 10;

#[tokio::test]
async fn s18_the_latest_request_on_any_node_counts_and_never_moves_back() {
    let redis = RedisServer::start();
    let (a, b) = (house(&redis, "a").await, house(&redis, "b").await);
    let ann = open(&a, "ann", "desk").await;
    let (mut at_a, mut at_b) = (0, 0);
    for round in 0..6 {
        let here = if round % 2 == 0 { &a } else { &b };
        let used = use_later(here, &ann, at_a.max(at_b)).await;
        soon(async {
            while at_a < used - SLACK || at_b < used - SLACK {
                let (now_a, now_b) = (last_active(&a).await, last_active(&b).await);
                assert!(now_a >= at_a && now_b >= at_b, "it has moved back");
                (at_a, at_b) = (now_a, now_b);
            }
        })
        .await;
    }
    // Ended by a node that has not been asked since, it keeps the latest time.
    let session = a.admin().session("1001").await;
    let used = use_later(&b, &ann, at_a.max(at_b)).await;
    soon(async { while last_active(&a).await < used - SLACK {} }).await;
    let ended = a.admin().end("1001", &session).await;
    assert!(millis(&ended["lastActive"]) >= used - SLACK, "{ended}");
}

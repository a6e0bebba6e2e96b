//! The native API over its socket.

use serde_json::{Value, json};

use crate::kit::{House, LOCAL, PORTS, eventually};

/// Opens `count` sessions of `ann`, at different clients.
async fn open(house: &House, count: usize) {
    for number in 0..count {
        let script = house
            .script_of("ann")
            .with("user-agent", &format!("client {number}"));
        script.get("/x").await.says(200, "GET /x");
    }
}

#[tokio::test]
async fn a_session_is_the_seven_members_and_with_the_full_view_more() {
    let house = House::local().await;
    house
        .browser()
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let list = house
        .admin()
        .get("/api/v1/spaces/1001/sessions")
        .await
        .json(200);
    assert_eq!(list["total"], 1);
    assert_eq!(list["next"], Value::Null);
    let session = list["sessions"][0].as_object().unwrap();
    let names = |value: &serde_json::Map<String, Value>| {
        let mut names: Vec<_> = value.keys().cloned().collect();
        names.sort();
        names
    };
    let seven = [
        "attributes",
        "lastActive",
        "sessionId",
        "sessionStart",
        "userDirectory",
        "userId",
        "userName",
    ];
    assert_eq!(names(session), seven);
    assert_eq!(session["userName"], "Alice Adams");
    assert_eq!(
        session["attributes"],
        json!([{ "name": "group", "values": ["sales", "admins"] }])
    );
    let id = session["sessionId"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    let full = house
        .admin()
        .get(&format!("/api/v1/spaces/1001/sessions/{id}?view=full"))
        .await
        .json(200);
    for (member, value) in [
        ("spaceId", json!("1001")),
        ("sessionEnd", Value::Null),
        ("endReason", Value::Null),
        ("clientIp", json!("127.0.0.1")),
        ("authenticationMethod", json!("local")),
        ("userAgent", json!("Mozilla/5.0 (Test)")),
        ("license", Value::Null),
    ] {
        assert_eq!(full[member], value, "{member}");
    }
    assert!(full["expiresAt"].as_str().unwrap() > full["lastActive"].as_str().unwrap());
}

#[tokio::test]
async fn lists_come_in_pages() {
    let house = House::header("").await;
    open(&house, 7).await;
    let admin = house.admin();
    let mut seen = Vec::new();
    let mut path = "/api/v1/spaces/1001/sessions?limit=3".to_owned();
    loop {
        let page = admin.get(&path).await.json(200);
        assert_eq!(page["total"], 7);
        seen.extend(
            page["sessions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s["sessionId"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        // S32: what the cursor says is for the server alone, and cannot be made up.
        assert!(!seen.iter().any(|id| next.contains(id.as_str())));
        let forged: String = next
            .chars()
            .map(|c| if c == 'A' { 'B' } else { 'A' })
            .collect();
        assert_eq!(
            admin.get(&format!("{path}&cursor={forged}")).await.status,
            400
        );
        path = format!("/api/v1/spaces/1001/sessions?limit=3&cursor={next}");
    }
    let mut newest_first = seen.clone();
    newest_first.sort_by(|a, b| b.cmp(a));
    newest_first.dedup();
    assert_eq!(seen, newest_first);
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn s32_a_cursor_is_of_its_own_list() {
    let house = House::with(&format!(
        "{PORTS}{}{}",
        crate::kit::house::header_space(),
        LOCAL
            .replace("1001", "1002")
            .replace("authn", "prefix = \"/b\"\nauthn")
    ))
    .await;
    open(&house, 3).await;
    let admin = house.admin();
    let page = admin
        .get("/api/v1/spaces/1001/sessions?limit=1")
        .await
        .json(200);
    let next = page["next"].as_str().unwrap();
    for (path, status) in [
        (
            format!("/api/v1/spaces/1001/sessions?limit=1&cursor={next}"),
            200,
        ),
        (
            format!("/api/v1/spaces/1002/sessions?limit=1&cursor={next}"),
            400,
        ),
        (
            format!("/api/v1/spaces/1001/sessions?state=all&cursor={next}"),
            400,
        ),
        ("/api/v1/spaces/1001/sessions?cursor=x".to_owned(), 400),
        ("/api/v1/spaces/1001/sessions?limit=0".to_owned(), 400),
        ("/api/v1/spaces/1001/sessions?limit=1001".to_owned(), 400),
        ("/api/v1/spaces/1001/sessions?nonsense=1".to_owned(), 400),
    ] {
        assert_eq!(admin.get(&path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn many_are_ended_at_once() {
    let house = House::header("").await;
    open(&house, 4).await;
    let admin = house.admin();
    let sessions = admin.sessions("1001").await;
    let ids: Vec<_> = sessions.iter().map(|s| s["sessionId"].clone()).collect();
    let path = "/api/v1/spaces/1001/sessions/end";
    let body = json!({ "sessionIds": [ids[0], ids[1], ids[1], "019a0000-0000-7000-8000-000000000000"], "dryRun": true });
    let would = admin.post(path, &body.to_string()).await.json(200);
    assert_eq!(
        (&would["ended"], &would["dryRun"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(admin.sessions("1001").await.len(), 4);
    let body = json!({ "sessionIds": [ids[0], ids[1], "019a0000-0000-7000-8000-000000000000"] });
    let did = admin.post(path, &body.to_string()).await.json(200);
    assert_eq!(did["ended"], 2);
    assert_eq!(
        did["unknown"],
        json!(["019a0000-0000-7000-8000-000000000000"])
    );
    let again = admin.post(path, &body.to_string()).await.json(200);
    assert_eq!(
        (&again["ended"], &again["alreadyEnded"]),
        (&json!(0), &json!(2))
    );
    let body = json!({ "user": { "userDirectory": "LAB", "userId": "ann" } });
    assert_eq!(
        admin.post(path, &body.to_string()).await.json(200)["ended"],
        2
    );
    assert!(admin.sessions("1001").await.is_empty());
    for bad in [
        "{}",
        "[]",
        "x",
        "{\"sessionIds\":[\"x\"]}",
        "{\"sessionIds\":[],\"user\":{}}",
        "{\"everybody\":true}",
    ] {
        assert_eq!(admin.post(path, bad).await.status, 400, "{bad}");
    }
    // The answer to an end that has been is the end that it was.
    let session = admin
        .get(&format!(
            "/api/v1/spaces/1001/sessions/{}?view=full",
            ids[0].as_str().unwrap()
        ))
        .await
        .json(200);
    assert_eq!(session["endReason"], "terminated");
    assert_eq!(
        admin.end("1001", &session).await["sessionEnd"],
        session["sessionEnd"]
    );
    assert_eq!(
        admin
            .delete("/api/v1/spaces/1001/sessions/nothing")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn spaces_tell_how_full_they_are() {
    let house = House::header("[space.session]\nmax_per_user = 5\nidle_timeout = \"10m\"\n").await;
    open(&house, 2).await;
    let space = house.admin().get("/api/v1/spaces/1001").await.json(200);
    assert_eq!(space["openSessions"], 2);
    assert_eq!(space["name"], "Sales portal");
    assert_eq!(
        space["limits"],
        json!({ "idleTimeoutSeconds": 600, "absoluteTimeoutSeconds": 43200, "maxPerUser": 5, "onLimit": "end-oldest" })
    );
    let path = "/api/v1/spaces/1001/users/LAB/ann/sessions";
    assert_eq!(
        house.admin().get(path).await.json(200)["sessions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    house.admin().delete(path).await.json(200);
    eventually(async || {
        (house.admin().get("/api/v1/spaces/1001").await.json(200)["openSessions"] == 0)
            .then_some(())
    })
    .await;
}

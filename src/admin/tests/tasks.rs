//! Ending many, at once and in the background.

use serde_json::{Value, json};

use super::{Side, request};

const END_MANY: &str = "/api/v1/spaces/1001/sessions/end";
const TASKS: &str = "/api/v1/spaces/1001/tasks";

async fn finished(side: &Side, task: &Value) -> Value {
    let id = task["taskId"].as_str().unwrap();
    let path = format!("{TASKS}/{id}?wait=20000");
    side.get(&path, &side.bearers.sales).await.json(200)
}

#[tokio::test]
async fn all_that_a_filter_lets_through_are_ended() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    for user in ["ann", "anders", "bob"] {
        side.open(&side.sales, user).await;
    }
    side.open(&side.other, "ann").await;
    let filter = "user={name='an*'}";
    let dry = json!({"filter": filter, "dryRun": true}).to_string();
    let dry = side.post(END_MANY, bearer, &dry).await.json(200);
    let result = |dry_run: bool, ended: u32| {
        json!({
            "requested": ended, "ended": ended, "alreadyEnded": 0, "unknown": [],
            "dryRun": dry_run,
        })
    };
    assert_eq!(dry, result(true, 2));
    assert_eq!(side.sales.open(), 3);
    let body = json!({"filter": filter}).to_string();
    let done = side.post(END_MANY, bearer, &body).await.json(200);
    assert_eq!(done, result(false, 2));
    assert_eq!((side.sales.open(), side.other.open()), (1, 1));
    let again = side.post(END_MANY, bearer, &body).await.json(200);
    assert_eq!(again, result(false, 0), "what has ended does not match");
}

#[tokio::test]
async fn many_are_ended_by_a_task_that_can_be_asked_about() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    for n in 0..1001 {
        side.open(&side.sales, &format!("user{n}")).await;
    }
    let all = json!({"filter": ""}).to_string();
    let task = side.post(END_MANY, bearer, &all).await.json(202);
    assert_eq!(task["kind"], "sessions.end");
    let task = finished(&side, &task).await;
    assert_eq!(task["status"], "completed");
    let counts = ["requested", "done", "ended", "alreadyEnded"].map(|c| &task[c]);
    assert_eq!(counts, [1001, 1001, 1001, 0]);
    assert_eq!(side.sales.open(), 0);
    let listed = side.get(TASKS, bearer).await.json(200);
    assert_eq!(listed["tasks"], json!([task]));
}

#[tokio::test]
async fn a_call_waits_for_its_task_as_long_as_it_says() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    let (session, _) = side.open(&side.sales, "ann").await;
    let unknown = "00000000-0000-7000-8000-000000000000";
    let ids = json!({"sessionIds": [session.id().to_string(), unknown], "wait": 20_000});
    let done = side
        .post(END_MANY, bearer, &ids.to_string())
        .await
        .json(200);
    let expected = json!({
        "requested": 2, "ended": 1, "alreadyEnded": 0, "unknown": [unknown], "dryRun": false,
    });
    assert_eq!(done, expected);
    side.open(&side.sales, "ann").await;
    let user = json!({"userDirectory": "LAB", "userId": "ann"});
    let body = json!({"user": user, "wait": 0}).to_string();
    let task = side.post(END_MANY, bearer, &body).await.json(202);
    let task = finished(&side, &task).await;
    assert_eq!(
        (&task["status"], &task["ended"]),
        (&json!("completed"), &json!(1))
    );
}

#[tokio::test]
async fn s40_tasks_are_of_their_space() {
    let side = Side::new();
    let bearer = &side.bearers.sales;
    let body = json!({"filter": "", "wait": 0}).to_string();
    let task = side.post(END_MANY, bearer, &body).await.json(202);
    let path = format!("{TASKS}/{}", task["taskId"].as_str().unwrap());
    side.get(&path, &side.bearers.reader).await.json(200);
    side.get(&path, &side.bearers.other)
        .await
        .problem(403, "forbidden");
    side.send(request("GET", &path, None, ""))
        .await
        .problem(401, "unauthenticated");
    side.get(TASKS, &side.bearers.other_reader)
        .await
        .problem(403, "forbidden");
    let elsewhere = path.replace("1001", "1002");
    for bearer in [&side.bearers.other, &side.bearers.site] {
        side.get(&elsewhere, bearer)
            .await
            .problem(404, "unknown-task");
        let listed = side.get("/api/v1/spaces/1002/tasks", bearer).await;
        assert_eq!(listed.json(200), json!({"tasks": []}));
    }
    for unknown in ["1", "x", "-1", "99999999999999999999999"] {
        side.get(&format!("{TASKS}/{unknown}"), bearer)
            .await
            .problem(404, "unknown-task");
    }
    side.get(&format!("{path}?wait=25001"), bearer)
        .await
        .problem(400, "invalid-query");
}

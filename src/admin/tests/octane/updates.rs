//! Ending sessions directly, without a task.

use serde_json::{Value, json};

use super::{SPACE, Side, request};

async fn put(side: &Side, path: &str, body: &Value) -> super::Answer {
    let path = format!("{SPACE}/sessions{path}");
    let sent = request("PUT", &path, Some(&side.bearers.sales), &body.to_string());
    side.send(sent).await
}

#[tokio::test]
async fn one_session_is_closed_and_stays_so() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    let id = ann.id().to_string();
    let body = json!({ "id": id, "is_closed": true });
    let closed = put(&side, &format!("/{id}"), &body).await.json(200);
    assert_eq!(closed["id"], id);
    assert!(closed["end_time"].is_string());
    let again = put(&side, &format!("/{id}?fields=end_time"), &body).await;
    assert_eq!(again.json(200)["end_time"], closed["end_time"]);
    for (path, body, status, code) in [
        (
            "/bogus",
            json!({ "is_closed": true }),
            404,
            "platform.entity_not_found",
        ),
        (
            &*format!("/{id}"),
            json!({ "is_closed": false }),
            400,
            "platform.illegal_body",
        ),
        (&*format!("/{id}"), json!({}), 400, "platform.illegal_body"),
    ] {
        put(&side, path, &body).await.fault(status, code);
    }
}

#[tokio::test]
async fn of_several_the_valid_ones_are_closed_and_the_answer_tells_of_both() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    let (bob, _) = side.open(&side.sales, "bob").await;
    let entry = |id: &str| json!({ "id": id, "is_closed": true });
    let [a, b] = [ann.id().to_string(), bob.id().to_string()];
    let body = json!({ "data": [entry(&a), entry("bogus"), entry(&b)] });
    let partial = put(&side, "", &body).await.json(409);
    assert_eq!(partial["total_count"], 2);
    assert_eq!(partial["exceeds_total_count"], false);
    assert_eq!(partial["total_error_count"], 1);
    assert_eq!(partial["data"][1]["id"], b);
    let error = &partial["errors"][0];
    assert_eq!(
        (&error["index"], &error["entity_index"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(error["error_code"], "platform.entity_not_found");
    assert_eq!(error["properties"]["entity_id"], "bogus");
    assert!(ann.end().is_some() && bob.end().is_some());
    let whole = put(
        &side,
        "/",
        &json!({ "data": [entry(&a), entry(&a), entry(&b)] }),
    )
    .await;
    assert_eq!(whole.ids(), [a.as_str(), &b]);
    for wrong in [
        json!({ "data": [] }),
        json!({ "data": [{ "is_closed": true }] }),
        json!({ "data": [{ "id": a, "is_closed": false }] }),
        json!([]),
    ] {
        put(&side, "", &wrong)
            .await
            .fault(400, "platform.illegal_body");
    }
}

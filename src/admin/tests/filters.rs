//! The filter language in the native API.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Side;

const LIST: &str = "/api/v1/spaces/1001/sessions";

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn users(page: &Value) -> Vec<&str> {
    let sessions = page["sessions"].as_array().unwrap().iter();
    sessions.map(|s| s["userId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_is_what_the_filter_lets_through() {
    let side = Side::new();
    let site = &side.bearers.site;
    for user in ["ann", "bob", "carl", "anders"] {
        side.open(&side.sales, user).await;
    }
    side.open(&side.other, "ann").await;
    side.delete("/api/v1/spaces/1001/users/LAB/carl/sessions", site)
        .await
        .json(200);
    for (query, expected) in [
        (
            "filter=".to_owned() + &encode("user={name='an*'}"),
            vec!["anders", "ann"],
        ),
        (
            "filter=".to_owned() + &encode("!user={name='an*'}"),
            vec!["bob"],
        ),
        (
            "state=all&filter=".to_owned() + &encode("!user={name='an*'}"),
            vec!["carl", "bob"],
        ),
        ("state=ended&filter=".to_owned(), vec!["carl"]),
        (
            "state=ended&filter=".to_owned() + &encode("end_reason='terminated'"),
            vec!["carl"],
        ),
        (
            "filter=".to_owned() + &encode("end_reason='terminated'"),
            vec![],
        ),
        (
            "user=lab%5CANN&filter=".to_owned() + &encode("client_type='UI'"),
            vec!["ann"],
        ),
        (
            "order_by=user_directory,start_time".to_owned(),
            vec!["ann", "bob", "anders"],
        ),
        (
            "order_by=-start_time&limit=2".to_owned(),
            vec!["anders", "bob"],
        ),
    ] {
        let page = side.get(&format!("{LIST}?{query}"), site).await.json(200);
        assert_eq!(users(&page), expected, "{query}");
        if !query.contains("limit") {
            assert_eq!(page["total"], expected.len(), "{query}");
            assert_eq!(page["next"], Value::Null);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_pointed_at() {
    let side = Side::new();
    let site = &side.bearers.site;
    let groups = format!("{LIST}/groups");
    for (path, query, offset, field, says) in [
        (
            LIST,
            format!("filter={}", encode("ip='x'")),
            0,
            json!("ip"),
            "\nip='x'\n^",
        ),
        (
            LIST,
            format!("filter={}", encode("id='x';client_ip=")),
            17,
            Value::Null,
            "\nid='x';client_ip=\n                 ^",
        ),
        (
            LIST,
            "order_by=-id,name".to_owned(),
            4,
            json!("name"),
            "order_by: there is no field",
        ),
        (
            &groups,
            "group_by=start_time".to_owned(),
            0,
            Value::Null,
            "cannot be grouped by",
        ),
        (
            &groups,
            format!("group_by=user&filter={}", encode("(id=5")),
            5,
            Value::Null,
            "filter: expected",
        ),
    ] {
        let answer = side.get(&format!("{path}?{query}"), site).await;
        let problem = answer.problem(400, "invalid-query");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
        assert_eq!(problem["offset"], offset, "{detail}");
        assert_eq!(problem["field"], field, "{detail}");
    }
    side.get(&groups, site).await.problem(400, "invalid-query");
}

#[tokio::test]
async fn pages_of_a_filtered_list_follow_each_other_while_sessions_come_and_go() {
    let side = Side::new();
    let site = &side.bearers.site;
    let mut opened = Vec::new();
    for n in 0..25 {
        let user = if n % 5 == 4 { "zoe" } else { "ann" };
        opened.push(side.open(&side.sales, user).await.0.id().to_string());
    }
    let filter = encode("user={name='ann'}");
    let (mut shown, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("{LIST}?filter={filter}&limit=6{next}");
        let page = side.get(&path, site).await.json(200);
        let sessions = page["sessions"].as_array().unwrap();
        shown.extend(
            sessions
                .iter()
                .map(|s| s["sessionId"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next"].as_str() else {
            break;
        };
        next = format!("&cursor={cursor}");
        // One comes, and one that was shown goes: neither moves what follows.
        side.open(&side.sales, "ann").await;
        side.delete(&format!("{LIST}/{}", shown[0]), site)
            .await
            .json(200);
    }
    let mut expected: Vec<_> = opened.into_iter().enumerate().collect();
    expected.retain(|(n, _)| n % 5 != 4);
    let expected: Vec<_> = expected.into_iter().rev().map(|(_, id)| id).collect();
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn an_ordered_list_goes_on_after_so_many() {
    let side = Side::new();
    let site = &side.bearers.site;
    for _ in 0..7 {
        side.open(&side.sales, "ann").await;
    }
    let (mut shown, mut next) = (Vec::new(), String::new());
    let mut pages = 0;
    loop {
        let path = format!("{LIST}?order_by=start_time&limit=3{next}");
        let page = side.get(&path, site).await.json(200);
        assert_eq!(page["total"], 7);
        let sessions = page["sessions"].as_array().unwrap();
        shown.extend(
            sessions
                .iter()
                .map(|s| s["sessionStart"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        let Some(cursor) = page["next"].as_str() else {
            break;
        };
        next = format!("&cursor={cursor}");
    }
    assert_eq!((shown.len(), pages), (7, 3));
    assert!(shown.is_sorted());
    // A cursor of one order is of no use in another.
    let path = format!("{LIST}?order_by=-start_time&limit=3{next}");
    side.get(&path, site).await.problem(400, "invalid-cursor");
    let path = format!("{LIST}?limit=3{next}");
    side.get(&path, site).await.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn sessions_are_counted_by_a_field() {
    let side = Side::new();
    let site = &side.bearers.site;
    for user in ["ann", "bob", "ann", "ann"] {
        side.open(&side.sales, user).await;
    }
    side.open(&side.other, "ann").await;
    let groups = format!("{LIST}/groups");
    let by_user = side
        .get(&format!("{groups}?group_by=user"), site)
        .await
        .json(200);
    let user = |id: &str| json!({"userDirectory": "LAB", "userId": id, "userName": "Ann Adams"});
    assert_eq!(
        by_user,
        json!({
            "groups": [
                {"value": user("ann"), "count": 3},
                {"value": user("bob"), "count": 1},
            ],
            "total": 2,
        })
    );
    let path = format!(
        "{groups}?group_by=license&filter={}",
        encode("user={name='bob'}")
    );
    let by_license = side.get(&path, site).await.json(200);
    let professional = json!({"value": "professional", "count": 1});
    assert_eq!(by_license, json!({"groups": [professional], "total": 1}));
    let path = format!("{groups}?group_by=end_reason&state=all&limit=1");
    let by_reason = side.get(&path, site).await.json(200);
    let open = json!({"value": null, "count": 4});
    assert_eq!(by_reason, json!({"groups": [open], "total": 1}));
}

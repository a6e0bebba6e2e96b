//! Lists, page by page, while sessions come and go.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Side;

const LIST: &str = "/api/v1/spaces/1001/sessions";

fn ids(page: &Value) -> Vec<String> {
    let sessions = page["sessions"].as_array().unwrap();
    let id = |session: &Value| session["sessionId"].as_str().unwrap().to_owned();
    sessions.iter().map(id).collect()
}

#[tokio::test]
async fn pages_follow_each_other_while_sessions_come_and_go() {
    let side = Side::new();
    let reader = &side.bearers.reader;
    let mut sessions = Vec::new();
    for n in 0..25 {
        sessions.push(side.open(&side.sales, &format!("user-{n}")).await.0);
        side.open(&side.other, "elsewhere").await;
    }
    let mut shown = Vec::new();
    let mut next = String::new();
    let mut pages = 0;
    loop {
        let page = side
            .get(&format!("{LIST}?limit=10{next}"), reader)
            .await
            .json(200);
        assert_eq!(page["total"], 25, "page {pages}");
        shown.extend(ids(&page));
        pages += 1;
        // One that was shown ends, one comes anew, and one that would open the next page
        // ends while another comes.
        let bearer = &side.bearers.site;
        side.delete(&format!("{LIST}/{}", shown[0]), bearer)
            .await
            .json(200);
        side.open(&side.sales, "newcomer").await;
        shown.remove(0);
        let Some(cursor) = page["next"].as_str() else {
            break;
        };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(pages, 3);
    let newest_first: Vec<_> = sessions
        .iter()
        .rev()
        .map(|s| s.id().to_string())
        .skip(3)
        .collect();
    assert_eq!(shown, newest_first);
}

#[tokio::test]
async fn a_list_is_filtered_by_state_and_user() {
    let side = Side::new();
    let (site, mut opened) = (&side.bearers.site, Vec::new());
    for user in ["ann", "bob", "Ann"] {
        opened.push(side.open(&side.sales, user).await.0.id().to_string());
    }
    side.delete(&format!("{LIST}/{}", opened[0]), site)
        .await
        .json(200);
    for (query, expected) in [
        ("", vec![2, 1]),
        ("?state=open", vec![2, 1]),
        ("?state=ended", vec![0]),
        ("?state=all", vec![2, 1, 0]),
        (r"?user=lab%5Cann", vec![2]),
        (r"?user=LAB%5CANN&state=all", vec![2, 0]),
        (r"?user=LAB%5Cnobody", vec![]),
    ] {
        let page = side.get(&format!("{LIST}{query}"), site).await.json(200);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|n: usize| opened[n].clone())
            .collect();
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["total"], expected.len());
        assert!(page["next"].is_null());
    }
}

#[tokio::test]
async fn a_full_last_page_has_no_next() {
    let side = Side::new();
    for _ in 0..4 {
        side.open(&side.sales, "ann").await;
    }
    let reader = &side.bearers.reader;
    let first = side.get(&format!("{LIST}?limit=2"), reader).await.json(200);
    let cursor = first["next"].as_str().unwrap();
    let path = format!("{LIST}?limit=2&cursor={cursor}");
    let last = side.get(&path, reader).await.json(200);
    assert!(last["next"].is_null());
    let both: BTreeSet<_> = ids(&first).into_iter().chain(ids(&last)).collect();
    assert_eq!(both.len(), 4);
}

#[tokio::test]
async fn s32_a_cursor_is_opaque_and_for_its_own_list() {
    let side = Side::new();
    let site = &side.bearers.site;
    for _ in 0..3 {
        side.open(&side.sales, "ann").await;
        side.open(&side.other, "ann").await;
    }
    let page = side.get(&format!("{LIST}?limit=1"), site).await.json(200);
    let cursor = page["next"].as_str().unwrap();
    let url_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(cursor.chars().all(url_safe), "{cursor}");
    let page = side
        .get(&format!("{LIST}?limit=2&cursor={cursor}"), site)
        .await;
    assert_eq!(ids(&page.json(200)).len(), 2, "another limit is fine");
    let flipped = format!("B{}", &cursor[1..]);
    for path in [
        format!("{LIST}?cursor={flipped}"),
        format!("{LIST}?cursor=x"),
        format!("{LIST}?cursor="),
        format!("{LIST}?state=all&cursor={cursor}"),
        format!("{LIST}?user=LAB%5Cann&cursor={cursor}"),
        format!("/api/v1/spaces/1002/sessions?cursor={cursor}"),
    ] {
        side.get(&path, site).await.problem(400, "invalid-cursor");
    }
    let foreign = Side::new();
    let path = format!("{LIST}?cursor={cursor}");
    foreign
        .get(&path, &foreign.bearers.site)
        .await
        .problem(400, "invalid-cursor");
}

#[tokio::test]
async fn what_a_query_does_not_know_is_refused_by_name() {
    let side = Side::new();
    let site = &side.bearers.site;
    for (query, says) in [
        ("?Limit=1", "Limit"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=x", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?state=closed", "closed"),
        ("?user=ann", "user"),
        ("?view=fuller", "fuller"),
        ("?filter=x", "filter"),
    ] {
        let answer = side.get(&format!("{LIST}{query}"), site).await;
        let problem = answer.problem(400, "invalid-query");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail} for {query}");
        assert_eq!(problem["instance"], LIST);
    }
    let user = "/api/v1/spaces/1001/users/LAB/ann/sessions?x=1";
    for path in ["/api/v1/spaces?x=1", "/api/v1/spaces/1001?x=1", user] {
        side.get(path, site).await.problem(400, "invalid-query");
    }
    side.get(&format!("{LIST}?limit=1000"), site)
        .await
        .json(200);
}

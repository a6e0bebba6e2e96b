//! Lists of sessions: fields, filters, orders, pages and groups.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Side, encoded};
use crate::domain::{Session, Token};
use crate::sessions::EndCause;

async fn end(side: &Side, session: &std::sync::Arc<Session>) {
    let cause = EndCause::terminated_by("site");
    let _ = side.sessions.end(session, cause).await.unwrap();
}

#[tokio::test]
async fn a_session_has_the_fields_of_the_reference() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    let expected = json!({
        "type": "session",
        "id": session.id().to_string(),
        "session_identifier": session.sign_on().to_string(),
        "client_type": "UI",
        "user": {
            "type": "sharedspace_user",
            "id": session.identity().number().to_string(),
            "name": "ann",
            "full_name": "Ann Adams",
            "email": null,
        },
        "client_ip": "192.0.2.7",
        "access_type": "UI",
        "start_time": session.started_at().to_string(),
        "end_time": null,
        "license": "professional",
    });
    let list = side.look("/sessions").await;
    let envelope = json!({ "total_count": 1, "data": [expected], "exceeds_total_count": false });
    assert_eq!(list.json(200), envelope);
    let one = side.look(&format!("/sessions/{}/", session.id())).await;
    assert_eq!(one.json(200), expected);
    assert!(!one.headers.contains_key("etag"));
    let start = expected["start_time"].as_str().unwrap();
    assert!(start.ends_with('Z') && start.len() == "2026-01-01T00:00:00.000Z".len());
    end(&side, &session).await;
    let one = side.look(&format!("/sessions/{}", session.id())).await;
    assert!(one.json(200)["end_time"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn fields_are_answered_under_the_names_they_were_asked_for_by() {
    let side = Side::new();
    let (session, _) = side.open(&side.sales, "ann").await;
    end(&side, &session).await;
    for (params, expected) in [
        ("fields=client_type", json!({ "client_type": "UI" })),
        (
            "fields=creation_time,license_type,license_edition,license",
            json!({
                "creation_time": session.started_at().to_string(),
                "license_type": "professional",
                "license_edition": "professional",
                "license": "professional",
            }),
        ),
        (
            "fields=user{full_name,directory},id",
            json!({ "user": { "full_name": "Ann Adams", "directory": "LAB" } }),
        ),
        (
            "fields=access_type&expand=user{fields=email}",
            json!({ "access_type": "UI", "user": { "email": null } }),
        ),
        (
            "fields=end_reason,ended_by,authentication_method,user_agent",
            json!({
                "end_reason": "terminated",
                "ended_by": "site",
                "authentication_method": "jwt",
                "user_agent": "curl/8",
            }),
        ),
        (
            "fields=expires_at,last_active",
            json!({ "expires_at": null, "last_active": session.last_active().to_string() }),
        ),
    ] {
        let mut expected = expected;
        expected["type"] = "session".into();
        expected["id"] = session.id().to_string().into();
        if let Some(user) = expected.get_mut("user") {
            user["type"] = "sharedspace_user".into();
            user["id"] = session.identity().number().to_string().into();
        }
        let path = format!("/sessions?{}&unknown=1&", params.replace('{', "%7B"));
        let listed = side.look(&path).await;
        assert_eq!(listed.data(), [expected.clone()], "{params}");
        let path = format!("/sessions/{}?{params}", session.id());
        assert_eq!(side.look(&path).await.json(200), expected, "{params}");
    }
}

#[tokio::test]
async fn the_query_language_is_understood_in_every_form() {
    let side = Side::new();
    let (ann, _) = side.open(&side.sales, "ann").await;
    let (bob, _) = side.open(&side.sales, "bob").await;
    let (cara, _) = side.open(&side.sales, "cara").await;
    end(&side, &bob).await;
    let number = |session: &Session| session.identity().number().to_string();
    let (all, [a, b, c]) = ([&ann, &bob, &cara], [&ann, &bob, &cara]);
    let start = bob.started_at();
    for (query, expected) in [
        (String::new(), &all[..]),
        ("\"(end_time=null)\"".to_owned(), &[a, c]),
        ("end_time={null}".to_owned(), &[a, c]),
        ("!end_time EQ null".to_owned(), &[b]),
        (format!("id IN ^{}^,'{}'", ann.id(), bob.id()), &[a, b]),
        (
            format!("(id='{}'||id='x')", ann.id().to_string().to_uppercase()),
            &[a],
        ),
        (format!("user={{id={}}}", number(&ann)), &[a]),
        (format!("user EQ {{id EQ ^{}^}}", number(&bob)), &[b]),
        (format!("user='{}'", number(&cara)), &[c]),
        (
            "!user={name='a*'||name=^bob^};end_time=null".to_owned(),
            &[c],
        ),
        (
            "user={full_name=^ann ADAMS^};!user={name='bob'}".to_owned(),
            &[a, c],
        ),
        (format!("start_time BTW ^{start}^...^{start}^"), &[b]),
        (format!("start_time GT '{start}'"), &[c]),
        (
            "client_ip='192.0.2.*';license=^PROFESSIONAL^".to_owned(),
            &all,
        ),
        ("access_type='API'".to_owned(), &[]),
    ] {
        let ids: HashSet<_> = side.query(&query).await.ids().into_iter().collect();
        let expected: HashSet<_> = expected.iter().map(|s| s.id().to_string()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    // Some clients decode nothing that they need not, and some everything.
    let id = ann.id();
    for raw in [
        format!("query=(id='{id}';end_time=null)"),
        format!("query=%22(id%3D%27{id}%27%3Bend_time%3Dnull)%22"),
        format!("query=%22(id+EQ+^{id}^+;%20end_time=null)%22%22&="),
        format!("&query=id='{id}';end_time=null"),
    ] {
        let ids = side.look(&format!("/sessions?{raw}")).await.ids();
        assert_eq!(ids, [id.to_string()], "{raw}");
    }
}

#[tokio::test]
async fn a_list_reaches_back_thirty_days_unless_it_says_how_far() {
    let side = Side::new();
    let (old, _) = side.open(&side.sales, "ann").await;
    side.clock.advance(Duration::from_secs(30 * 86_400));
    let (new, _) = side.open(&side.sales, "bob").await;
    let (old, new) = (old.id().to_string(), new.id().to_string());
    assert_eq!(side.look("/sessions").await.ids(), [new.as_str()]);
    assert_eq!(side.query("client_type='UI'").await.ids(), [new.as_str()]);
    assert_eq!(
        side.query("(end_time=null)").await.ids(),
        [new.as_str(), &old]
    );
    assert_eq!(
        side.query(&format!("id='{old}'")).await.ids(),
        [old.as_str()]
    );
    let long = side.query("start_time>'2000-01-01T00:00Z'").await;
    long.fault(400, "platform.illegal_query");
    let groups = side.look("/sessions/groups?group_by=user").await.json(200);
    assert_eq!(groups["groupsTotalCount"], 1);
}

#[tokio::test]
async fn lists_are_sorted_by_several_keys_and_ties_by_id() {
    let side = Side::new();
    let mut opened = Vec::new();
    for user in ["cara", "ann", "bob", "ann"] {
        opened.push(side.open(&side.sales, user).await.0);
    }
    end(&side, &opened[1]).await;
    let by_id = {
        let mut ids: Vec<_> = opened.iter().map(|s| s.id().to_string()).collect();
        ids.sort();
        ids
    };
    let ids = |order: [usize; 4]| order.map(|i| opened[i].id().to_string());
    for (order, expected) in [
        ("order_by=start_time", ids([0, 1, 2, 3])),
        ("order_by={-start_time}", ids([3, 2, 1, 0])),
        ("", ids([3, 2, 1, 0])),
        // Null is behind every time: what is open ends later.
        ("order_by=end_time,-creation_time", ids([1, 3, 2, 0])),
        ("order_by=client_type", by_id.clone().try_into().unwrap()),
    ] {
        let order = order.replace('{', "%7B").replace('}', "%7D");
        assert_eq!(
            side.look(&format!("/sessions?{order}")).await.ids(),
            expected,
            "{order}"
        );
    }
}

#[tokio::test]
async fn pages_add_up_whatever_starts_and_ends_meanwhile() {
    let side = Side::new();
    let mut opened = Vec::new();
    for n in 0..25 {
        opened.push(side.open(&side.sales, &format!("user{n}")).await.0);
    }
    let (mut seen, mut total) = (Vec::new(), 25);
    for page in 0..5 {
        let offset = page * 5;
        let path = format!("/sessions?order_by=start_time&limit=5&offset={offset}");
        let answer = side.look(&path).await;
        assert_eq!(answer.json(200)["total_count"], total);
        seen.extend(answer.ids());
        // Seen or not, one ends; and one more starts.
        end(&side, &opened[page * 6]).await;
        side.open(&side.sales, "late").await;
        total += 1;
    }
    let expected: Vec<_> = opened.iter().map(|s| s.id().to_string()).collect();
    assert_eq!(seen, expected);
    let behind = side.look("/sessions?offset=1000").await;
    assert_eq!(behind.json(200)["total_count"], 30);
    assert_eq!(behind.data().len(), 0);
}

#[tokio::test]
async fn groups_are_counted_by_value() {
    let side = Side::new();
    for user in ["ann", "bob", "ann", "ann"] {
        side.open(&side.sales, user).await;
    }
    side.open(&side.other, "ann").await;
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    assert!(!cookie.is_empty());
    let groups = side.look("/sessions/groups?group_by=user").await.json(200);
    assert_eq!(groups["groupsTotalCount"], 3);
    assert_eq!(groups["groups"][0]["count"], 3);
    assert_eq!(groups["groups"][0]["value"]["type"], "sharedspace_user");
    assert_eq!(groups["groups"][0]["value"]["name"], "ann");
    assert_eq!(groups.get("data"), None);
    // By the license, which not every session has, and under its other name.
    for field in ["license", "license_type", "{license}"] {
        let field = field.replace('{', "%7B").replace('}', "%7D");
        let query = encoded("end_time=null");
        let path = format!("/sessions/groups/?group_by={field}&query={query}");
        let groups = side.look(&path).await.json(200);
        let expected = json!([
            { "count": 4, "value": "professional" },
            { "count": 1, "value": null },
        ]);
        assert_eq!(groups["groups"], expected);
    }
    let of_list = side.look("/sessions?group_by=access_type&limit=1").await;
    let expected = json!({
        "groupsTotalCount": 2,
        "groups": [{ "count": 4, "value": "UI" }],
        "total_count": 0,
        "data": [],
        "exceeds_total_count": false,
    });
    assert_eq!(of_list.json(200), expected);
}

#[tokio::test]
async fn s20_s32_lists_show_no_secret() {
    let side = Side::new();
    let (_, token) = side.open(&side.sales, "ann").await;
    let cookie = side.sign_in(&side.bearers.sales, &[]).await;
    let (_, secret) = cookie.split_once('=').unwrap();
    let secret = &secret[..Token::TEXT];
    let result = side.terminate("user_directory='LAB'", "&wait=20000").await;
    let task = result.json(200)["background_task_id"].clone();
    for path in [
        "/sessions?fields=id,session_identifier,client_type,user,client_ip,access_type,\
         start_time,end_time,license,last_active,expires_at,user_agent,\
         authentication_method,end_reason,ended_by,user_directory",
        "/sessions/groups?group_by=session_identifier",
        "/sessions/groups?group_by=user_agent",
        "/background_tasks?fields=id,status,result,failure,creation_time,end_time",
        &format!("/background_tasks/{}", task.as_str().unwrap()),
    ] {
        let answer = side.look(path).await;
        assert_ne!(answer.json(200), Value::Null);
        for secret in [secret, &token.expose(), &side.bearers.sales] {
            assert!(!answer.text.contains(secret), "{path}");
        }
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

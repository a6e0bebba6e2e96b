//! What is never told: secrets, in lists and in the log.

use serde_json::Value;

use super::{Side, call, certificate, rule, with};
use crate::admin::keys::Role;
use crate::admin::tests::secrets::{Lines, alone, audit_to};

const SECRET: &str = "portal-session-0001";

#[tokio::test]
async fn s32_a_secret_is_told_to_who_names_it_only() {
    let side = Side::new();
    let added = side.add("ann", SECRET).await;
    assert!(added.text.contains(SECRET));
    let public = {
        let list = side.qps("GET", "/qps/sales/session", "").await.json(200);
        list[0]["SessionId"].as_str().unwrap().to_owned()
    };
    let native = "/api/v1/spaces/1001/sessions?view=full";
    let mut answers = vec![side.get(native, &side.bearers.site).await];
    for (method, path) in [
        ("GET", "/qps/sales/session".to_owned()),
        ("GET", "/qps/sales/user/LAB/ann".to_owned()),
        ("GET", format!("/qps/sales/session/{public}")),
        ("GET", "/qps/sales/about/description".to_owned()),
        ("DELETE", "/qps/sales/user/LAB/ann".to_owned()),
    ] {
        answers.push(side.qps(method, &path, "").await);
    }
    let mut shown = 0;
    for answer in &answers {
        let text = format!("{:?}{}", answer.headers, answer.text);
        assert!(!text.contains(SECRET), "{text}");
        shown += usize::from(text.contains(&public));
    }
    assert_eq!(shown, 5, "the session was shown");
}

#[tokio::test]
async fn s20_who_added_bought_and_ended_is_audited_without_secrets() {
    let this =
        "admin::tests::qps::secrets::s20_who_added_bought_and_ended_is_audited_without_secrets";
    if !alone(this) {
        return;
    }
    let lines = Lines::default();
    let _log = audit_to(&lines, "gatepass=info");
    let side = Side::new();
    side.certificates
        .replace([rule("Portal", Role::SpaceAdmin, &["1001"])]);
    let portal = certificate("Portal");
    let ask = async |method: &str, path: &str, body: &str| {
        side.send(with(call(method, path, body), &portal)).await
    };
    let user = r#"{"UserDirectory":"LAB","UserId":"ann","SessionId":"portal-session-0001"}"#;
    ask("POST", "/qps/sales/session", user).await.json(201);
    let bought = ask("POST", "/qps/sales/ticket", user).await.json(201);
    let path = format!("/qps/sales/session/{SECRET}");
    ask("DELETE", &path, "").await.json(200);
    ask("GET", &path, "").await.error(404);
    ask("POST", "/qps/sales/session", user).await.error(409);
    ask("DELETE", "/qps/sales/user/LAB/ann", "").await.json(200);
    let report = r#"{"UserId":"an\nn","Message":"two\r\nlines \u001b[31m"}"#;
    let answer = ask("POST", "/qps/sales/error", report).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (204, ""));
    let stranger = with(
        call("GET", "/qps/alive", ""),
        &certificate("Str\u{1b}anger"),
    );
    side.send(stranger).await.error(403);
    let mut without_key = with(call("GET", "/qps/alive", ""), &portal);
    without_key.headers_mut().remove("x-qlik-xrfkey");
    side.send(without_key).await.error(403);
    ask("GET", "/qps/session", "").await.error(403);

    let text = lines.text();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |event: &Value| {
        let name = ["admin.action", "refusal.reason", "event.name", "message"]
            .iter()
            .find_map(|name| event[*name].as_str());
        name.unwrap_or_default().to_owned()
    };
    let names: Vec<_> = events.iter().map(of).collect();
    assert_eq!(
        names,
        [
            "session.started",
            "session.add",
            "ticket.add",
            "session.ended",
            "session.end",
            "user.end",
            "a caller of the Qlik dialect reported an error",
            "certificate_without_role",
            "xrf",
            "forbidden",
        ]
    );
    for event in &events[1..3] {
        assert_eq!(event["admin.key"], "cert:Portal");
        assert_eq!(event["space.id"], "1001");
    }
    let target = events[2]["admin.target"].as_str().unwrap();
    assert!(target.starts_with(r"LAB\ann TokenDigest("), "{target}");
    assert_eq!(events[4]["admin.target"], events[0]["session.id"]);
    assert_eq!(events[5]["admin.target"], r"LAB\ann");
    assert_eq!(events[6]["error.message"], "two  lines  [31m");
    assert_eq!(events[6]["user.id"], "an n");
    let subject = events[7]["certificate.subject"].as_str().unwrap();
    assert!(subject.starts_with("\"O=Example,CN=Str"), "{subject}");
    assert!(!subject.contains('\u{1b}'), "{subject}");
    for secret in [SECRET, bought["Ticket"].as_str().unwrap(), super::KEY] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

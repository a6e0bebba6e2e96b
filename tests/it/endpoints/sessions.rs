//! `/.gatepass/sessions`: what a user sees of their own sessions, and how they end them.

use serde_json::Value;

use crate::kit::{Browser, House, LOCAL, PORTS, Script, log};

/// A browser in which alice is logged in.
async fn alice(house: &House) -> Browser {
    log_in(house.browser(), "alice").await
}

async fn log_in(mut browser: Browser, user: &str) -> Browser {
    let page = browser.log_in("/", user, "demo-password").await;
    page.says(200, "GET /");
    browser
}

/// A program that has the browser's cookie.
fn script(house: &House, browser: &Browser) -> Script {
    let script = house.script().with("accept", "application/json");
    script.with("cookie", &browser.cookie_header())
}

async fn list(script: &Script) -> Value {
    script.get("/.gatepass/sessions").await.json(200)
}

fn ids(list: &Value) -> Vec<String> {
    let sessions = list["sessions"].as_array().unwrap().iter();
    sessions
        .map(|s| s["sessionId"].as_str().unwrap().to_owned())
        .collect()
}

/// The id of the session that asks.
async fn current(script: &Script) -> String {
    list(script).await["current"].as_str().unwrap().to_owned()
}

/// How the session `id` ended: why and by whom.
async fn end_of(house: &House, id: &str) -> (Value, Value) {
    let path = format!("/api/v1/spaces/1001/sessions/{id}?view=full");
    let session = house.admin().get(&path).await.json(200);
    (session["endReason"].clone(), session["endedBy"].clone())
}

#[tokio::test]
async fn a_user_ends_a_session_of_theirs_on_the_page() {
    let house = House::local().await;
    let (mut here, mut there) = (alice(&house).await, alice(&house).await);
    let _bob = log_in(house.browser(), "bob").await;

    let page = here.get("/.gatepass/sessions").await;
    page.says(200, "Your sessions");
    let text = page.text();
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!text.contains("<script"), "{text}");
    assert_eq!(text.matches("<li>").count(), 2, "{text}");
    assert_eq!(text.matches("This device").count(), 1, "{text}");
    assert!(text.contains("Sales portal") && text.contains("127.0.0.1 · Password"));
    assert!(!text.to_lowercase().contains("bob"), "{text}");
    // The one that asks comes first.
    assert!(text.find("This device") < text.find("<button name=end"));
    let (_, button) = text.split_once("<button name=end value=\"").unwrap();
    let id = button.split('"').next().unwrap().to_owned();
    assert_eq!(id, current(&script(&house, &there)).await);

    let back = here.submit("/.gatepass/sessions", &[("end", &id)]).await;
    back.leads_to("/.gatepass/sessions?done=one");
    let page = here.follow(&back).await;
    page.says(200, "The session has ended.");
    assert_eq!(page.text().matches("<li>").count(), 1);
    there.get("/x").await.leads_to("/.gatepass/login?return=/x");
    here.get("/x").await.says(200, "GET /x");
    let by = "DEMO\\alice";
    assert_eq!(end_of(&house, &id).await, ("logged_out".into(), by.into()));
    let audit = log::so_far();
    let line = audit
        .lines()
        .find(|line| line.contains("session.ended") && line.contains(&id))
        .expect("a line in the audit log");
    assert!(
        line.contains("logged_out") && line.contains("alice"),
        "{line}"
    );

    // Once more does nothing, and says so.
    let back = here.submit("/.gatepass/sessions", &[("end", &id)]).await;
    here.follow(&back).await.says(200, "had ended already");
    // The page that nobody is logged in for any more leads to the login, and from there back.
    let away = there
        .submit("/.gatepass/sessions", &[("end", "others")])
        .await;
    away.leads_to("/.gatepass/login?return=/.gatepass/sessions");
    here.get("/x").await.says(200, "GET /x");
    let form = there.follow(&away).await;
    let form = there.fill_in(&form, "alice", "demo-password").await;
    form.leads_to("/.gatepass/sessions");
}

#[tokio::test]
async fn a_user_ends_all_sessions_but_this_one() {
    let house = House::local().await;
    let mut here = alice(&house).await;
    let mut others = [alice(&house).await, alice(&house).await];
    let mut bob = log_in(house.browser(), "bob").await;
    let back = here
        .submit("/.gatepass/sessions", &[("end", "others")])
        .await;
    let page = here.follow(&back).await;
    page.says(200, "All your other sessions have ended.");
    assert!(!page.text().contains("<button"), "{}", page.text());
    for other in &mut others {
        other.get("/x").await.leads_to("/.gatepass/login?return=/x");
    }
    here.get("/x").await.says(200, "GET /x");
    bob.get("/x").await.says(200, "GET /x");
    assert_eq!(house.admin().sessions("1001").await.len(), 2);
}

#[tokio::test]
async fn a_program_lists_and_ends_sessions() {
    let house = House::local().await;
    let (here, there) = (alice(&house).await, alice(&house).await);
    let (here, there) = (script(&house, &here), script(&house, &there));
    let answer = here.get("/.gatepass/sessions").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json(200);
    assert_eq!(json["total"], 2);
    let session = json["sessions"][0].as_object().unwrap();
    let members: Vec<_> = session.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "attributes",
            "lastActive",
            "sessionId",
            "sessionStart",
            "userDirectory",
            "userId",
            "userName"
        ]
    );
    // Members and order are those of the native API.
    let native = house.admin().get("/api/v1/spaces/1001/sessions").await;
    let native = native.json(200);
    assert_eq!(
        json["sessions"][0]["attributes"],
        native["sessions"][0]["attributes"]
    );
    assert_eq!(ids(&json), ids(&native));
    let (own, other) = (current(&here).await, current(&there).await);
    assert_ne!(own, other);

    let end = async |id: &str| {
        let path = format!("/.gatepass/sessions/{id}");
        here.send("DELETE", &path, "").await
    };
    assert_eq!(end(&other).await.status, 204);
    end(&other).await.says(409, "had ended already");
    assert_eq!(there.get("/x").await.status, 401);
    let third = alice(&house).await;
    assert_eq!(
        here.send("DELETE", "/.gatepass/sessions", "").await.status,
        204
    );
    assert_eq!(script(&house, &third).get("/x").await.status, 401);
    assert_eq!(ids(&list(&here).await), [&*own]);
    // One's own is a logout.
    let last = end(&own).await;
    assert_eq!(last.status, 204);
    assert!(
        last.header("set-cookie")
            .starts_with("gatepass=; Path=/; Max-Age=0")
    );
    assert_eq!(here.get("/.gatepass/sessions").await.status, 401);
}

#[tokio::test]
async fn s32_sessions_of_others_and_of_other_spaces_do_not_exist() {
    let other = LOCAL
        .replace("1001", "1002")
        .replace("authn", "prefix = \"/other\"\nauthn");
    let house = House::with(&format!("{PORTS}{LOCAL}{other}")).await;
    let (mut here, bob) = (alice(&house).await, log_in(house.browser(), "bob").await);
    let mut elsewhere = house.browser();
    let page = elsewhere.log_in("/other/", "alice", "demo-password").await;
    page.says(200, "GET /");
    let bobs = current(&script(&house, &bob)).await;
    let theirs = house.admin().session("1002").await["sessionId"].clone();
    let theirs = theirs.as_str().unwrap();
    assert_eq!(list(&script(&house, &here)).await["total"], 1);
    let nobodys = "018f0000-0000-7000-8000-000000000000";
    for id in [&*bobs, theirs, nobodys] {
        let script = script(&house, &here);
        let answer = script
            .send("DELETE", &format!("/.gatepass/sessions/{id}"), "")
            .await;
        answer.says(404, "no such session");
        let answer = here.submit("/.gatepass/sessions", &[("end", id)]).await;
        answer.says(404, "no such session");
    }
    here.submit("/.gatepass/sessions", &[("end", "others")])
        .await
        .leads_to("/.gatepass/sessions?done=others");
    assert_eq!(house.admin().sessions("1001").await.len(), 2);
    house.admin().session("1002").await;
    // Nothing but what the addresses take.
    let script = script(&house, &here);
    for (method, path, status, allow) in [
        ("PUT", "/.gatepass/sessions", 405, "GET, HEAD, POST, DELETE"),
        (
            "GET",
            &*format!("/.gatepass/sessions/{bobs}"),
            405,
            "DELETE",
        ),
        ("DELETE", "/.gatepass/sessions/x", 404, ""),
        ("DELETE", "/.gatepass/sessions/", 404, ""),
        ("GET", "/.gatepass/sessionsx", 404, ""),
        ("POST", "/.gatepass/sessions", 415, ""),
        ("HEAD", "/.gatepass/sessions", 200, ""),
    ] {
        let answer = script.send(method, path, "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        if !allow.is_empty() {
            assert_eq!(answer.header("allow"), allow);
        }
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = here
        .request("POST", "/.gatepass/sessions", &form, "end=x")
        .await;
    answer.says(400, "which session");
    assert!(
        house
            .upstream
            .targets()
            .iter()
            .all(|t| !t.contains("gatepass"))
    );
}

#[tokio::test]
async fn s31_no_session_is_ended_by_another_sites_page() {
    let house = House::local().await;
    let (mut here, _there) = (alice(&house).await, alice(&house).await);
    let form = ("content-type", "application/x-www-form-urlencoded");
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for method in ["POST", "DELETE"] {
            let answer = here
                .request(
                    method,
                    "/.gatepass/sessions",
                    &[form, foreign],
                    "end=others",
                )
                .await;
            answer.says(403, "another site");
        }
    }
    assert_eq!(house.admin().sessions("1001").await.len(), 2);
}

#[tokio::test]
async fn s40_nobody_and_anonymous_users_have_no_list() {
    let anonymous = LOCAL.replace("[\"local\"]", "[\"local\", \"anonymous\"]");
    for config in [LOCAL, &*anonymous] {
        let house = House::with(&format!("{PORTS}{config}")).await;
        let away = house.browser().get("/.gatepass/sessions").await;
        away.leads_to("/.gatepass/login?return=/.gatepass/sessions");
        let script = house.script().with("accept", "application/json");
        for (method, path) in [
            ("GET", "/.gatepass/sessions"),
            ("DELETE", "/.gatepass/sessions"),
            (
                "DELETE",
                "/.gatepass/sessions/018f0000-0000-7000-8000-000000000000",
            ),
        ] {
            let answer = script.send(method, path, "").await;
            answer.says(401, "Authentication is needed");
        }
        let away = house
            .browser()
            .submit("/.gatepass/sessions", &[("end", "others")])
            .await;
        away.leads_to("/.gatepass/login?return=/.gatepass/sessions");
    }
}

#[tokio::test]
async fn a_program_that_is_known_by_its_header_has_a_list_too() {
    let house = House::header(
        "[[space.access]]\npath = \"/**\"\nrequire = { attribute = \"none\", any_of = [\"x\"] }\n",
    )
    .await;
    let ann = house.script_of("ann");
    assert_eq!(ann.get("/").await.status, 403);
    let first = list(&ann).await;
    assert_eq!(first["total"], 1);
    assert_eq!(first["sessions"][0]["userId"], "ann");
    // Looking is activity, though a rule keeps ann from everything else.
    crate::kit::eventually(async || {
        let now = list(&ann).await;
        (now["sessions"][0]["lastActive"] != first["sessions"][0]["lastActive"]).then_some(())
    })
    .await;
    let first = house.script_of("bob").get("/.gatepass/sessions").await;
    assert!(first.header("set-cookie").starts_with("gatepass="));
}

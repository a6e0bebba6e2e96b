//! S14 and S21: the cookie.

use proptest::prelude::*;

use crate::kit::{House, LOCAL, PORTS, for_all};

#[test]
fn s14_any_other_cookie_is_no_session() {
    let value = prop_oneof![
        "[ -:<-~]{0,60}",
        "[A-Za-z0-9_-]{43}",
        Just("VALID".to_owned()),
        Just("VALIDx".to_owned()),
        Just("\"VALID\"".to_owned()),
        Just("VALID; gatepass=VALID".to_owned()),
        Just("VALID; gatepass=x".to_owned()),
        Just("x; gatepass=VALID".to_owned()),
        Just("%56ALID".to_owned()),
    ];
    for_all(60, value, House::local, async |house, value| {
        let mut browser = house.browser();
        // One login is enough for all cases.
        let file = house.file("cookie");
        let valid = match std::fs::read_to_string(&file) {
            Ok(valid) => valid,
            Err(_) => {
                browser
                    .log_in("/", "alice", "demo-password")
                    .await
                    .says(200, "GET /");
                let valid = browser.cookie("gatepass").unwrap().to_owned();
                std::fs::write(&file, &valid).unwrap();
                valid
            }
        };
        let cookie = format!("gatepass={}", value.replace("VALID", &valid));
        let before = house.upstream.seen().len();
        let script = house.script().with("cookie", &cookie);
        let answer = script.get("/x").await;
        let page = script.with("accept", "text/html").get("/x").await;
        if value.trim() == "VALID" {
            answer.says(200, "GET /x");
            return;
        }
        answer.says(401, "Authentication is needed");
        page.leads_to("/.gatepass/login?return=/x");
        assert_eq!(house.upstream.seen().len(), before, "{cookie}");
        // The login page is there all the same: no loop.
        let login = house
            .script()
            .with("cookie", &cookie)
            .with("accept", "text/html");
        login
            .get("/.gatepass/login?return=/x")
            .await
            .says(200, "<form");
    });
}

#[tokio::test]
async fn s14_an_unusable_cookie_is_taken_back_and_the_next_request_has_none() {
    let house = House::local().await;
    let mut browser = house.browser();
    browser.set_cookie("gatepass", "not-a-token");
    browser
        .get("/x")
        .await
        .leads_to("/.gatepass/login?return=/x");
    assert_eq!(browser.cookie("gatepass"), None);
    browser
        .log_in("/x", "alice", "demo-password")
        .await
        .says(200, "GET /x");
}

#[tokio::test]
async fn s14_a_cookie_of_another_space_is_no_session() {
    let other = LOCAL
        .replace("1001", "1002")
        .replace("authn", "prefix = \"/other\"\nauthn");
    let house = House::with(&format!("{PORTS}{LOCAL}{other}")).await;
    let mut browser = house.browser();
    browser
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let token = browser.cookie("gatepass").unwrap().to_owned();
    let script = house
        .script()
        .with("cookie", &format!("gatepass-other={token}"));
    assert_eq!(script.get("/other/x").await.status, 401);
    browser.get("/still").await.says(200, "GET /still");
}

#[tokio::test]
async fn s21_over_tls_the_cookie_is_bound_to_its_host() {
    let ports = PORTS.replace("workers", "trusted_proxies = [\"127.0.0.1\"]\nworkers");
    for same_site in ["lax", "strict", "none"] {
        let cookie =
            format!("{LOCAL}[space.cookie]\nname = \"sid\"\nsame_site = \"{same_site}\"\n");
        let house = House::with(&format!("{ports}{cookie}")).await;
        let expected = ["Lax", "Strict", "None"]
            .iter()
            .find(|s| s.eq_ignore_ascii_case(same_site))
            .unwrap();
        let mut browser = house.browser().through("x-forwarded-proto", "https");
        browser
            .log_in("/", "alice", "demo-password")
            .await
            .says(200, "GET /");
        let given = browser.received.pop().unwrap();
        let (pair, attributes) = given.split_once(';').unwrap();
        let token = pair.strip_prefix("__Host-sid=").unwrap();
        assert_eq!(
            attributes,
            format!(" Path=/; HttpOnly; Secure; SameSite={expected}")
        );
        // 256 bits, as URL-safe text.
        assert_eq!(token.len(), 43);
        assert!(
            token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert!(given.len() < 4096);
        // A name without the prefix, which a plain-text neighbour could set, does not count.
        let script = house
            .script()
            .with("x-forwarded-proto", "https")
            .with("cookie", &format!("sid={token}"));
        assert_eq!(script.get("/").await.status, 401);
        let script = house
            .script()
            .with("x-forwarded-proto", "https")
            .with("cookie", pair);
        script.get("/").await.says(200, "GET /");
    }
}

#[tokio::test]
async fn s21_an_applications_cookies_stand_beside_ours() {
    let house = House::header("").await;
    let answer = house.script_of("ann").get("/cookies").await;
    answer.says(200, "cookies");
    let cookies: Vec<_> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|v| v.to_str().unwrap())
        .collect();
    assert!(
        cookies[0].starts_with("gatepass=")
            && cookies[0].ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookies:?}"
    );
    assert_eq!(cookies[1..], ["theirs=1", "more=2"]);
}

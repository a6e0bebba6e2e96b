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

/// A proxy may be trusted for addresses alone, and say nothing of the scheme.
#[tokio::test]
async fn s21_the_default_scheme_holds_where_a_trusted_proxy_tells_none() {
    let options = "trusted_proxies = [\"127.0.0.1\"]\ndefault_scheme = \"https\"\nworkers";
    let ports = PORTS.replace("workers", options);
    let house = House::with(&format!("{ports}{LOCAL}")).await;
    for (proto, name) in [(None, "__Host-gatepass="), (Some("http"), "gatepass=")] {
        let mut browser = house.browser();
        if let Some(proto) = proto {
            browser = browser.through("x-forwarded-proto", proto);
        }
        browser
            .log_in("/", "alice", "demo-password")
            .await
            .says(200, "GET /");
        let given = browser.received.pop().unwrap();
        assert!(given.starts_with(name), "{proto:?} {given}");
    }
}

#[tokio::test]
async fn s13_every_kind_of_cookie_is_taken_back_as_it_was_given() {
    let ports = PORTS.replace("workers", "trusted_proxies = [\"127.0.0.1\"]\nworkers");
    for (options, name, attributes) in [
        (
            "same_site = \"none\"\npartitioned = true",
            "__Host-sid",
            "; HttpOnly; Secure; SameSite=None; Partitioned",
        ),
        (
            "domain = \"example.com\"",
            "__Secure-sid",
            "; Domain=example.com; HttpOnly; Secure; SameSite=Lax",
        ),
        (
            "host_prefix = false\nsame_site = \"unset\"",
            "sid",
            "; HttpOnly; Secure",
        ),
    ] {
        let local = LOCAL.replace("authn", "hosts = [\"a.example.com\"]\nauthn");
        let cookie = format!("{local}[space.cookie]\nname = \"sid\"\n{options}\n");
        let house = House::with(&format!("{ports}{cookie}")).await;
        let mut browser = house
            .browser()
            .through("host", "a.example.com")
            .through("x-forwarded-proto", "https");
        browser
            .log_in("/", "alice", "demo-password")
            .await
            .says(200, "GET /");
        let given = browser.received.pop().unwrap();
        assert!(given.starts_with(&format!("{name}=")), "{given}");
        assert!(given.ends_with(&format!("; Path=/{attributes}")), "{given}");
        // It opens the session under this name, the upstream sees it under none, and cannot
        // set it under any.
        let spelled = format!("{}; __Host-sid=x; __Secure-sid=x; sid=x", "theirs=1");
        let token = browser.cookie(name).unwrap().to_owned();
        let pair = format!("{name}={token}");
        let sent = spelled.replace(&format!("{name}=x"), &pair);
        let answer = house
            .script()
            .with("host", "a.example.com")
            .with("x-forwarded-proto", "https")
            .with("cookie", &sent)
            .get("/cookies?gatepass=1&sid=evil&__Host-sid=evil&__Secure-sid=evil")
            .await;
        answer.says(200, "cookies");
        assert_eq!(house.upstream.last().header("cookie"), Some("theirs=1"));
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert_eq!(set, ["theirs=1", "more=2", "gatepass=1"]);
        browser
            .request(
                "POST",
                "/.gatepass/logout",
                &[("sec-fetch-site", "same-origin")],
                "",
            )
            .await
            .says(200, "You are logged out");
        let taken = browser.received.pop().unwrap();
        assert_eq!(taken, format!("{name}=; Path=/; Max-Age=0{attributes}"));
        let replay = house
            .script()
            .with("host", "a.example.com")
            .with("x-forwarded-proto", "https")
            .with("cookie", &pair);
        assert_eq!(replay.get("/").await.status, 401);
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

//! `/.gatepass/login`

use crate::kit::{House, LOCAL, PORTS, Wire};

#[tokio::test]
async fn the_page_works_without_scripts_and_keeps_what_was_typed() {
    let house = House::local().await;
    let mut browser = house.browser();
    let page = browser.get("/.gatepass/login?return=/a%3Fb%3D1").await;
    page.says(200, "name=return value=\"/a?b=1\"");
    assert!(!page.text().contains("<script"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    let again = browser.fill_in(&page, "<alice>\"'&", "wrong").await;
    again.says(401, "The user name or the password is wrong.");
    assert!(
        again
            .text()
            .contains("value=\"&lt;alice&gt;&quot;&#39;&amp;\""),
        "{}",
        again.text()
    );
    assert!(again.text().contains("name=return value=\"/a?b=1\""));
    assert!(!again.text().contains("wrong\""), "the password came back");
    // Who is logged in needs no login page.
    let page = browser.get("/.gatepass/login").await;
    browser
        .fill_in(&page, "alice", "demo-password")
        .await
        .leads_to("/");
    browser
        .get("/.gatepass/login?return=/x")
        .await
        .leads_to("/x");
}

#[tokio::test]
async fn s09_a_login_leads_nowhere_that_a_stranger_chose() {
    let local = LOCAL.replace("authn", "redirect_hosts = [\"app.example.com\"]\nauthn");
    let house = House::with(&format!("{PORTS}{local}")).await;
    let mut browser = house.browser();
    let page = browser.get("/.gatepass/login").await;
    browser
        .fill_in(&page, "alice", "demo-password")
        .await
        .leads_to("/");
    for (target, leads_to) in [
        ("/ok?a=b", "/ok?a=b"),
        ("/users/@me", "/users/@me"),
        ("https://app.example.com/x", "https://app.example.com/x"),
        ("", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("\t//evil.example", "/"),
        (" //evil.example", "/"),
        ("/%2fevil.example", "/"),
        ("/%5cevil.example", "/"),
        ("/%09/evil.example", "/"),
        ("%2f%2fevil.example", "/"),
        ("/@evil.example", "/"),
        ("@evil.example", "/"),
        ("evil.example", "/"),
        ("http:evil.example", "/"),
        ("https://evil.example", "/"),
        ("https://app.example.com.evil.example", "/"),
        ("https://app.example.com@evil.example", "/"),
        ("https://evil.example\\@app.example.com", "/"),
        ("https://evil.example#@app.example.com", "/"),
        ("javascript:alert(1)", "/"),
        ("data:text/html,x", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/\u{2f}\u{2f}evil.example", "/"),
        ("/\u{e4}", "/"),
        ("/.gatepass/logout", "/"),
        ("/.gatepass/../.gatepass/logout", "/"),
        ("/x/../.gatepass/logout", "/"),
        ("/a?b=/.gatepass/logout", "/a?b=/.gatepass/logout"),
        ("/%2egatepass/logout?a", "/"),
        ("/./.gatepass/logout", "/"),
        ("https://app.example.com/.gatepass/logout", "/"),
    ] {
        let query =
            percent_encoding::utf8_percent_encode(target, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/.gatepass/login?return={query}");
        // Who is logged in is sent on at once, who is not is asked first: the same way.
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), leads_to, "{target:?}");
        let mut other = house.browser();
        let page = other.get(&path).await;
        let escaped = leads_to.replace('&', "&amp;");
        page.says(200, &format!("name=return value=\"{escaped}\""));
        // The hidden field is the browser's to change.
        if leads_to == "/" {
            let form = [
                ("return", target),
                ("username", "bob"),
                ("password", "nope"),
            ];
            let again = browser.submit("/.gatepass/login", &form).await;
            let shown = if again.status == 401 {
                "name=return value=\"/\""
            } else {
                "Too many"
            };
            assert!(again.text().contains(shown), "{target:?}: {}", again.text());
        }
    }
}

#[tokio::test]
async fn s09_the_way_to_the_login_keeps_only_a_safe_target() {
    let house = House::local().await;
    for (target, location) in [
        ("/a/b?c=d&e", "/.gatepass/login?return=/a/b%3Fc%3Dd%26e"),
        ("/%61", "/.gatepass/login?return=/%2561"),
    ] {
        house.browser().get(target).await.leads_to(location);
    }
    for target in [
        "//evil.example/x",
        "http://evil.example/x",
        "/@evil.example/x",
    ] {
        let mut wire = Wire::connect(house.edge()).await;
        let answer = wire
            .ask(&format!(
                "GET {target} HTTP/1.1\r\nHost: sales\r\nAccept: text/html\r\n\r\n"
            ))
            .await;
        assert_eq!(answer.status, 303, "{target}");
        let location = answer.header("location");
        let (path, target) = location.split_once("?return=").unwrap();
        assert_eq!(path, "/.gatepass/login");
        assert!(
            target.starts_with('/') && !target.contains("evil.example") || target == "/x",
            "{location}"
        );
    }
}

#[tokio::test]
async fn a_login_from_another_site_is_refused() {
    let house = House::local().await;
    for fields in [
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://sales:81\r\n",
    ] {
        for path in ["login", "logout"] {
            let body = "username=alice&password=demo-password";
            let mut wire = house.wire().await;
            let head = format!(
                "POST /.gatepass/{path} HTTP/1.1\r\nHost: sales\r\n{fields}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            wire.send(format!("{head}{body}")).await;
            let answer = wire.response().await;
            answer.says(403, "another site");
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
    assert!(house.admin().sessions("1001").await.is_empty());
}

#[tokio::test]
async fn only_a_form_logs_in() {
    let house = House::local().await;
    let script = house.script();
    let body = r#"{"username":"alice","password":"demo-password"}"#;
    let json = script.clone().with("content-type", "application/json");
    assert_eq!(
        json.send("POST", "/.gatepass/login", body).await.status,
        415
    );
    let form = script
        .clone()
        .with("content-type", "application/x-www-form-urlencoded");
    let large = format!("username=alice&password={}", "x".repeat(20_000));
    assert_eq!(
        form.send("POST", "/.gatepass/login", &large).await.status,
        413
    );
    assert_eq!(form.send("POST", "/.gatepass/login", "").await.status, 401);
    let put = script.send("PUT", "/.gatepass/login", "x").await;
    assert_eq!(put.status, 405);
    assert_eq!(put.header("allow"), "GET, HEAD, POST");
    assert_eq!(script.get("/.gatepass").await.status, 404);
    assert_eq!(script.get("/.gatepass/assets/x").await.status, 404);
    assert_eq!(
        script.get("/.gatepass/../.gatepass//nothing").await.status,
        404
    );
    // None of this is ever forwarded.
    assert!(house.upstream.seen().is_empty());
    let head = script.send("HEAD", "/.gatepass/login", "").await;
    assert_eq!(head.status, 200);
}

#[tokio::test]
async fn s39_an_unknown_user_is_told_what_a_wrong_password_is_told() {
    let house = House::local().await;
    let answers = async |user| {
        let mut browser = house.browser();
        let page = browser.get("/.gatepass/login").await;
        let answer = browser.fill_in(&page, user, "wrong").await;
        let text = answer.text().replace(user, "USER");
        let mut headers = answer.headers.clone();
        headers.remove("date");
        headers.remove("content-length");
        (answer.status, format!("{headers:?}"), text)
    };
    let (known, unknown) = (answers("alice").await, answers("alicf").await);
    assert_eq!(known, unknown);
    assert_eq!(known.0, 401);
}

#[tokio::test]
async fn s39_guesses_are_limited_for_users_known_and_unknown() {
    let house = House::local().await;
    for user in ["bob", "nobody"] {
        let mut statuses = Vec::new();
        for _ in 0..12 {
            let form = [("username", user), ("password", "guess"), ("return", "/")];
            let answer = house.browser().submit("/.gatepass/login", &form).await;
            if answer.status == 429 {
                assert_ne!(answer.header("retry-after"), "");
            }
            statuses.push(answer.status);
        }
        assert_eq!(
            statuses,
            [[401; 10].as_slice(), &[429; 2]].concat(),
            "{user}"
        );
        // From then on the right password is no help to who guesses.
        let form = [
            ("username", user),
            ("password", "demo-password"),
            ("return", "/"),
        ];
        assert_eq!(
            house
                .browser()
                .submit("/.gatepass/login", &form)
                .await
                .status,
            429
        );
    }
}

#[tokio::test]
async fn a_space_below_a_prefix_has_a_login_of_its_own() {
    let local = LOCAL.replace("authn", "prefix = \"/sales\"\nauthn");
    let house = House::with(&format!("{PORTS}{local}")).await;
    let mut browser = house.browser();
    let away = browser.get("/sales/a?b").await;
    away.leads_to("/sales/.gatepass/login?return=/sales/a%3Fb");
    let page = browser.log_in("/sales/a?b", "alice", "demo-password").await;
    page.says(200, "upstream GET /a?b");
    assert!(browser.cookie("gatepass-sales").is_some());
    assert_eq!(
        house.upstream.last().header("x-forwarded-prefix"),
        Some("/sales")
    );
    assert_eq!(browser.get("/.gatepass/login").await.status, 404);
    assert_eq!(browser.get("/salesroom").await.status, 404);
}

//! S40: nobody, somebody who may not, and what each is told.

use crate::kit::tokens::{self, JWT};
use crate::kit::{House, LOCAL, PORTS};

const RULE: &str = "[[space.access]]\npath = \"/admin/**\"\nrequire = { attribute = \"group\", any_of = [\"admins\"] }\n";

#[tokio::test]
async fn s40_scripts_get_401_and_browsers_the_login_page() {
    let house = House::local().await;
    let page = [
        ("accept", "text/html,*/*;q=0.8"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let send = async |method: &str, headers: &[(&str, &str)]| {
        let script = headers
            .iter()
            .fold(house.script(), |script, (n, v)| script.with(n, v));
        script.send(method, "/x?y", "").await
    };
    send("GET", &page)
        .await
        .leads_to("/.gatepass/login?return=/x%3Fy");
    assert_eq!(send("HEAD", &page).await.status, 303);
    for (method, headers) in [
        ("GET", vec![]),
        ("GET", vec![("accept", "*/*")]),
        ("GET", vec![("accept", "application/json")]),
        ("POST", page.to_vec()),
        ("DELETE", page.to_vec()),
        (
            "GET",
            vec![
                ("accept", "text/html"),
                ("x-requested-with", "XMLHttpRequest"),
            ],
        ),
        (
            "GET",
            vec![("accept", "text/html"), ("sec-fetch-mode", "cors")],
        ),
        (
            "GET",
            vec![("accept", "text/html"), ("sec-fetch-dest", "image")],
        ),
    ] {
        let answer = send(method, &headers).await;
        assert_eq!(answer.status, 401, "{method} {headers:?}");
        assert!(!answer.headers.contains_key("location"));
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Cookie realm=\"1001\""),
            "{challenge}"
        );
        // A browser would ask for a password by itself.
        assert!(!challenge.contains("Basic"));
    }
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn s40_somebody_who_may_not_gets_403_and_no_login_page() {
    let house = House::with(&format!("{PORTS}{LOCAL}{RULE}{JWT}{RULE}")).await;
    let mut bob = house.browser();
    bob.log_in("/", "bob", "demo-password")
        .await
        .says(200, "GET /");
    let answer = bob.get("/admin/x").await;
    answer.says(403, "You may not use this part");
    assert!(
        !answer.headers.contains_key("www-authenticate")
            && !answer.headers.contains_key("location")
    );
    let mut alice = house.browser();
    alice
        .log_in("/admin/x", "alice", "demo-password")
        .await
        .says(200, "GET /admin/x");
    // The same for programs: a good token that may not is 403, none is 401.
    let script = house.script().with("accept", "application/json");
    let problem = script
        .clone()
        .bearer(&tokens::token("carol"))
        .get("/jwt/admin/x")
        .await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.json(403)["status"], 403);
    let problem = script.get("/jwt/admin/x").await;
    assert_eq!(problem.header("www-authenticate"), "Bearer realm=\"1002\"");
    problem.json(401);
}

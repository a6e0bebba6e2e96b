//! `/.gatepass/logout`

use crate::kit::{House, PORTS};

#[tokio::test]
async fn s13_logout_takes_the_cookie_back_and_the_old_one_is_dead() {
    let ports = PORTS.replace("workers", "default_scheme = \"https\"\nworkers");
    for (ports, name, attributes) in [
        (PORTS, "gatepass", "; Path=/; HttpOnly; SameSite=Lax"),
        (
            &*ports,
            "__Host-gatepass",
            "; Path=/; HttpOnly; Secure; SameSite=Lax",
        ),
    ] {
        let house = House::with(&format!("{ports}{}", crate::kit::LOCAL)).await;
        let mut browser = house.browser();
        browser
            .log_in("/", "alice", "demo-password")
            .await
            .says(200, "GET /");
        let given = browser.received.pop().unwrap();
        assert!(
            given.starts_with(&format!("{name}=")) && given.ends_with(attributes),
            "{given}"
        );
        let old = browser.cookie_header();
        browser
            .submit("/.gatepass/logout", &[])
            .await
            .says(200, "You are logged out");
        // Taken back with the attributes it was given with, or browsers keep it.
        let taken = browser.received.pop().unwrap();
        assert_eq!(
            taken,
            format!(
                "{name}={}",
                attributes.replace("Path=/", "Path=/; Max-Age=0")
            )
        );
        assert_eq!(browser.cookie(name), None);
        let replay = house.script().with("cookie", &old);
        replay.get("/").await.says(401, "Authentication is needed");
        let session = house
            .admin()
            .get("/api/v1/spaces/1001/sessions?state=ended&view=full")
            .await
            .json(200);
        assert_eq!(session["sessions"][0]["endReason"], "logged_out");
    }
}

#[tokio::test]
async fn s13_nobody_is_logged_out_by_another_sites_page() {
    let house = House::local().await;
    let mut browser = house.browser();
    browser
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    // A link from elsewhere asks first; a form from elsewhere is refused; a link of our own
    // does it.
    let site = |site| [("sec-fetch-site", site)];
    let asked = browser
        .request("GET", "/.gatepass/logout", &site("cross-site"), "")
        .await;
    asked.says(200, "Log out?");
    let refused = browser
        .request("POST", "/.gatepass/logout", &site("cross-site"), "")
        .await;
    assert_eq!(refused.status, 403);
    browser.get("/").await.says(200, "GET /");
    let done = browser
        .request("GET", "/.gatepass/logout", &site("same-origin"), "")
        .await;
    done.says(200, "You are logged out");
    browser.get("/").await.leads_to("/.gatepass/login?return=/");
    // Once more, and without a session: nothing to do.
    browser
        .submit("/.gatepass/logout", &[])
        .await
        .says(200, "You are logged out");
    let script = house.script().send("POST", "/.gatepass/logout", "").await;
    assert_eq!(script.status, 204);
}

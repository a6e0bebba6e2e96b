//! S20: what is secret stays so.

use gatepass::domain::Token;

use crate::kit::tokens::{self, JWT};
use crate::kit::{House, LOCAL, PORTS, Socket, log};

/// Bytes as the hexadecimal text that somebody might print.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn s20_no_secret_is_in_logs_lists_metrics_or_addresses() {
    let jwt = JWT.replace("[space.jwt]", "[space.jwt]\nquery = \"token\"");
    let house = House::with(&format!("{PORTS}{LOCAL}{jwt}")).await;
    let mut browser = house.browser();
    // Everything that leaves a line: logins good and bad, pages, a socket, a token in the
    // header and in the query, an end, and a logout.
    let form = browser.get("/.gatepass/login").await;
    browser
        .fill_in(&form, "alice", "a-wrong-secret")
        .await
        .says(401, "wrong");
    let page = browser
        .log_in("/page?key=in-the-query", "alice", "demo-password")
        .await;
    page.says(200, "GET /page");
    assert!(!page.text().contains("demo-password"));
    let cookie = browser.cookie("gatepass").unwrap().to_owned();
    let mut socket = browser.socket("/ws").await;
    socket.echo("hello").await;
    let (bearer, query) = (tokens::token("carol"), tokens::token("dave"));
    house
        .script()
        .bearer(&bearer)
        .get("/jwt/x")
        .await
        .says(200, "GET /x");
    house
        .script()
        .get(&format!("/jwt/x?a=b&token={query}&c=d"))
        .await
        .says(200, "GET /x?a=b&c=d");
    assert!(
        !house
            .upstream
            .seen()
            .iter()
            .any(|seen| seen.everything().contains(&bearer) || seen.everything().contains(&query))
    );
    house
        .script()
        .bearer(&format!("{bearer}x"))
        .get("/jwt/x")
        .await
        .says(401, "");
    house
        .script()
        .with("cookie", "gatepass=x")
        .get("/x")
        .await
        .says(401, "");
    let admin = house.admin();
    crate::kit::Admin::new(admin.address, "site.wrong-api-secret")
        .get("/api/v1/spaces")
        .await
        .says(401, "");
    let mut shown = admin.get("/metrics").await.text().to_owned();
    for path in [
        "/api/v1/spaces",
        "/api/v1/spaces/1001/sessions?view=full&state=all&limit=1",
        "/api/v1/spaces/1002/sessions?view=full&state=all",
        "/api/v1/spaces/1001/users/DEMO/alice/sessions?view=full",
    ] {
        shown += admin.get(path).await.says(200, "").text();
    }
    shown += &admin
        .end("1001", &admin.session("1001").await)
        .await
        .to_string();
    assert_eq!(socket.close_code().await, 1008);
    browser.submit("/.gatepass/logout", &[]).await.says(200, "");
    assert!(
        Socket::open(
            house.edge(),
            "/ws",
            &[("cookie", &format!("gatepass={cookie}"))]
        )
        .await
        .is_err()
    );

    let digest = Token::parse(cookie.as_bytes()).unwrap().digest();
    let logged = log::so_far();
    assert!(
        logged.contains("/page") && logged.contains("alice"),
        "nothing was logged"
    );
    for (text, place) in [(&logged, "log"), (&shown, "side port")] {
        for (secret, what) in [
            (&*cookie, "the cookie's token"),
            (&hex(digest.as_bytes()), "its digest"),
            (&bearer, "a token"),
            (bearer.rsplit('.').next().unwrap(), "a token's signature"),
            (&query, "a token in the query"),
            ("demo-password", "a password"),
            ("a-wrong-secret", "a wrong password"),
            ("wrong-api-secret", "a wrong API key"),
            (house.keys.site.split_once('.').unwrap().1, "an API key"),
            ("in-the-query", "a query"),
            ("$argon2id$", "a password's hash"),
        ] {
            assert!(!text.contains(secret), "{what} is in the {place}");
        }
    }
    // Nobody counts by user or session.
    let metrics = admin.get("/metrics").await;
    for label in ["alice", "carol", "sessionId", "127.0.0.1"] {
        assert!(
            !metrics.text().contains(label),
            "{label} is a metric's label"
        );
    }
}

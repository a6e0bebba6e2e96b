//! `/qps/user` and `/qps/csrftoken` at the edge, and WebSockets from other origins.

use crate::kit::tokens;
use crate::kit::{House, LOCAL, PORTS, Script, Socket};

const BROWSER: &str = r#"
[space.qlik]
endpoints = true
[space.websocket]
origins = ["https://mashup.example.com"]
csrf_token = true
"#;

/// Space 1001 below `/sales`, with the login page, the endpoints and a mash-up.
async fn house() -> House {
    let local = LOCAL.replace("authn", "prefix = \"/sales\"\nauthn");
    House::with(&format!("{PORTS}{local}{BROWSER}")).await
}

async fn token(script: &Script) -> String {
    let answer = script.get("/sales/qps/csrftoken").await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    answer.header("qlik-csrf-token").to_owned()
}

#[tokio::test]
async fn a_script_asks_who_the_user_is_and_logs_them_out() {
    let house = house().await;
    let edge = house.edge();
    let nobody = house
        .script()
        .get("/sales/qps/user?targetUri=/sales/a")
        .await;
    let said = nobody.json(200);
    let login = format!("http://{edge}/sales/.gatepass/login?return=/sales/a");
    assert_eq!(
        said,
        serde_json::json!({"session": "inactive", "loginUri": login})
    );
    let mut browser = house.browser();
    browser
        .log_in("/sales/a", "alice", "demo-password")
        .await
        .says(200, "GET /a");
    let mut other = house.browser();
    other
        .log_in("/sales/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let script = house.script().with("cookie", &browser.cookie_header());
    let answer = script.get("/sales/qps/user").await;
    assert_eq!(
        answer.text(),
        format!(
            r#"{{"userDirectory":"DEMO","userId":"alice","userName":"Alice Adams","logoutUri":"http://{edge}/sales/.gatepass/logout"}}"#
        )
    );
    let foreign = script.clone().with("origin", "https://evil.example");
    foreign
        .send("DELETE", "/sales/qps/user", "")
        .await
        .says(403, "another site");
    let gone = script.send("DELETE", "/sales/qps/user", "").await;
    assert_eq!(gone.status, 204);
    assert!(
        gone.header("set-cookie")
            .starts_with("gatepass-sales=; Path=/; Max-Age=0")
    );
    assert!(
        house.admin().sessions("1001").await.is_empty(),
        "the other browser's, too"
    );
    assert_eq!(house.upstream.targets(), ["/a", "/"]);
    assert_eq!(script.get("/qps/user").await.status, 404, "no space there");
}

#[tokio::test]
async fn a_mash_up_opens_a_websocket_and_nobody_elses_page_does() {
    let house = house().await;
    let (mut alice, mut bob) = (house.browser(), house.browser());
    alice
        .log_in("/sales/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    bob.log_in("/sales/", "bob", "demo-password")
        .await
        .says(200, "GET /");
    let mash_up = "https://mashup.example.com";
    let script = house.script().with("origin", mash_up);
    let script = script.with("cookie", &alice.cookie_header());
    let answer = script.get("/sales/qps/csrftoken").await;
    assert_eq!(answer.header("access-control-allow-origin"), mash_up);
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "qlik-csrf-token"
    );
    let (own, others) = (
        token(&script).await,
        token(&house.script().with("cookie", &bob.cookie_header())).await,
    );
    let same = format!("http://{}", house.edge());
    let cookie = alice.cookie_header();
    for (origin, token, with_cookie, status) in [
        (Some(mash_up), &*own, true, None),
        (Some(&*same), &own, true, None),
        (Some("https://evil.example"), &own, true, Some(403)),
        (None, &own, true, Some(403)),
        (Some(mash_up), &others, true, Some(403)),
        (Some(mash_up), "", true, Some(403)),
        (Some(mash_up), &own, false, Some(401)),
    ] {
        let mut headers = Vec::new();
        headers.extend(origin.map(|origin| ("origin", origin)));
        headers.extend(with_cookie.then_some(("cookie", &*cookie)));
        let path = format!("/sales/ws/app?a=b&qlik-csrf-token={token}");
        match Socket::open(house.edge(), &path, &headers).await {
            Ok(mut socket) => {
                assert_eq!(status, None, "{origin:?} {with_cookie}");
                socket.echo("hello").await;
                assert_eq!(house.upstream.last().target, "/ws/app?a=b");
            }
            Err(found) => assert_eq!(Some(found), status, "{origin:?} {with_cookie}"),
        }
    }
    let preflight = script
        .with("access-control-request-method", "GET")
        .send("OPTIONS", "/sales/qps/csrftoken", "")
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn a_bearer_token_opens_a_session_for_the_mash_up() {
    let jwt = tokens::JWT;
    let house = House::with(&format!("{PORTS}{jwt}{BROWSER}")).await;
    let bearer = tokens::token("carol");
    let answer = house
        .script()
        .bearer(&bearer)
        .get("/jwt/qps/csrftoken")
        .await;
    assert_eq!(answer.status, 204);
    let csrf = answer.header("qlik-csrf-token").to_owned();
    let cookie = answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let headers = [
        ("cookie", &*cookie),
        ("origin", "https://mashup.example.com"),
    ];
    let path = format!("/jwt/ws?qlik-csrf-token={csrf}");
    let mut socket = Socket::open(house.edge(), &path, &headers).await.unwrap();
    socket.echo("hello").await;
    let script = house.script().with("cookie", &cookie);
    let user = script.get("/jwt/qps/user").await.json(200);
    assert_eq!(user["userId"], "carol");
    // The end of the session ends all of it.
    script.send("DELETE", "/jwt/qps/user", "").await;
    assert_eq!(socket.close_code().await, 1008);
    assert_eq!(
        Socket::open(house.edge(), &path, &headers).await.err(),
        Some(401)
    );
}

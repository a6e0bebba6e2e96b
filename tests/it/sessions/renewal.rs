//! S10: a new token whenever somebody becomes somebody else.

use crate::kit::{House, LOCAL, PORTS};

const ALLOW: &str = "anonymous = \"allow\"\nauthn = [\"local\", \"anonymous\"]";

/// Anonymous users are welcome, but not to `/private`.
fn config() -> String {
    let local = LOCAL.replace("authn = [\"local\"]", ALLOW);
    format!(
        "{PORTS}{local}[[space.access]]\npath = \"/private/**\"\nrequire = {{ signed_in = true }}\n"
    )
}

#[tokio::test]
async fn s10_from_anonymous_to_user() {
    let house = House::with(&config()).await;
    let mut browser = house.browser();
    browser.get("/").await.says(200, "GET /");
    let nobody = house.upstream.last();
    assert!(nobody.header("x-forwarded-user").is_some());
    let anonymous = browser.cookie("gatepass").unwrap().to_owned();
    assert_eq!(
        house.admin().session("1001").await["authenticationMethod"],
        "anonymous"
    );
    // Somebody must be signed in for this; nobody is asked to be.
    let page = browser.log_in("/private/x", "alice", "demo-password").await;
    page.says(200, "GET /private/x");
    let user = browser.cookie("gatepass").unwrap().to_owned();
    assert_ne!(user, anonymous);
    assert_eq!(
        house.upstream.last().header("x-forwarded-user"),
        Some("alice")
    );
    // The old token is dead: what it opens is a new anonymous session, and never hers.
    let old = house
        .script()
        .with("cookie", &format!("gatepass={anonymous}"));
    assert_eq!(old.get("/private/x").await.status, 401);
    let session = &house
        .admin()
        .get("/api/v1/spaces/1001/sessions?state=ended&view=full")
        .await
        .json(200)["sessions"][0];
    assert_eq!(session["endReason"], "replaced");
    assert_eq!(session["authenticationMethod"], "anonymous");
}

#[tokio::test]
async fn s10_from_user_to_user() {
    let house = House::local().await;
    let mut browser = house.browser();
    browser
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let alice = browser.cookie("gatepass").unwrap().to_owned();
    let form = [
        ("username", "bob"),
        ("password", "demo-password"),
        ("return", "/x"),
    ];
    browser
        .submit("/.gatepass/login", &form)
        .await
        .leads_to("/x");
    browser.get("/x").await.says(200, "GET /x");
    assert_eq!(
        house.upstream.last().header("x-forwarded-user"),
        Some("bob")
    );
    assert_ne!(browser.cookie("gatepass"), Some(&*alice));
    let old = house.script().with("cookie", &format!("gatepass={alice}"));
    assert_eq!(old.get("/x").await.status, 401);
    assert_eq!(house.admin().session("1001").await["userId"], "bob");
}

#[tokio::test]
async fn s10_the_same_user_again_gets_a_new_token_too() {
    let house = House::local().await;
    let mut browser = house.browser();
    browser
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let first = browser.cookie("gatepass").unwrap().to_owned();
    let form = [
        ("username", "alice"),
        ("password", "demo-password"),
        ("return", "/"),
    ];
    browser
        .submit("/.gatepass/login", &form)
        .await
        .leads_to("/");
    assert_ne!(browser.cookie("gatepass"), Some(&*first));
    let old = house.script().with("cookie", &format!("gatepass={first}"));
    assert_eq!(old.get("/").await.status, 401);
    // A login that fails changes nothing.
    let before = browser.cookie("gatepass").unwrap().to_owned();
    let form = [
        ("username", "alice"),
        ("password", "wrong"),
        ("return", "/"),
    ];
    assert_eq!(browser.submit("/.gatepass/login", &form).await.status, 401);
    assert_eq!(browser.cookie("gatepass"), Some(&*before));
    browser.get("/").await.says(200, "GET /");
}

#[tokio::test]
async fn s10_a_token_that_a_client_chose_is_never_adopted() {
    let house = House::with(&config()).await;
    let chosen = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for way in ["anonymous", "login"] {
        let mut browser = house.browser();
        browser.set_cookie("gatepass", chosen);
        match way {
            "anonymous" => drop(browser.get("/").await.says(200, "GET /")),
            _ => {
                let form = [
                    ("username", "alice"),
                    ("password", "demo-password"),
                    ("return", "/"),
                ];
                browser
                    .submit("/.gatepass/login", &form)
                    .await
                    .leads_to("/");
            }
        }
        assert_ne!(browser.cookie("gatepass"), Some(chosen), "{way}");
        let script = house.script().with("cookie", &format!("gatepass={chosen}"));
        assert_eq!(script.get("/private/x").await.status, 401, "{way}");
    }
}

#[tokio::test]
async fn s10_a_trusted_header_that_names_another_user_opens_another_session() {
    let house = House::header("").await;
    let answer = house.script_of("ann").get("/").await;
    let of_ann = house.script().with_cookie_of(&answer);
    let answer = of_ann.clone().with("hdr-usr", "bob").get("/").await;
    assert_eq!(
        house.upstream.last().header("x-forwarded-user"),
        Some("bob")
    );
    let of_bob = house.script().with_cookie_of(&answer);
    assert_eq!(of_ann.get("/").await.status, 401);
    of_bob.get("/").await.says(200, "GET /");
    assert_eq!(
        house.upstream.last().header("x-forwarded-user"),
        Some("bob")
    );
}

//! S41 and more: a new configuration comes into force at once and whole, or not at all.

use gatepass::admin::keys::KeysFile;
use gatepass::authn::local::{UserEntry, UsersFile};
use gatepass::domain::Identity;

use crate::kit::tokens::{self, JWT};
use crate::kit::{House, LOCAL, PORTS, Socket, Upstream, house};

fn local() -> String {
    format!("{PORTS}{LOCAL}")
}

#[tokio::test]
async fn a_reload_drops_neither_session_nor_connection() {
    let house = House::local().await;
    let mut browser = house.browser();
    browser
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let mut socket = browser.socket("/ws").await;
    socket.echo("before").await;
    let mut wire = house.wire().await;
    let head = house
        .script()
        .with("cookie", &browser.cookie_header())
        .head("GET", "/halves", 0);
    wire.send(head).await;
    assert_eq!(wire.head().await.unwrap().0, 200);
    wire.chunk().await.unwrap();

    // A new user, another name, identity headers of another kind, a second space.
    let mut users = UsersFile::load(house.file("users.toml")).unwrap();
    let erin = Identity::new("DEMO", "erin").unwrap();
    users
        .add(UserEntry::new(erin, "a-new-password").unwrap())
        .unwrap();
    users.save().unwrap();
    let form = [
        ("username", "erin"),
        ("password", "a-new-password"),
        ("return", "/"),
    ];
    assert_eq!(
        house
            .browser()
            .submit("/.gatepass/login", &form)
            .await
            .status,
        401
    );
    let config = local()
        .replace("x-forwarded", "remote")
        .replace("Sales portal", "Sales renamed")
        + JWT;
    assert_eq!(house.reload(&config), Vec::<&str>::new());

    house
        .browser()
        .submit("/.gatepass/login", &form)
        .await
        .leads_to("/");
    browser.get("/.gatepass/x").await.says(404, "Sales renamed");
    browser.get("/y").await.says(200, "GET /y");
    let seen = house.upstream.last();
    assert_eq!(seen.header("remote-user"), Some("alice"));
    assert_eq!(seen.header("x-forwarded-user"), None);
    house
        .script()
        .bearer(&tokens::token("carol"))
        .get("/jwt/x")
        .await
        .says(200, "GET /x");
    let spaces = house.admin().get("/api/v1/spaces").await.json(200);
    assert_eq!(spaces["spaces"][0]["name"], "Sales renamed");
    assert_eq!(spaces["spaces"][1]["id"], "1002");

    socket.echo("after").await;
    house.upstream.go_on();
    assert_eq!(wire.chunk().await.unwrap(), b"second");
    assert_eq!(wire.chunk().await, None);
    // An end still reaches what was open before.
    let path = "/api/v1/spaces/1001/users/DEMO/alice/sessions";
    house.admin().delete(path).await.json(200);
    assert_eq!(socket.close_code().await, 1008);
}

#[tokio::test]
async fn an_upstream_and_rules_can_be_exchanged() {
    let house = House::header("").await;
    let script = house.script_of("bob");
    script.get("/admin/x").await.says(200, "GET /admin/x");
    let other = Upstream::start().await;
    let config = format!("{PORTS}{}", house::header_space()).replace("UPSTREAM", &other.url());
    let rule = "[[space.access]]\npath = \"/admin/**\"\nrequire = { attribute = \"group\", any_of = [\"admins\"] }\n";
    house.reload(&format!("{config}{rule}"));
    script.get("/admin/x").await.says(403, "may not");
    script.get("/x").await.says(200, "GET /x");
    assert_eq!(other.targets(), ["/x"]);
    assert_eq!(house.upstream.targets(), ["/admin/x"]);
}

#[tokio::test]
async fn a_revoked_api_key_and_a_removed_user_are_out() {
    let house = House::local().await;
    let reader = crate::kit::Admin::new(house.gateway.admin_address(), &house.keys.reader);
    assert_eq!(reader.get("/api/v1/spaces").await.status, 200);
    let mut keys = KeysFile::load(house.file("keys.toml")).unwrap();
    keys.revoke("reader").unwrap();
    keys.save().unwrap();
    let mut users = UsersFile::load(house.file("users.toml")).unwrap();
    users.remove("DEMO", "bob").unwrap();
    users.save().unwrap();
    house.reload(&local());
    assert_eq!(reader.get("/api/v1/spaces").await.status, 401);
    let form = [
        ("username", "bob"),
        ("password", "demo-password"),
        ("return", "/"),
    ];
    assert_eq!(
        house
            .browser()
            .submit("/.gatepass/login", &form)
            .await
            .status,
        401
    );
    house
        .browser()
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
}

#[tokio::test]
async fn s41_a_bad_configuration_changes_nothing() {
    let house = House::with(&format!("{}{JWT}", local())).await;
    let mut browser = house.browser();
    browser
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    std::fs::write(house.file("bad.pem"), "no key").unwrap();
    std::fs::write(house.file("bad-keys.toml"), "[[key]]\nid = 1\n").unwrap();
    std::fs::write(
        house.file("bad-users.toml"),
        "[[user]]\nid = \"x\"\npassword = \"plain\"\n",
    )
    .unwrap();
    let config = format!("{}{JWT}", local());
    for (from, to, names) in [
        // Not read: unknown, unreadable, unused, out of range.
        (
            "id = \"1001\"",
            "id = \"1001\"\nauthentication = \"none\"",
            "authentication",
        ),
        ("authn = [\"local\"]", "authn = [\"loca\"]", "authn"),
        ("authn = [\"local\"]", "authn = []", "authn"),
        ("authn = [\"local\"]", "authn = [\"anonymous\"]", "local"),
        ("users.toml", "nowhere.toml", "nowhere.toml"),
        ("keys.toml", "nowhere.toml", "nowhere.toml"),
        ("jwt-public.pem", "nowhere.pem", "nowhere.pem"),
        (
            "[space.jwt]",
            "[space.jwt]\njwks_url = \"https://x.example\"",
            "jwks_url",
        ),
        (
            "algorithms = [\"EdDSA\"]",
            "algorithms = [\"none\"]",
            "algorithms",
        ),
        ("issuer = ", "# ", "issuer"),
        ("audience = \"demo\"", "", "audience"),
        ("id = \"1002\"", "id = \"1001\"", "1001"),
        // Read, and no good.
        ("jwt-public.pem", "bad.pem", "bad.pem"),
        ("\"keys.toml\"", "\"bad-keys.toml\"", "bad-keys.toml"),
        ("\"users.toml\"", "\"bad-users.toml\"", "bad-users.toml"),
        ("[\"EdDSA\"]", "[\"RS256\"]", "key"),
    ] {
        assert!(config.contains(from), "{from}");
        let bad = config.replacen(from, to, 1);
        let error = match house.read(&bad) {
            Err(error) => error,
            Ok(loaded) => {
                let error = house.gateway.reload(loaded.options).unwrap_err();
                let mut text = error.to_string();
                let mut source = std::error::Error::source(&error);
                while let Some(cause) = source {
                    text += &format!(": {cause}");
                    source = cause.source();
                }
                text
            }
        };
        assert!(error.contains(names), "{to}: {error}");
        browser.get("/still").await.says(200, "GET /still");
        house
            .script()
            .bearer(&tokens::token("carol"))
            .get("/jwt/x")
            .await
            .says(200, "GET /x");
        assert_eq!(
            house.admin().get("/api/v1/spaces").await.json(200)["spaces"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }
    let metrics = house.admin().get("/metrics").await;
    assert!(metrics.text().contains("config"), "{}", metrics.text());
}

#[tokio::test]
async fn what_needs_a_restart_is_said() {
    let house = House::local().await;
    let changed = local().replace(
        "workers = 1",
        "workers = 2\nmax_connections = 5\n[edge.timeouts]\ndrain = \"1s\"",
    );
    let said = house.reload(&changed);
    assert_eq!(
        said,
        ["edge.workers", "edge.max_connections", "edge.timeouts"]
    );
}

#[tokio::test]
async fn a_space_that_is_gone_takes_nobody_in() {
    let house = House::with(&format!("{}{JWT}", local())).await;
    let script = house.script().bearer(&tokens::token("carol"));
    let first = script.get("/jwt/x").await;
    first.says(200, "GET /x");
    let cookie = house.script().with_cookie_of(&first);
    let mut socket = Socket::open(
        house.edge(),
        "/jwt/ws",
        &[(
            "authorization",
            &format!("Bearer {}", tokens::token("carol")),
        )],
    )
    .await
    .unwrap();
    socket.echo("hello").await;
    house.reload(&local());
    // The path is another space's now, whose session this is not.
    assert_eq!(cookie.get("/jwt/x").await.status, 401);
    assert_eq!(script.get("/jwt/x").await.status, 401);
}

//! The Qlik dialect over its socket: what portals and ticket modules do.

use serde_json::json;
use tempfile::TempDir;

use crate::kit::house::Site;
use crate::kit::{Authority, House, LOCAL, PORTS, Script, Upstream, Wire, eventually};

const KEY: &str = "0123456789abcdef";

/// A portal: it has an API key, and sends an Xrf key with everything.
struct Portal(Script);

impl Portal {
    fn of(house: &House) -> Self {
        let script = Script::new(house.gateway.admin_address()).bearer(&house.keys.space);
        Self(script.with("X-Qlik-Xrfkey", KEY))
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> crate::kit::Answer {
        let path = format!("{path}?Xrfkey={KEY}");
        self.0.send(method, &path, body).await
    }
}

#[tokio::test]
async fn a_session_that_a_portal_adds_is_the_browsers_until_the_portal_ends_it() {
    let house = House::local().await;
    let portal = Portal::of(&house);
    let secret = "e6a3a2f0-portal-session";
    let body = json!({
        "UserDirectory": "LAB",
        "UserId": "ann",
        "Attributes": [{"group": "sales"}, {"group": "admins"}],
        "SessionId": secret,
    });
    let added = portal.ask("POST", "/qps/session", &body.to_string()).await;
    assert_eq!(added.json(201)["NewUser"], true);

    let mut ann = house.browser();
    ann.set_cookie("gatepass", secret);
    ann.get("/hub").await.says(200, "upstream GET /hub");
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ann"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sales,admins"));
    assert!(seen.header("cookie").is_none(), "S05");
    let listed = house.admin().session("1001").await;
    assert_eq!(listed["authenticationMethod"], "session-module");
    assert!(!listed.to_string().contains(secret), "S32");
    let mut socket = ann.socket("/ws").await;
    socket.echo("hello").await;

    let path = format!("/qps/session/{secret}");
    let ended = portal.ask("DELETE", &path, "").await.json(200);
    assert_eq!(ended["LastSessionForUser"], true);
    assert_eq!(ended["Session"]["SessionId"], secret);
    assert_eq!(socket.close_code().await, 1008);
    let answer = ann.get("/hub").await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    portal
        .ask("GET", &path, "")
        .await
        .says(404, "No session with id e6a3a2f0-portal-session");
    // Not even the portal brings it back to life.
    portal
        .ask("POST", "/qps/session", &body.to_string())
        .await
        .says(409, "already exists");
}

#[tokio::test]
async fn a_session_without_an_id_is_told_its_secret_once() {
    let house = House::local().await;
    let portal = Portal::of(&house);
    let body = r#"{"userDirectory":"LAB","userId":"ann"}"#;
    let added = portal.ask("POST", "/qps/session/", body).await.json(201);
    let mut ann = house.browser();
    ann.set_cookie("gatepass", added["SessionId"].as_str().unwrap());
    ann.get("/hub").await.says(200, "upstream GET /hub");
    let ended = portal.ask("DELETE", "/qps//user/lab/ANN", "").await;
    assert_eq!(ended.json(200).as_array().unwrap().len(), 1);
    assert_eq!(ann.get("/hub").await.status, 303);
}

#[tokio::test]
async fn a_reload_changes_the_prefixes() {
    let house = House::local().await;
    let portal = Portal::of(&house);
    portal.ask("GET", "/qps/session", "").await.json(200);
    portal.ask("GET", "/qps/hr/session", "").await.json(404);
    let moved = LOCAL.replace("authn", "prefix = \"/hr\"\nauthn");
    house.reload(&format!("{PORTS}{moved}"));
    portal.ask("GET", "/qps/session", "").await.json(404);
    portal.ask("GET", "/qps/hr/session", "").await.json(200);
}

#[tokio::test]
async fn what_clients_write_on_the_wire_is_understood() {
    let house = House::local().await;
    let key = &house.keys.space;
    let head = |line: &str, more: &str| {
        format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
             x-qlik-xrfkey: {KEY}\r\n{more}\r\n"
        )
    };
    let mut wire = Wire::connect(house.gateway.admin_address()).await;
    // In chunks, as a form, to the path with two slashes.
    let line = format!("POST /qps//session?xrfkey={KEY}");
    let more = "Transfer-Encoding: chunked\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n";
    let pieces = [
        r#"{"UserDirectory":"L"#,
        r#"AB","UserId":"ann","SessionId":"portal-session-0000-0001"}"#,
        "",
    ];
    let chunks = pieces.map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()));
    wire.send(head(&line, more) + &chunks.concat()).await;
    let added = wire.response_to("POST").await;
    assert_eq!(added.json(201)["UserDirectory"], "LAB");
    assert_eq!(added.header("content-length"), added.body.len().to_string());
    assert_eq!(added.header("transfer-encoding"), "");

    // A body on GET.
    let line = format!("GET /qps/session/portal-session-0000-0001/?XRFKEY={KEY}");
    wire.send(
        head(
            &line,
            "Content-Length: 2\r\nContent-Type: application/json\r\n",
        ) + "{}",
    )
    .await;
    wire.response().await.json(200);
    // A body on DELETE, and a DELETE that says it has none.
    let mut wire = Wire::connect(house.gateway.admin_address()).await;
    let line = format!("DELETE /qps/session/portal-session-0000-0002?xrfkey={KEY}");
    wire.send(head(&line, "Content-Length: 2\r\n") + "{}").await;
    wire.response().await.json(404);
    let mut wire = Wire::connect(house.gateway.admin_address()).await;
    let line = format!("DELETE /qps/session/portal-session-0000-0001?xrfkey={KEY}");
    wire.send(head(&line, "Content-Length: 0\r\n")).await;
    wire.response().await.json(200);
    eventually(async || house.gateway.sessions().open().eq(&0).then_some(())).await;
}

#[tokio::test]
async fn a_ticket_module_sends_the_browser_back_where_it_was_going() {
    let module = r#"
[[space]]
id = "1002"
hosts = ["127.0.0.1"]
prefix = "/sales"
upstream = ["UPSTREAM"]
authn = ["ticket"]
identity_headers = ["x-forwarded"]
[space.ticket]
module = "https://login.example.com/login"
"#;
    let house = House::with(&format!("{PORTS}{module}")).await;
    let mut ann = house.browser();
    let sent_away = ann.get("/sales/hub?a=1").await;
    let to = http::Uri::try_from(sent_away.header("location")).unwrap();
    let query: std::collections::BTreeMap<_, _> =
        form_urlencoded::parse(to.query().unwrap().as_bytes()).collect();
    let rest = http::Uri::try_from(&*query["proxyRestUri"]).unwrap();
    assert_eq!(rest.path(), "/qps/sales/");

    let portal = Script::new(house.gateway.admin_address())
        .bearer(&house.keys.site)
        .with("x-qlik-xrfkey", KEY);
    let body = json!({
        "UserDirectory": "LAB",
        "UserId": "ann",
        "Attributes": [],
        "TargetId": query["targetId"],
    });
    let path = format!("{}ticket?xrfkey={KEY}", rest.path());
    let bought = portal
        .send("POST", &path, &body.to_string())
        .await
        .json(201);
    let target = bought["TargetUri"].as_str().unwrap();
    assert_eq!(target, format!("http://{}/sales/hub?a=1", house.edge()));
    let ticket = bought["Ticket"].as_str().unwrap();
    let path = format!("/sales/hub?a=1&qlikTicket={ticket}");
    let sent_on = ann.get(&path).await;
    sent_on.leads_to("/sales/hub?a=1");
    ann.follow(&sent_on).await.says(200, "GET /hub?a=1");
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ann"));
}

/// What stands in `[admin]` where clients show certificates.
const MUTUAL: &str = r#"
tls = { certificates = [{ chain = "site.pem", key = "site.key" }], client_ca = "ca.pem" }
certificate_roles = [{ subject_cn = "QlikClient", role = "space-admin", spaces = ["1001"] }]
session_module = { space = "1001" }
"#;

#[tokio::test]
async fn a_client_certificate_opens_the_dialect_and_the_session_module() {
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    authority.issue_for_this_machine(folder.path());
    authority.write(&folder.path().join("ca.pem"));
    let config = format!("{PORTS}{MUTUAL}{LOCAL}");
    let upstream = Upstream::start().await;
    let house = House::at(Site::new(), folder, upstream, &config).await;
    let address = house.gateway.admin_address();
    let ask = |method: &str, path: &str, body: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nX-Qlik-Xrfkey: {KEY}\r\n\
             X-Qlik-User: UserDirectory=LAB; UserId=root\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let known = authority.client(house.folder.path(), "QlikClient");
    let mut wire = Wire::over(known.http1(address).await);
    let user = r#"{"UserDirectory":"LAB","UserId":"ann","SessionId":"external-session-1"}"#;
    let list = format!("/qps/session?xrfkey={KEY}");
    wire.ask(&ask("POST", "/session", user)).await.json(201);
    let listed = wire.ask(&ask("GET", &list, "")).await.json(200);
    assert_eq!(listed[0]["UserId"], "ann");
    wire.ask(&ask("GET", "/api/v1/spaces", ""))
        .await
        .says(200, "Sales portal");
    let mut ann = house.browser();
    ann.set_cookie("gatepass", "external-session-1");
    ann.get("/hub").await.says(200, "upstream GET /hub");
    wire.ask(&ask("DELETE", "/user/LAB/ann", ""))
        .await
        .json(200);
    assert_eq!(ann.get("/hub").await.status, 303);

    // A certificate without a role, and none at all.
    let stranger = authority.client(house.folder.path(), "Stranger");
    for (client, status) in [(stranger, 403), (authority.trust(), 401)] {
        let mut wire = Wire::over(client.http1(address).await);
        for (method, path) in [("GET", &*list), ("POST", "/session")] {
            let answer = wire.ask(&ask(method, path, "{}")).await;
            assert_eq!(answer.status, status, "{method} {path}");
        }
    }

    // Roles follow a reload, on connections that are open.
    house.reload(
        &config
            .replace("space-admin", "reader")
            .replace(", spaces = [\"1001\"]", ""),
    );
    wire.ask(&ask("POST", "/session", user))
        .await
        .says(403, "may not do this");
    wire.ask(&ask("GET", &list, "")).await.json(200);
}

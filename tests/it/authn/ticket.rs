//! Tickets: bought by a trusted program, redeemed by a browser, once.

use gatepass::domain::TargetId;

use crate::kit::{Answer, House, PORTS, Socket, Wire, log};

/// Space 1001, which takes tickets.
const TICKET: &str = r#"
[[space]]
id = "1001"
name = "Sales portal"
hosts = ["127.0.0.1"]
upstream = ["UPSTREAM"]
authn = ["ticket"]
identity_headers = ["x-forwarded"]
"#;

/// Space 1002 below `/sales`, whose login module is elsewhere.
const MODULE: &str = r#"
[[space]]
id = "1002"
hosts = ["127.0.0.1"]
prefix = "/sales"
upstream = ["UPSTREAM"]
authn = ["ticket"]
[space.ticket]
module = "https://login.example.com/login?realm=sales"
"#;

const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn house() -> House {
    House::with(&format!("{PORTS}{TICKET}{MODULE}")).await
}

/// The answer to who cannot be let in with a ticket, without what differs by the time.
fn constant(answer: &Answer) -> String {
    let mut headers = answer.headers.clone();
    headers.remove("date");
    format!("{} {headers:?} {}", answer.status, answer.text())
}

fn is_nowhere(secret: &str, house: &House) {
    for seen in house.upstream.seen() {
        let everything = seen.everything();
        assert!(!everything.contains(secret), "{everything}");
    }
    assert!(!log::so_far().contains(secret));
}

#[tokio::test]
async fn a_browser_comes_in_with_a_ticket_and_sees_it_no_more() {
    let house = house().await;
    let ticket = house.ticket("1001", "ann").await;
    let mut browser = house.browser();
    let sent_on = browser.get(&format!("/a?b=c&qlikTicket={ticket}&d")).await;
    sent_on.leads_to("/a?b=c&d");
    assert!(sent_on.header("set-cookie").starts_with("gatepass="));
    browser.follow(&sent_on).await.says(200, "GET /a?b=c&d");
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ann"));
    let session = house.admin().session("1001").await;
    assert_eq!(session["authenticationMethod"], "ticket");
    assert_eq!(
        (&session["userDirectory"], &session["userId"]),
        (&"LAB".into(), &"ann".into())
    );
    // A program that follows nothing gets its answer, and the cookie before the upstream's.
    let ticket = house.ticket("1001", "bob").await;
    let answer = house
        .script()
        .with("accept", "*/*")
        .with(
            "referer",
            &format!("http://{}/x?QlikTicket={ticket}", house.edge()),
        )
        .get(&format!("/cookies?X-Qlik-TICKET={ticket}"))
        .await;
    assert_eq!(answer.status, 200);
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert!(cookies.len() > 1, "{cookies:?}");
    assert!(
        cookies[0].to_str().unwrap().starts_with("gatepass="),
        "{cookies:?}"
    );
    assert_eq!(house.upstream.last().target, "/cookies");
    let referer = format!("http://{}/x", house.edge());
    assert_eq!(house.upstream.last().header("referer"), Some(&*referer));
    is_nowhere(&ticket, &house);
}

#[tokio::test]
async fn a_form_goes_on_without_the_ticket_and_with_its_body() {
    let house = house().await;
    let ticket = house.ticket("1001", "ann").await;
    let form = [("a", "b")];
    let mut browser = house.browser();
    let answer = browser
        .submit(&format!("/mirror?qlikTicket={ticket}"), &form)
        .await;
    answer.says(200, "a=b");
    assert!(browser.cookie("gatepass").is_some());
    assert_eq!(house.upstream.last().target, "/mirror");
}

#[tokio::test]
async fn s30_of_a_hundred_redemptions_at_once_one_succeeds() {
    let house = House::with(&format!(
        "{}{TICKET}",
        PORTS.replace("workers = 1", "workers = 2")
    ))
    .await;
    let path = format!("/?qlikTicket={}", house.ticket("1001", "ann").await);
    let script = house.script();
    let all = (0..100).map(|_| {
        let (script, path) = (script.clone(), path.clone());
        tokio::spawn(async move { script.get(&path).await })
    });
    let (mut admitted, mut refused) = (0, Vec::new());
    for answer in futures_util::future::join_all(all).await {
        let answer = answer.unwrap();
        if answer.header("set-cookie").is_empty() {
            refused.push(constant(&answer));
        } else {
            answer.says(200, "GET /");
            admitted += 1;
        }
    }
    assert_eq!((admitted, refused.len()), (1, 99));
    refused.dedup();
    assert!(
        refused.len() == 1 && refused[0].starts_with("401"),
        "{refused:?}"
    );
    assert_eq!(house.admin().sessions("1001").await.len(), 1);
    assert_eq!(house.upstream.seen().len(), 1);
}

#[tokio::test]
async fn s30_every_ticket_that_does_not_hold_is_answered_alike() {
    let house = house().await;
    let used = house.ticket("1001", "ann").await;
    house
        .script()
        .get(&format!("/?qlikTicket={used}"))
        .await
        .says(200, "GET /");
    let foreign = house.ticket("1002", "ann").await;
    let mut answers = Vec::new();
    for ticket in [
        &*used,
        &foreign,
        "AAAAAAAAAAAAAAAA",
        "",
        "x",
        "%ff",
        "x&qlikTicket=y",
    ] {
        let path = format!("/?qlikTicket={ticket}");
        let program = house.script().get(&path).await;
        program.says(401, "This ticket cannot be used");
        let person = house.browser().get(&path).await;
        person.says(401, "This ticket cannot be used");
        answers.push((constant(&program), constant(&person)));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Where it was bought for it is as good as ever.
    let mut browser = house.browser();
    browser
        .get(&format!("/sales/?qlikTicket={foreign}"))
        .await
        .leads_to("/sales/");
    for ticket in [&used, &foreign] {
        is_nowhere(ticket, &house);
    }
    assert!(
        log::so_far().contains("TokenDigest("),
        "the log tells them apart"
    );
}

#[tokio::test]
async fn s10_the_session_that_a_ticket_replaces_is_dead_with_all_it_has_open() {
    let house = house().await;
    let mut browser = house.browser();
    let first = house.ticket("1001", "ann").await;
    browser
        .get(&format!("/?qlikTicket={first}"))
        .await
        .leads_to("/");
    let old = browser.clone();
    let mut socket = old.socket("/ws").await;
    socket.echo("hello").await;
    let second = house.ticket("1001", "ann").await;
    browser
        .get(&format!("/?qlikTicket={second}"))
        .await
        .leads_to("/");
    assert_ne!(old.cookie("gatepass"), browser.cookie("gatepass"));
    assert_eq!(socket.close_code().await, 1008);
    let script = house.script().with("cookie", &old.cookie_header());
    script.get("/").await.says(401, "");
    browser.get("/").await.says(200, "GET /");
    assert_eq!(house.admin().sessions("1001").await.len(), 1);
}

#[tokio::test]
async fn a_websocket_comes_in_with_a_ticket() {
    let house = house().await;
    let ticket = house.ticket("1001", "ann").await;
    let mut wire = Wire::connect(house.edge()).await;
    let path = format!("/ws/app/1?reloadUri=x&qlikTicket={ticket}");
    wire.send(format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\n{WEBSOCKET}\r\n",
        house.edge()
    ))
    .await;
    let (status, headers) = wire.head().await.unwrap();
    assert_eq!(status, 101);
    let cookie = headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("gatepass="), "{cookie}");
    assert_eq!(house.upstream.last().target, "/ws/app/1?reloadUri=x");
    is_nowhere(&ticket, &house);
    // The cookie opens further ones; the ticket does not.
    let (cookie, _) = cookie.split_once(';').unwrap();
    let mut socket = Socket::open(house.edge(), "/ws", &[("cookie", cookie)])
        .await
        .unwrap();
    socket.echo("hello").await;
    assert_eq!(
        Socket::open(house.edge(), &path, &[]).await.err(),
        Some(401)
    );
}

#[tokio::test]
async fn a_person_goes_to_the_module_and_comes_back_with_a_ticket() {
    let house = house().await;
    let base = "https://gate.example.com:8081";
    house.reload(&format!("{}url = \"{base}\"\n{TICKET}{MODULE}", PORTS));
    let mut browser = house.browser();
    let away = browser.get("/sales/a?b=c&forceauthentication=yes").await;
    assert_eq!(away.status, 302);
    let location = away.header("location");
    let rest = location
        .strip_prefix("https://login.example.com/login?realm=sales&targetId=")
        .unwrap_or_else(|| panic!("{location}"));
    let (id, rest) = rest.split_once('&').unwrap();
    let expected = "proxyRestUri=https%3A%2F%2Fgate.example.com%3A8081%2Fqps%2Fsales%2F";
    assert_eq!(rest, expected);
    // What the side port tells the module that buys a ticket for this target.
    let id: TargetId = id.parse().unwrap();
    let target = house.gateway.sessions().target(id).await.unwrap().unwrap();
    let (space, address) = target.split_once(' ').unwrap();
    assert_eq!(space, "1002");
    let origin = format!("http://{}", house.edge());
    assert_eq!(address, format!("{origin}/sales/a?b=c"));
    let ticket = house.ticket("1002", "ann").await;
    let back = format!("{}&qlikTicket={ticket}", &address[origin.len()..]);
    let sent_on = browser.get(&back).await;
    sent_on.leads_to("/sales/a?b=c");
    browser.follow(&sent_on).await.says(200, "GET /a?b=c");
    // Logging out leads to a page that leads to the module again.
    let page = browser.submit("/sales/.gatepass/logout", &[]).await;
    page.says(200, "href=\"/sales/.gatepass/login\"");
    let away = browser.get("/sales/.gatepass/login").await;
    assert_eq!(away.status, 302);
    assert!(
        away.header("location")
            .starts_with("https://login.example.com/login")
    );
    // S40: a script is told, and a space without a module has nowhere to send anybody.
    house
        .script()
        .get("/sales/a")
        .await
        .says(401, "Authentication is needed");
    house
        .browser()
        .get("/a")
        .await
        .says(401, "Authentication is needed");
    house.browser().get("/.gatepass/login").await.says(404, "");
}

#[tokio::test]
async fn a_host_that_is_not_the_spaces_gets_no_ticket() {
    let house = house().await;
    let answer = house
        .script()
        .with("host", "evil.example")
        .with("accept", "text/html");
    answer.get("/sales/").await.says(421, "");
}

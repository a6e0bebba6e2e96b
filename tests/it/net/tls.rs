//! TLS on the edge, with HTTP/1.1 and HTTP/2 over it.

use std::net::SocketAddr;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use crate::kit::frames::{END_STREAM, End, Frames};
use crate::kit::house::tls_site;
use crate::kit::{
    Authority, H2, House, LOCAL, PORTS, Socket, Trust, Upstream, Wire, eventually, house, soon, tls,
};

fn header_space() -> String {
    format!("{PORTS}{}", house::header_space())
}

async fn header_house() -> (House, Trust) {
    let authority = Authority::new();
    let house = House::over_tls(&authority, &header_space()).await;
    (house, authority.trust())
}

const REDIRECT: &str = "redirect = [\"127.0.0.1:0\"]\n";
const ANN: (&str, &str) = ("hdr-usr", "ann");

#[tokio::test]
async fn s21_a_login_over_https_sets_a_host_cookie() {
    let authority = Authority::new();
    let house = House::over_tls(&authority, &format!("{PORTS}{LOCAL}")).await;
    let mut browser = house.browser().over_tls(authority.trust().dial());
    let page = browser.log_in("/home", "alice", "demo-password").await;
    page.says(200, "upstream GET /home");
    let cookie = browser.cookie("__Host-gatepass").unwrap().to_owned();
    let given = browser.received.last().unwrap();
    assert!(
        given.contains("; Secure") && given.contains("; HttpOnly"),
        "{given}"
    );
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-forwarded-user"), Some("alice"));
    assert_eq!(
        seen.header("x-forwarded-port"),
        Some(&*house.edge().port().to_string())
    );

    // The same session over HTTP/2, its cookie among others in fields of their own.
    let mut h2 = H2::connect(house.edge(), &authority.trust()).await;
    let ours = format!("__Host-gatepass={cookie}");
    let crumbs = [("cookie", "a=1"), ("cookie", &*ours), ("cookie", "b=2")];
    let answer = h2.get("/again", &crumbs).await;
    answer.says(200, "upstream GET /again");
    let seen = house.upstream.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("alice"));
    assert_eq!(seen.header("cookie"), Some("a=1; b=2"));
    assert_eq!(seen.header("host"), Some(&*house.edge().to_string()));
    assert_eq!(house.admin().sessions("1001").await.len(), 1);
}

#[tokio::test]
async fn a_session_begins_over_http_2() {
    let (house, trust) = header_house().await;
    let mut h2 = H2::connect(house.edge(), &trust).await;
    let first = h2.get("/one", &[ANN]).await;
    first.says(200, "upstream GET /one");
    let cookie = first.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-gatepass="), "{cookie}");
    h2.get("/two", &[ANN]).await.says(200, "upstream GET /two");
    let (one, two) = (&house.upstream.seen()[0], &house.upstream.seen()[1]);
    assert_eq!(
        one.connection, two.connection,
        "upstream connections are kept"
    );
    assert_eq!(house.admin().session("1001").await["userId"], "ann");
    let posted = h2.open("POST", "/mirror", &[ANN], "to and fro").await;
    crate::kit::h2::whole(posted.unwrap())
        .await
        .says(200, "to and fro");
    assert_eq!(house.upstream.last().header("content-length"), Some("10"));
}

#[tokio::test]
async fn websockets_go_over_tls() {
    let (house, trust) = header_house().await;
    let stream = trust.http1(house.edge()).await;
    let url = format!("wss://{}/ws", house.edge());
    let mut socket = Socket::over(stream, &url, &[ANN]).await.unwrap();
    socket.echo("hello").await;
    let session = house.admin().session("1001").await;
    house.admin().end("1001", &session).await;
    assert_eq!(socket.close_code().await, 1008);
}

/// Two certificates, and what a client that asked for the first may ask for.
#[tokio::test]
async fn s07_a_host_of_another_certificate_gets_421() {
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    let issue = |file, names: &[&str]| authority.issue(folder.path(), file, names);
    issue("one", &["one.example", "also.example", "127.0.0.1"]);
    issue("two", &["two.example", "*.two.example"]);
    let site = tls_site(&["one", "two"], "");
    let house = House::at(site, folder, Upstream::start().await, &header_space()).await;
    let trust = authority.trust();
    for (name, host, served) in [
        ("one.example", "one.example", true),
        ("one.example", "ONE.example.:8443", true),
        ("one.example", "also.example", true),
        ("one.example", "unknown.example", true),
        ("one.example", "two.example", false),
        ("one.example", "Two.Example.:443", false),
        ("one.example", "a.two.example", false),
        ("TWO.example", "two.example", true),
        ("two.example", "b.two.example:1", true),
        ("two.example", "one.example", false),
        ("two.example", "unknown.example", false),
        ("127.0.0.1", "two.example", false),
    ] {
        let trust = trust.clone().named(name);
        let script = house.script_of("ann").with("host", host);
        let answer = script.over_tls(trust.dial()).get("/x").await;
        let before = house.upstream.seen().len();
        if served {
            answer.says(200, "upstream GET /x");
        } else {
            answer.says(421, "another host name");
        }
        let mut h2 = H2::connect(house.edge(), &trust).await;
        let request = h2.request("GET", "/x", &[ANN]);
        let request = request.uri(format!("https://{host}/x"));
        let answer = h2
            .send(request.body(crate::kit::h2::empty()).unwrap())
            .await;
        let answer = crate::kit::h2::whole(answer.unwrap()).await;
        assert_eq!(
            answer.status,
            if served { 200 } else { 421 },
            "{name} {host}"
        );
        assert_eq!(house.upstream.seen().len() - before, usize::from(served));
    }
}

/// Not even where a space answers to every host.
#[tokio::test]
async fn s07_a_host_that_is_no_text_is_refused() {
    let (house, trust) = header_house().await;
    let mut wire = Wire::over(trust.http1(house.edge()).await);
    wire.send(b"GET /x HTTP/1.1\r\nHost: \xff.example\r\nhdr-usr: ann\r\n\r\n")
        .await;
    assert_eq!(wire.response().await.status, 400);
    let mut frames = Frames::connect(house.edge(), &trust).await;
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/x"),
        ("host", "\u{e4}.example"),
        ("hdr-usr", "ann"),
    ];
    frames.head(1, END_STREAM, &fields).await;
    assert_eq!(frames.end_of(1).await, End::Status(400));
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn s07_plain_http_knows_no_misdirected_host() {
    let house = House::header("").await;
    let script = house.script_of("ann").with("host", "two.example");
    script.get("/x").await.says(200, "upstream GET /x");
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_https() {
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    authority.issue_for_this_machine(folder.path());
    let site = tls_site(&["site"], ", hsts = \"1d\"") + REDIRECT;
    let house = House::at(site, folder, Upstream::start().await, &header_space()).await;
    let script = house.script().over_tls(authority.trust().dial());
    let name = "strict-transport-security";
    // A page of ours, an application's, and one that nobody may see.
    for (script, path, status) in [
        (script.clone(), "/.gatepass/nothing", 404),
        (script.clone().with("hdr-usr", "ann"), "/x", 200),
        (script.clone(), "/x", 401),
    ] {
        let answer = script.get(path).await;
        assert_eq!(
            (answer.status, answer.header(name)),
            (status, "max-age=86400")
        );
    }
    let mut h2 = H2::connect(house.edge(), &authority.trust()).await;
    let answer = h2.get("/x", &[ANN]).await;
    assert_eq!(answer.header(name), "max-age=86400");
    let own = script.with("hdr-usr", "ann").get("/hsts").await;
    assert_eq!(own.header(name), "max-age=1", "an upstream's own stays");
    let plain = house.gateway.redirect_addresses()[0];
    let answer = crate::kit::Script::new(plain).get("/x").await;
    assert_eq!(answer.header(name), "", "never over plain HTTP");
}

#[tokio::test]
async fn behind_a_port_mapping_the_port_that_clients_see_is_named() {
    let authority = Authority::new();
    for (port, place) in [(443, "site.example"), (9443, "site.example:9443")] {
        let redirect = format!("{REDIRECT}redirect_port = {port}\n");
        let site = tls_site(&["site"], "") + &redirect;
        let folder = TempDir::new().unwrap();
        authority.issue_for_this_machine(folder.path());
        let house = House::at(site, folder, Upstream::start().await, &header_space()).await;
        let mut wire = Wire::connect(house.gateway.redirect_addresses()[0]).await;
        let answer = wire
            .ask("GET /a HTTP/1.1\r\nHost: site.example\r\n\r\n")
            .await;
        assert_eq!(answer.header("location"), format!("https://{place}/a"));
    }
}

#[tokio::test]
async fn plain_listeners_send_everybody_to_https() {
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    authority.issue_for_this_machine(folder.path());
    let site = tls_site(&["site"], "") + REDIRECT;
    let config = header_space().replace("upstream =", "hosts = [\"site.example\"]\nupstream =");
    let house = House::at(site, folder, Upstream::start().await, &config).await;
    let plain = house.gateway.redirect_addresses()[0];
    let port = house.edge().port();
    let head = |line: &str, host: &str| format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (line, host, status, target) in [
        ("GET /a?b=c%20d", "site.example", 301, "/a?b=c%20d"),
        ("HEAD /", "site.example:8080", 301, "/"),
        ("POST /form", "Site.Example.", 308, "/form"),
        ("GET /x/../a//b/%7e", "site.example", 301, "/a/b/~"),
        ("GET http://site.example/abs", "other.example", 301, "/abs"),
        ("GET /a", "other.example", 421, ""),
        ("GET http://other.example/abs", "site.example", 421, ""),
        ("GET /a", "site.example@evil.example", 400, ""),
        ("GET /a%2f..%2fb", "site.example", 400, ""),
        ("OPTIONS *", "site.example", 400, ""),
    ] {
        let mut wire = Wire::connect(plain).await;
        let answer = wire.ask(&head(line, host)).await;
        let wanted = match target {
            "" => String::new(),
            target => format!("https://site.example:{port}{target}"),
        };
        let got = (answer.status, answer.header("location"));
        assert_eq!(got, (status, &*wanted), "{line} {host}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    // A connection goes on, also behind what asks for an upgrade or has a body.
    let mut wire = Wire::connect(plain).await;
    let upgrade = head(
        "GET /ws",
        "site.example\r\nConnection: upgrade\r\nUpgrade: websocket",
    );
    assert_eq!(wire.ask(&upgrade).await.status, 301);
    assert_eq!(wire.ask(&head("GET /", "site.example")).await.status, 301);
    // The framing is read strictly here, too.
    let mut wire = Wire::connect(plain).await;
    wire.send("GET / HTTP/1.1\nHost: site.example\n\n").await;
    assert_eq!(wire.response().await.status, 400);
    assert!(house.upstream.seen().is_empty());
    assert!(house.admin().sessions("1001").await.is_empty());
}

#[tokio::test]
async fn a_new_certificate_comes_into_force_under_open_connections() {
    let authority = Authority::new();
    let mut house = House::over_tls(&authority, &header_space()).await;
    let trust = authority.trust();
    let mut old = Wire::over(trust.http1(house.edge()).await);
    let mut old_h2 = H2::connect(house.edge(), &trust).await;
    let get = house.script_of("ann").head("GET", "/x", 0);
    old.ask(&get).await.says(200, "GET /x");

    // Another authority's: who trusts only the first no longer gets in.
    let other = Authority::new();
    other.issue_for_this_machine(house.folder.path());
    assert!(house.reload(&header_space()).is_empty());
    old.ask(&get).await.says(200, "GET /x");
    old_h2.get("/x", &[ANN]).await.says(200, "GET /x");
    assert!(trust.connect(house.edge(), &["http/1.1"]).await.is_err());
    let mut new = Wire::over(other.trust().http1(house.edge()).await);
    new.ask(&get).await.says(200, "GET /x");

    // S41: a certificate that cannot be read leaves everything as it was.
    let good = std::fs::read(house.file("site.pem")).unwrap();
    std::fs::write(house.file("site.pem"), "nothing").unwrap();
    let refused = match house.read(&header_space()) {
        Ok(loaded) => house.gateway.reload(loaded.options).is_err(),
        Err(_) => true,
    };
    assert!(refused);
    let mut new = Wire::over(other.trust().http1(house.edge()).await);
    new.ask(&get).await.says(200, "GET /x");
    std::fs::write(house.file("site.pem"), good).unwrap();

    house.site.clear();
    assert_eq!(house.reload(&header_space()), ["edge.tls"]);
}

#[tokio::test]
async fn s37_idle_and_endless_handshakes_are_cut() {
    let authority = Authority::new();
    let limits = "[edge.timeouts]\nheader_read = \"300ms\"\nkeep_alive = \"300ms\"\n[admin]";
    let config = header_space().replace("[admin]", limits);
    let house = House::over_tls(&authority, &config).await;
    // Nothing, the beginning of a ClientHello, and something else.
    for begun in [
        &b""[..],
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut wire = Wire::connect(house.edge()).await;
        wire.send(begun).await;
        wire.rest().await;
    }
    // After the handshake nothing either, in both protocols.
    let mut http1 = Wire::over(authority.trust().http1(house.edge()).await);
    assert!(http1.is_closed().await);
    let mut http2 = authority.trust().http2(house.edge()).await;
    soon(http2.read_to_end(&mut Vec::new())).await.ok();
    let metrics = house.admin().get("/metrics").await;
    for line in [
        r#"gatepass_tls_handshakes_total{port="edge",result="timed-out"} 2"#,
        r#"gatepass_tls_handshakes_total{port="edge",result="failed"} 1"#,
        r#"gatepass_tls_handshakes_total{port="edge",result="full"} 2"#,
    ] {
        metrics.says(200, line);
    }
}

#[tokio::test]
async fn s37_handshakes_count_as_connections_and_hold_up_nobody() {
    let authority = Authority::new();
    let config = header_space().replace("workers", "max_connections = 3\nworkers");
    let house = House::over_tls(&authority, &config).await;
    let trust = authority.trust();
    let edge: SocketAddr = house.edge();
    let silent = [Wire::connect(edge).await, Wire::connect(edge).await];
    // A third is served beside the two that do not speak.
    let mut third = Wire::over(trust.http1(edge).await);
    let get = house.script_of("ann").head("GET", "/x", 0);
    third.ask(&get).await.says(200, "GET /x");
    assert!(trust.connect(edge, &["http/1.1"]).await.is_err());
    drop(silent);
    eventually(async || trust.connect(edge, &["http/1.1"]).await.ok()).await;
}

#[tokio::test]
async fn sessions_are_resumed_over_all_workers() {
    let authority = Authority::new();
    let config = header_space().replace("workers = 1", "workers = 3");
    let house = House::over_tls(&authority, &config).await;
    let trust = authority.trust();
    let get = house.script_of("ann").head("GET", "/x", 0);
    for turn in 0..20 {
        let stream = trust.again(house.edge()).await;
        assert_eq!(tls::has_resumed(&stream), turn > 0, "{turn}");
        // Reading an answer takes in the tickets that come with it.
        Wire::over(stream).ask(&get).await.says(200, "GET /x");
    }
}

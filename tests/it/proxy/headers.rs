//! S01 to S05: who says what in which header.

use proptest::prelude::*;

use crate::kit::{Authority, H2, House, PORTS, Script, Seen, Wire, for_all, h2, upstream};

/// Space 1001 says who the user is in every way there is; `/anon` takes anybody and says
/// nothing; nobody is behind `/down`.
const SPACES: &str = r#"
[[space]]
id = "1001"
upstream = ["UPSTREAM"]
authn = ["header"]
identity_headers = ["x-forwarded", "remote", "qlik", "custom"]
assertion = { header = "X-Sales-Assertion", audience = "sales" }
[space.custom_headers]
X-Account = "{user_id}@{space}"
[space.header]
name = "hdr-usr"
directory = "LAB"
trusted = ["127.0.0.1"]

[[space]]
id = "1002"
prefix = "/anon"
upstream = ["UPSTREAM"]
authn = ["anonymous"]
anonymous = "always"

[[space]]
id = "1003"
prefix = "/down"
upstream = ["NOBODY"]
authn = ["anonymous"]
anonymous = "always"
"#;

async fn house() -> House {
    let nobody = format!("http://{}", upstream::nobody().await);
    House::with(&format!("{PORTS}{}", SPACES.replace("NOBODY", &nobody))).await
}

/// Every name that the gateway says to an upstream, in some space.
const OURS: [&str; 30] = [
    "x-forwarded-user",
    "x-forwarded-preferred-username",
    "x-forwarded-email",
    "x-forwarded-groups",
    "remote-user",
    "remote-name",
    "remote-email",
    "remote-groups",
    "x-qlik-user",
    "x-qlik-security",
    "x-qlik-proxysession",
    "x-qlik-virtual-proxy-prefix",
    "x-gatepass-assertion",
    "x-sales-assertion",
    "x-account",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-anything",
    "x-real-ip",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "forwarded",
    "true-client-ip",
    "cf-connecting-ip",
    "proxy",
    "x-client-ip",
];

/// A header that a client writes in the gateway's place.
#[derive(Clone, Debug)]
struct Forged {
    name: String,
    times: usize,
}

fn forged() -> impl Strategy<Value = Forged> {
    let parts = (
        prop::sample::select(OURS.to_vec()),
        prop::collection::vec(any::<u8>(), 1..40),
        1..4_usize,
    );
    parts.prop_map(|(name, seeds, times)| Forged {
        name: spelled(name, &seeds),
        times,
    })
}

/// The name in some spelling that one upstream or another takes for the same.
fn spelled(name: &str, seeds: &[u8]) -> String {
    name.bytes()
        .zip(seeds.iter().cycle())
        .map(|(byte, seed)| match byte {
            b'-' => char::from(b"--__.~!#$%&'*+^`|"[usize::from(*seed) % 17]),
            _ if seed % 2 == 0 => char::from(byte.to_ascii_uppercase()),
            _ => char::from(byte),
        })
        .collect()
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Upgrade,
    Anonymous,
    /// With a body in chunks, and the forged fields behind it, too.
    Trailers,
    /// To a space whose upstream cannot be reached.
    ErrorPage,
}

fn request(kind: Kind, forged: &[Forged], more: &str) -> String {
    let line = match kind {
        Kind::Plain => "GET /plain",
        Kind::Upgrade => "GET /ws-refused",
        Kind::Anonymous => "GET /anon/x",
        Kind::Trailers => "POST /trailers",
        Kind::ErrorPage => "GET /down/x",
    };
    let mut text = format!("{line} HTTP/1.1\r\nHost: sales.example.com\r\nhdr-usr: ann\r\n{more}");
    for header in forged {
        for _ in 0..header.times {
            text += &format!("{}: evil\r\n", header.name);
        }
    }
    match kind {
        Kind::Upgrade => text += "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        Kind::Trailers => {
            // Only what is announced passes hyper, so everything is.
            text += "Trailer: x-checksum";
            for header in forged {
                text += &format!(", {}", header.name);
            }
            text += "\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n";
            for header in forged {
                // Those that are refused as trailers altogether are a matter of framing.
                let name = header.name.to_ascii_lowercase();
                let refused = ["x-forwarded-", "x-original-", "x-real-", "forwarded"];
                if !refused.iter().any(|prefix| name.starts_with(prefix)) {
                    text += &format!("{}: evil\r\n", header.name);
                }
            }
            text += "X-Checksum: fine\r\n\r\n";
        }
        _ => text += "\r\n",
    }
    text
}

/// Checks what the upstream saw of a request of `ann` in space 1001.
#[track_caller]
fn says_who_it_is(seen: &Seen, scheme: &str) {
    for (name, value) in [
        ("x-forwarded-user", Some("ann")),
        ("x-forwarded-preferred-username", Some("ann")),
        ("remote-user", Some("ann")),
        ("x-account", Some("ann@1001")),
        ("x-qlik-user", Some("UserDirectory=LAB; UserId=ann")),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-real-ip", Some("127.0.0.1")),
        ("x-forwarded-proto", Some(scheme)),
        ("x-forwarded-host", Some("sales.example.com")),
        // What the session does not have is absent, whatever the client sends (S02).
        ("x-forwarded-email", None),
        ("x-forwarded-groups", None),
        ("remote-email", None),
        ("remote-groups", None),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    assert!(seen.header("x-sales-assertion").is_some());
    assert_eq!(seen.header("x-gatepass-assertion"), None);
    assert_eq!(seen.header("hdr-usr"), None);
}

#[test]
fn s01_s02_no_spelling_of_our_headers_reaches_the_upstream() {
    let kinds = vec![
        Kind::Plain,
        Kind::Upgrade,
        Kind::Anonymous,
        Kind::Trailers,
        Kind::ErrorPage,
    ];
    let case = (
        prop::sample::select(kinds),
        prop::collection::vec(forged(), 0..8),
    );
    for_all(150, case, house, async |house, (kind, forged)| {
        let before = house.upstream.seen().len();
        let mut wire = house.wire().await;
        wire.send(request(kind, &forged, "")).await;
        let answer = wire.response().await;
        assert!(!answer.all_headers().contains("evil"), "{answer:?}");
        let seen = house.upstream.seen();
        if let Kind::ErrorPage = kind {
            answer.says(502, "cannot be reached");
            assert_eq!(seen.len(), before);
            return;
        }
        assert_eq!(seen.len(), before + 1, "{}", answer.text());
        let seen = seen.last().unwrap();
        assert!(!seen.everything().contains("evil"), "{seen:#?}");
        match kind {
            Kind::Anonymous => {
                for name in OURS.iter().take(15) {
                    assert_eq!(seen.header(name), None, "{name}");
                }
            }
            _ => says_who_it_is(seen, "http"),
        }
        if let Kind::Trailers = kind {
            assert_eq!(seen.trailers["x-checksum"], "fine");
            assert_eq!(seen.trailers.len(), 1);
        }
        if let Kind::Upgrade = kind {
            answer.says(403, "no sockets here");
        }
    });
}

#[test]
fn s01_s02_no_spelling_of_our_headers_reaches_the_upstream_over_http_2() {
    let authority = Authority::new();
    let house = async || {
        let nobody = format!("http://{}", upstream::nobody().await);
        let config = format!("{PORTS}{}", SPACES.replace("NOBODY", &nobody));
        House::over_tls(&authority, &config).await
    };
    let kinds = vec![
        Kind::Plain,
        Kind::Anonymous,
        Kind::Trailers,
        Kind::ErrorPage,
    ];
    let case = (
        prop::sample::select(kinds),
        prop::collection::vec(forged(), 0..8),
    );
    for_all(80, case, house, async |house, (kind, forged)| {
        let before = house.upstream.seen().len();
        let mut client = H2::connect(house.edge(), &authority.trust()).await;
        let answer = h2::whole(client.send(h2_request(kind, &forged)).await.unwrap()).await;
        assert!(!answer.all_headers().contains("evil"), "{answer:?}");
        let seen = house.upstream.seen();
        if let Kind::ErrorPage = kind {
            answer.says(502, "cannot be reached");
            return;
        }
        assert_eq!(seen.len(), before + 1, "{}", answer.text());
        let seen = seen.last().unwrap();
        assert!(!seen.everything().contains("evil"), "{seen:#?}");
        match kind {
            Kind::Anonymous => {
                for name in OURS.iter().take(15) {
                    assert_eq!(seen.header(name), None, "{name}");
                }
            }
            _ => says_who_it_is(seen, "https"),
        }
        if let Kind::Trailers = kind {
            assert_eq!(seen.trailers["x-checksum"], "fine");
            assert_eq!(seen.trailers.len(), 1);
        }
    });
}

/// The same as [`request`], in HTTP/2; there are no upgrades.
fn h2_request(kind: Kind, forged: &[Forged]) -> http::Request<h2::Body> {
    let (method, path) = match kind {
        Kind::Anonymous => ("GET", "/anon/x"),
        Kind::Trailers => ("POST", "/trailers"),
        Kind::ErrorPage => ("GET", "/down/x"),
        Kind::Plain | Kind::Upgrade => ("GET", "/plain"),
    };
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("https://sales.example.com{path}"))
        .header("hdr-usr", "ann");
    let (mut trailers, mut announced) = (http::HeaderMap::new(), "x-checksum".to_owned());
    for Forged { name, times } in forged {
        for _ in 0..*times {
            request = request.header(name, "evil");
        }
        announced += &format!(", {name}");
        let name: http::HeaderName = name.parse().unwrap();
        trailers.append(name, "evil".parse().unwrap());
    }
    if let Kind::Trailers = kind {
        trailers.append("x-checksum", "fine".parse().unwrap());
        let request = request.header("trailer", announced);
        return request.body(h2::with_trailers("body", trailers)).unwrap();
    }
    request.body(h2::empty()).unwrap()
}

#[test]
fn s03_connection_cannot_delete_what_we_add() {
    let token = prop_oneof![
        3 => prop::sample::select(OURS.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["close", "keep-alive", "host", "cookie", "content-length", "x-own", "te", "", "\"", "=;"]).prop_map(str::to_owned),
    ];
    let spelled = (token, prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(token, seeds)| {
        let upper = |(byte, seed): (u8, &u8)| {
            char::from(if seed % 2 == 0 {
                byte.to_ascii_uppercase()
            } else {
                byte
            })
        };
        token
            .bytes()
            .zip(seeds.iter().cycle())
            .map(upper)
            .collect::<String>()
    });
    let lines = prop::collection::vec(prop::collection::vec(spelled, 1..5), 1..4);
    let separator = prop::sample::select(vec![",", ", ", " ,\t", ",,"]);
    for_all(
        100,
        (lines, separator),
        house,
        async |house, (lines, separator)| {
            let connection: String = lines
                .iter()
                .map(|tokens| format!("Connection: {}\r\n", tokens.join(separator)))
                .collect();
            let mut wire = house.wire().await;
            let more = format!("{connection}Cookie: a=b\r\nX-Own: theirs\r\n");
            wire.send(request(Kind::Plain, &[], &more)).await;
            wire.response().await.says(200, "upstream GET /plain");
            let seen = house.upstream.last();
            says_who_it_is(&seen, "http");
            assert_eq!(seen.header("host"), Some("sales.example.com"));
            assert_eq!(seen.header("cookie"), Some("a=b"));
            assert_eq!(seen.header("connection"), None);
            let named = lines
                .iter()
                .flatten()
                .any(|t| t.eq_ignore_ascii_case("x-own"));
            assert_eq!(seen.header("x-own"), (!named).then_some("theirs"));
        },
    );
}

#[tokio::test]
async fn s03_a_trailer_section_announced_by_te_is_offered_alone() {
    let house = house().await;
    let mut wire = house.wire().await;
    let more = "TE: trailers, deflate\r\nConnection: te, x-forwarded-user\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic x\r\n";
    wire.send(request(Kind::Plain, &[], more)).await;
    wire.response().await.says(200, "upstream");
    let seen = house.upstream.last();
    assert_eq!(seen.header("te"), Some("trailers"));
    assert_eq!(seen.header("connection"), Some("te"));
    assert_eq!(seen.header("keep-alive"), None);
    assert_eq!(seen.header("proxy-authorization"), None);
    says_who_it_is(&seen, "http");
}

/// The lines of a hop that calls itself a proxy.
const FORWARDED: &str = "X-Forwarded-For: 203.0.113.7, 198.51.100.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 444\r\nForwarded: for=203.0.113.7\r\nX-Real-IP: 203.0.113.7\r\nX-Original-URL: /admin\r\n";

#[tokio::test]
async fn s04_nobody_is_believed_by_default() {
    let house = house().await;
    let mut wire = house.wire().await;
    wire.send(request(Kind::Plain, &[], FORWARDED)).await;
    let answer = wire.response().await;
    answer.says(200, "upstream");
    // Over http: the cookie has neither prefix nor Secure, whatever the client claims.
    assert!(answer.header("set-cookie").starts_with("gatepass="));
    let seen = house.upstream.last();
    says_who_it_is(&seen, "http");
    assert_eq!(seen.header("x-forwarded-port"), Some("80"));
    assert_eq!(seen.header("forwarded"), None);
    assert_eq!(seen.header("x-original-url"), None);
    assert_eq!(house.admin().session("1001").await["clientIp"], "127.0.0.1");
}

#[tokio::test]
async fn s04_a_trusted_proxy_is_believed_and_its_neighbour_is_not() {
    let ports = PORTS.replace(
        "workers",
        "trusted_proxies = [\"127.0.0.1\", \"198.51.100.0/24\"]\nworkers",
    );
    let house = House::with(&format!(
        "{ports}{}",
        SPACES.replace("NOBODY", "http://127.0.0.1:9")
    ))
    .await;
    for (from, client, chain, proto) in [
        (
            "127.0.0.1",
            "203.0.113.7",
            "203.0.113.7, 198.51.100.2, 127.0.0.1",
            "https",
        ),
        ("127.0.0.2", "127.0.0.2", "127.0.0.2", "http"),
    ] {
        let mut wire = house.wire_from(from).await;
        let head = format!("GET /anon/who HTTP/1.1\r\nHost: sales\r\n{FORWARDED}\r\n");
        let answer = wire.ask(&head).await;
        answer.says(200, "upstream GET /who");
        let seen = house.upstream.last();
        assert_eq!(seen.header("x-forwarded-for"), Some(chain));
        assert_eq!(seen.header("x-real-ip"), Some(client));
        assert_eq!(seen.header("x-forwarded-proto"), Some(proto));
        assert_eq!(seen.header("x-forwarded-prefix"), Some("/anon"));
        assert_eq!(seen.header("forwarded"), None);
        assert_eq!(seen.header("x-original-url"), None);
        let newest = &house.admin().sessions("1002").await[0];
        assert_eq!(newest["clientIp"], client);
    }
}

#[tokio::test]
async fn s04_trusting_everybody_is_a_configuration_error() {
    let house = House::local().await;
    for everybody in ["0.0.0.0/0", "::/0"] {
        let edge = format!(
            "[edge]\ntrusted_proxies = [\"{everybody}\"]\n{}",
            crate::kit::LOCAL
        );
        let error = house.read(&edge).unwrap_err();
        assert!(
            error.contains("trusted_proxies") && error.contains(everybody),
            "{error}"
        );
    }
}

#[test]
fn s05_no_cookie_of_ours_reaches_an_upstream() {
    let ours = ["gatepass", "gatepass-anon", "gatepass-down"];
    let prefixes = ["", "__Host-", "__Secure-"];
    let our = (
        prop::sample::select(ours.to_vec()),
        prop::sample::select(prefixes.to_vec()),
    )
        .prop_map(|(name, prefix)| format!("{prefix}{name}=evil"));
    let their = prop::sample::select(vec!["a=1", "gatepass2=x", "xgatepass=y", "__Host-id=z"]);
    let pair = prop_oneof![our, their.prop_map(str::to_owned)];
    let lines = prop::collection::vec(prop::collection::vec(pair, 1..5), 1..3);
    for_all(80, lines, house, async |house, lines| {
        let cookies: String = lines
            .iter()
            .map(|pairs| format!("Cookie: {}\r\n", pairs.join("; ")))
            .collect();
        for kind in [Kind::Plain, Kind::Anonymous, Kind::Upgrade] {
            let mut wire = house.wire().await;
            wire.send(request(kind, &[], &cookies)).await;
            let _ = wire.response().await;
            let seen = house.upstream.last();
            assert!(!seen.everything().contains("evil"), "{seen:#?}");
            let theirs: Vec<_> = lines
                .iter()
                .flatten()
                .filter(|p| !p.contains("evil"))
                .cloned()
                .collect();
            let left: Vec<_> = seen
                .headers
                .get_all("cookie")
                .iter()
                .map(|v| v.to_str().unwrap())
                .collect();
            assert_eq!(left.join("; "), theirs.join("; "));
        }
    });
}

#[tokio::test]
async fn s05_a_session_cookie_stays_with_the_gateway() {
    let house = house().await;
    let answer = house.script_of("ann").get("/").await;
    let cookie = answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let value = cookie.split_once('=').unwrap().1;
    house
        .script()
        .with("cookie", &format!("a=b; {cookie}; c=d"))
        .get("/x")
        .await
        .says(200, "/x");
    let seen = house.upstream.last();
    assert_eq!(seen.header("cookie"), Some("a=b; c=d"));
    assert!(!seen.everything().contains(value));
    assert_eq!(seen.header("x-forwarded-user"), Some("ann"));
}

#[tokio::test]
async fn s05_our_headers_never_reach_the_client() {
    let house = house().await;
    let mut wire = Wire::connect(house.edge()).await;
    let script = Script::new(house.edge())
        .with("hdr-usr", "ann")
        .with("te", "trailers")
        .with("connection", "te");
    wire.send(script.head("GET", "/talkative", 0)).await;
    let answer = wire.response().await;
    answer.says(200, "talk");
    assert_eq!(answer.header("x-theirs"), "kept");
    assert!(
        !format!("{:?}{:?}", answer.headers, answer.trailers).contains("secret"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_space_has_headers_on_all_its_responses() {
    let config = "[space.response_headers]\nX-Frame-Options = \"SAMEORIGIN\"\nX-Space = \"one\"\nServer = \"\"\n[[space.access]]\npath = \"/denied\"\nrequire = { attribute = \"none\", any_of = [\"x\"] }\n";
    let house = House::header(config).await;
    let script = house.script_of("ann");
    let path = "/headers?X-Frame-Options=ALLOWALL&X-Frame-Options=DENY&Server=theirs&ETag=e";
    let answer = script.get(path).await;
    answer.says(200, "headers");
    assert_eq!(answer.header("x-frame-options"), "SAMEORIGIN");
    assert_eq!(answer.header("x-space"), "one");
    assert_eq!(answer.header("etag"), "e");
    assert!(!answer.headers.contains_key("server"));
    for (path, status) in [
        ("/status/404", 404),
        ("/denied", 403),
        ("/break", 502),
        ("/.gatepass/nothing", 404),
    ] {
        let answer = script.get(path).await;
        assert_eq!((answer.status, answer.header("x-space")), (status, "one"));
    }
    let answer = house.script().get("/").await;
    assert_eq!((answer.status, answer.header("x-space")), (401, "one"));
    // A page of ours keeps what protects it.
    let answer = house.browser().get("/.gatepass/logout").await;
    assert_eq!(answer.header("x-space"), "one");
    assert_eq!(answer.header("x-frame-options"), "DENY");
}

//! The whole order, on the headers an upstream and a client would see.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Attributes, ClientInfo, Clock, Connection, Identity, ManualClock, Method, NewSession,
    PathPrefix, Scheme, Session, SessionPolicy, SpaceId, SpaceState, Tick, Token,
};

/// A session of space 1001: of a user with everything, or of one with a name only.
pub(super) fn session(rich: bool) -> Session {
    let identity = if rich {
        let attributes: Attributes = [
            ("group", vec!["a b", "bad\r\nX-Evil: 1", "", "c,d"]),
            ("roles", vec!["100%", " x "]),
        ]
        .into_iter()
        .collect();
        Identity::new("LAB", "jörg")
            .and_then(|i| i.with_name("Jörg Ä"))
            .and_then(|i| i.with_email("j@b.c"))
            .unwrap()
            .with_attributes(attributes)
    } else {
        Identity::new("LAB", "ann").unwrap()
    };
    let space = SpaceState::new(SpaceId::new("1001").unwrap(), SessionPolicy::default());
    let new = NewSession {
        identity: Arc::new(identity),
        method: Method::Local,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    };
    Session::start(new, space, Token::generate().digest(), &ManualClock::new())
}

fn groups() -> String {
    Profile::GROUPS.to_owned()
}

fn every_profile() -> Profiles {
    let prefix = PathPrefix::new("/sales").unwrap();
    Profiles::new([
        Profile::XForwarded { groups: groups() },
        Profile::Remote { groups: groups() },
        Profile::Qlik { prefix },
        Profile::Custom {
            name: HeaderName::from_static("webauth-user"),
            value: Template::parse("{user_id}").unwrap(),
        },
    ])
    .unwrap()
}

fn rules(profiles: Profiles) -> HeaderRules {
    let custom = HeaderName::from_static("webauth-user");
    let scrub = Scrub::new([&custom], []);
    let cookies = CookieNames::new(["gatepass"]);
    HeaderRules::new(Arc::new(scrub), Arc::new(cookies)).with_profiles(profiles)
}

fn send(rules: &HeaderRules, headers: &mut HeaderMap, session: Option<&Session>) -> Exchange {
    send_at(rules, headers, session, Tick::from_millis(0))
}

fn send_at(
    rules: &HeaderRules,
    headers: &mut HeaderMap,
    session: Option<&Session>,
    now: Tick,
) -> Exchange {
    let client: IpAddr = [192, 0, 2, 7].into();
    let connection = Connection {
        peer: (client, 40_000).into(),
        client_ip: client,
        scheme: Scheme::Http,
    };
    let facts = RequestFacts {
        connection: &connection,
        known: &ConnectionHeaders::new(client),
        peer: Peer::Client,
        session,
        now,
        consumed: &[],
    };
    rules.prepare_request(headers, &facts)
}

fn map(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        let name = HeaderName::try_from(*name).unwrap();
        headers.append(name, HeaderValue::try_from(*value).unwrap());
    }
    headers
}

fn browser() -> HeaderMap {
    map(&[
        ("host", "sales.example.com"),
        ("connection", "keep-alive"),
        ("user-agent", "Mozilla/5.0"),
        ("accept", "text/html"),
        ("content-length", "3"),
        ("authorization", "Basic eA=="),
        ("cookie", "a=1; __Host-gatepass=secret; b=2"),
    ])
}

fn any_case(word: &str, seed: u64) -> String {
    let upper = |at: usize| seed >> (at % 64) & 1 == 1;
    word.char_indices()
        .map(|(at, c)| if upper(at) { c.to_ascii_uppercase() } else { c })
        .collect()
}

proptest! {
    #[test]
    fn s03_no_connection_header_changes_what_the_upstream_learns(
        lines in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 1..3_usize), 0..8), 0..4),
    ) {
        let rules = rules(every_profile());
        let session = session(true);
        let mut wanted = browser();
        prop_assert_eq!(send(&rules, &mut wanted, Some(&session)), Exchange::Message);
        // Whatever is at the upstream, a client may try to have deleted.
        let names: Vec<&str> = wanted.keys().map(HeaderName::as_str).chain(["keep-alive", "close", "", "b@d", "te"]).collect();
        let mut headers = browser();
        for line in &lines {
            let tokens = line.iter().flat_map(|(pick, seed, times)| {
                std::iter::repeat_n(any_case(names[pick.index(names.len())], *seed), *times)
            });
            let value = tokens.collect::<Vec<_>>().join(" , ");
            headers.append("connection", HeaderValue::try_from(value).unwrap());
        }
        prop_assert_eq!(send(&rules, &mut headers, Some(&session)), Exchange::Message);
        prop_assert_eq!(headers, wanted);
    }

    #[test]
    fn s01_s02_a_client_cannot_speak_for_the_gateway(
        fakes in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 0..5_usize, 1..3_usize), 0..10),
        rich in any::<bool>(),
        signed_in in any::<bool>(),
    ) {
        let rules = rules(every_profile());
        let session = session(rich);
        let session = signed_in.then_some(&session);
        let mut wanted = browser();
        let _ = send(&rules, &mut wanted, session);
        let all = every_profile();
        let names: Vec<&str> = all.names().map(HeaderName::as_str)
            .chain(["x-forwarded-for", "x-forwarded-prefix", "forwarded", "x-gatepass-assertion"]).collect();
        let mut headers = browser();
        for (pick, seed, separator, times) in &fakes {
            let separator = ["-", "_", ".", "~", "!"][*separator];
            let name = any_case(&names[pick.index(names.len())].replace('-', separator), *seed);
            for _ in 0..*times {
                headers.append(HeaderName::try_from(&name).unwrap(), HeaderValue::from_static("admin"));
            }
        }
        let _ = send(&rules, &mut headers, session);
        prop_assert_eq!(headers, wanted);
    }
}

#[test]
fn a_browsers_request_arrives_with_what_it_should() {
    let rules = rules(Profiles::new([Profile::XForwarded { groups: groups() }]).unwrap())
        .with_stripped_prefix(&PathPrefix::new("/sales").unwrap());
    let mut headers = browser();
    assert_eq!(
        send(&rules, &mut headers, Some(&session(true))),
        Exchange::Message
    );
    let wanted = map(&[
        ("host", "sales.example.com"),
        ("user-agent", "Mozilla/5.0"),
        ("accept", "text/html"),
        ("content-length", "3"),
        ("authorization", "Basic eA=="),
        ("cookie", "a=1; b=2"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "sales.example.com"),
        ("x-forwarded-port", "80"),
        ("x-forwarded-prefix", "/sales"),
        ("x-forwarded-user", "jörg"),
        ("x-forwarded-preferred-username", "Jörg Ä"),
        ("x-forwarded-email", "j@b.c"),
        ("x-forwarded-groups", "a b,c%2Cd"),
    ]);
    assert_eq!(headers, wanted);
}

#[test]
fn s03_what_a_connection_names_by_right_goes() {
    let rules = rules(Profiles::default());
    let mut headers = browser();
    for (name, value) in [
        ("connection", "X-Hop, , upgrade"),
        ("x-hop", "1"),
        ("x-stays", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer_encoding", "chunked"),
        ("proxy-authorization", "Basic eA=="),
        ("te", "gzip"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", "k"),
    ] {
        headers.append(name, HeaderValue::from_static(value));
    }
    assert_eq!(send(&rules, &mut headers, None), Exchange::Upgrade);
    assert_eq!(
        headers.get_all("connection").iter().collect::<Vec<_>>(),
        ["upgrade"]
    );
    assert_eq!(headers["upgrade"], "websocket");
    for gone in [
        "x-hop",
        "keep-alive",
        "transfer_encoding",
        "proxy-authorization",
        "te",
    ] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    assert!(headers.contains_key("x-stays") && headers.contains_key("sec-websocket-key"));
}

#[test]
fn an_upgrade_needs_both_fields_and_leaves_http() {
    let rules = rules(Profiles::default());
    for (connection, upgrade, exchange) in [
        ("Upgrade", "websocket", Exchange::Upgrade),
        ("keep-alive, UPGRADE", "WebSocket", Exchange::Upgrade),
        ("keep-alive", "websocket", Exchange::Message),
        ("upgrade", "h2c", Exchange::Message),
        (
            "upgrade, http2-settings",
            "websocket, H2C",
            Exchange::Message,
        ),
        ("upgrade", "HTTP/2.0", Exchange::Message),
        ("upgrade", "TLS/1.2, foo", Exchange::Message),
    ] {
        let mut headers = map(&[
            ("connection", connection),
            ("upgrade", upgrade),
            ("http2-settings", "A"),
        ]);
        assert_eq!(
            send(&rules, &mut headers, None),
            exchange,
            "{connection} {upgrade}"
        );
        let is_upgrade = exchange == Exchange::Upgrade;
        assert_eq!(
            headers.contains_key("upgrade"),
            is_upgrade,
            "{connection} {upgrade}"
        );
        assert_eq!(headers.contains_key("connection"), is_upgrade);
        assert!(!headers.contains_key("http2-settings"));
    }
    let mut grpc = map(&[("te", "Trailers"), ("connection", "TE")]);
    assert_eq!(send(&rules, &mut grpc, None), Exchange::Message);
    assert_eq!(
        (&grpc["te"], &grpc["connection"]),
        (&"trailers".parse().unwrap(), &"te".parse().unwrap())
    );
}

#[test]
fn s05_responses_lose_what_is_not_for_the_client() {
    let rules = rules(every_profile());
    let response = || {
        map(&[
            ("content-type", "text/html"),
            ("connection", "keep-alive, x-hop, set-cookie"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("set-cookie", "app=1"),
            ("upgrade", "websocket"),
            ("X-Forwarded-User", "jörg"),
            ("x_gatepass_assertion", "ey"),
            ("webauth.user", "x"),
        ])
    };
    let mut headers = response();
    assert_eq!(
        rules.prepare_response(&mut headers, StatusCode::OK),
        Exchange::Message
    );
    assert_eq!(
        headers,
        map(&[("content-type", "text/html"), ("set-cookie", "app=1")])
    );

    let mut headers = response();
    headers.append("connection", HeaderValue::from_static("Upgrade"));
    let exchange = rules.prepare_response(&mut headers, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(exchange, Exchange::Upgrade);
    assert_eq!(
        (headers.len(), &headers["connection"]),
        (4, &"upgrade".parse().unwrap())
    );
}

#[test]
fn headers_are_prepared_once_and_anew_when_they_no_longer_hold() {
    let clock = Arc::new(ManualClock::new());
    let key = Arc::new(AssertionKey::generate().unwrap());
    let with_assertion = |profiles| {
        let assertion = Assertion::new(Arc::clone(&key), clock.clone(), "g", "a");
        rules(profiles).with_assertion(assertion).unwrap()
    };
    let first = with_assertion(every_profile());
    let session = session(true);
    let token = |rules: &HeaderRules| {
        let mut headers = browser();
        let _ = send_at(rules, &mut headers, Some(&session), clock.tick());
        headers["x-gatepass-assertion"].clone()
    };
    // An ECDSA signature is different each time, so equal tokens were signed once.
    let signed = token(&first);
    clock.advance(Duration::from_secs(149));
    assert_eq!(token(&first), signed);
    clock.advance(Duration::from_secs(1));
    let again = token(&first);
    assert_ne!(again, signed);
    // Changed rules: another generation, other headers.
    let second = with_assertion(Profiles::default());
    let mut headers = browser();
    let _ = send_at(&second, &mut headers, Some(&session), clock.tick());
    assert_ne!(headers["x-gatepass-assertion"], again);
    assert!(!headers.contains_key("remote-user"));
}

#[test]
fn an_assertion_has_a_header_of_its_own() {
    let assertion = |name| {
        let key = Arc::new(AssertionKey::generate().unwrap());
        Assertion::new(key, Arc::new(ManualClock::new()), "g", "a")
            .with_header(HeaderName::from_static(name))
    };
    assert!(assertion("host").is_err());
    let taken = rules(every_profile()).with_assertion(assertion("webauth_user").unwrap());
    assert!(matches!(taken, Err(ProfileError::Duplicate(_))));
}

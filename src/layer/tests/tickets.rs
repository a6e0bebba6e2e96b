//! Tickets in the address, and the way to the login module and back.

use http::header::{LOCATION, REFERER};

use super::away::Away;
use super::*;
use crate::authn::ticket::{LoginModule, TicketAuthenticator};
use crate::domain::{HostPattern, PathPrefix, TargetId};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const HOST: (&str, &str) = ("host", "portal.example.com");

fn tickets(sessions: &Sessions) -> TicketAuthenticator {
    TicketAuthenticator::new(sessions.clone(), Arc::clone(sessions.default_space()))
}

fn module() -> LoginModule {
    let side_port = "https://gate.example.com:8081";
    LoginModule::new(
        "https://login.example.com/x",
        side_port,
        &PathPrefix::default(),
    )
    .unwrap()
}

impl Stage {
    /// A stage that takes tickets, too.
    fn with_tickets() -> Self {
        Self::new().add(|gate, sessions| gate.authenticator(tickets(sessions)))
    }

    /// A stage that sends people to the login module.
    fn with_module() -> Self {
        Self::new().add(|gate, sessions| {
            let allowed = HostPattern::new("app.example.com").unwrap();
            gate.redirect_hosts(vec![allowed])
                .authenticator(tickets(sessions).module(module()))
        })
    }

    fn add(
        mut self,
        change: impl FnOnce(crate::layer::GateBuilder, &Sessions) -> crate::layer::GateBuilder,
    ) -> Self {
        self.gate = change(self.gate.into_builder(), &self.sessions).build();
        self
    }

    async fn buy(&self, user: &str) -> String {
        let user = Arc::new(Identity::new("LAB", user).unwrap());
        let space = self.sessions.default_space();
        let secret = self.sessions.issue_ticket(space, user, None).await.unwrap();
        secret.expose().to_owned()
    }

    async fn visit(&self, target: &str, cookie: &str) -> Seen {
        self.send(request(target, &[(COOKIE.as_str(), cookie)]))
            .await
    }

    /// The address that was remembered for a redirect to the module.
    async fn remembered(&self, seen: &Seen) -> String {
        assert_eq!(seen.status, StatusCode::FOUND, "{}", seen.body);
        let location = seen.headers[LOCATION].to_str().unwrap();
        let rest = location
            .strip_prefix("https://login.example.com/x?targetId=")
            .unwrap_or_else(|| panic!("{location}"));
        let (id, rest) = rest.split_once('&').unwrap();
        let expected = "proxyRestUri=https%3A%2F%2Fgate.example.com%3A8081%2Fqps%2F";
        assert_eq!(rest, expected);
        let id: TargetId = id.parse().unwrap();
        let target = self.sessions.target(id).await.unwrap().unwrap();
        let (space, address) = target.split_once(' ').unwrap();
        assert_eq!(space, "default");
        address.to_owned()
    }
}

#[tokio::test]
async fn s10_a_ticket_replaces_the_session_that_was_there() {
    let stage = Stage::with_tickets();
    let old = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    // Another user, and the same one again: a new token either way, and the old one is dead.
    let mut before = old;
    for user in ["bob", "bob"] {
        let ticket = stage.buy(user).await;
        let target = format!("/a?x=1&qlikTicket={ticket}&y=2");
        let seen = stage.visit(&target, &before).await;
        assert_eq!(&*seen.body, "bob /a?x=1&y=2 false");
        let new = seen.cookie().expect("a new session's cookie");
        let gone = stage.visit("/", &before).await;
        assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
        assert_eq!(stage.visit("/", &new).await.status, StatusCode::OK);
        assert_eq!(stage.sessions.open(), 1);
        before = new;
    }
}

#[tokio::test]
async fn s10_a_stale_cookie_brings_no_ticket_into_another_session() {
    let stage = Stage::with_tickets();
    let stale = format!("gatepass={}", "A".repeat(43));
    let mut cookies = Vec::new();
    for _ in 0..2 {
        let ticket = stage.buy("bob").await;
        let seen = stage.visit(&format!("/?qlikTicket={ticket}"), &stale).await;
        cookies.push(seen.cookie().expect("a cookie of its own"));
    }
    assert_ne!(cookies[0], cookies[1]);
    assert_eq!(stage.sessions.open(), 2);
}

#[tokio::test]
async fn a_page_load_is_sent_to_the_address_without_the_ticket() {
    let stage = Stage::with_tickets();
    for (path, query, leads_to) in [
        ("/", "", "/"),
        ("/a/b", "x=%20&y", "/a/b?x=%20&y"),
        ("//evil.example/a", "", "/evil.example/a"),
        ("/x/..//evil.example", "", "/evil.example"),
    ] {
        let ticket = stage.buy("bob").await;
        let seen = stage
            .send(request(
                &format!("{path}?QLIKticket={ticket}&{query}"),
                &[HTML],
            ))
            .await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        assert_eq!(seen.headers[LOCATION], leads_to);
        assert_eq!(seen.headers["cache-control"], "no-store");
        let followed = stage.visit(leads_to, &seen.cookie().unwrap()).await;
        assert!(followed.body.starts_with("bob "), "{}", followed.body);
    }
    assert_eq!(stage.calls(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s30_a_hundred_redemptions_at_once_open_one_session() {
    let stage = Arc::new(Stage::with_tickets());
    let target = format!("/?qlikTicket={}", stage.buy("bob").await);
    let all = (0..100).map(|_| {
        let (stage, target) = (Arc::clone(&stage), target.clone());
        tokio::spawn(async move { stage.send(request(&target, &[])).await })
    });
    let mut refused = Vec::new();
    let mut admitted = 0;
    for seen in futures_util::future::join_all(all).await {
        let seen = seen.unwrap();
        match seen.cookie() {
            Some(_) => {
                assert_eq!(seen.status, StatusCode::OK);
                admitted += 1;
            }
            None => refused.push((seen.status, format!("{:?}", seen.headers), seen.body)),
        }
    }
    assert_eq!((admitted, refused.len(), stage.sessions.open()), (1, 99, 1));
    refused.dedup();
    assert_eq!(refused.len(), 1, "one constant answer: {refused:?}");
    assert_eq!(refused[0].0, StatusCode::UNAUTHORIZED);
    // Nor is a ticket that never was, one that is malformed, or two, answered differently.
    for query in [
        "qlikTicket=AAAAAAAAAAAAAAAA",
        "qlikTicket=x",
        "qlikTicket&qlikTicket",
    ] {
        let seen = stage.send(request(&format!("/?{query}"), &[])).await;
        let answer = (seen.status, format!("{:?}", seen.headers), seen.body);
        assert_eq!(answer, refused[0], "{query}");
    }
}

#[tokio::test]
async fn a_bad_ticket_falls_through_to_nothing_and_ends_nothing() {
    let stage = Stage::with_tickets();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    for headers in [&[][..], &[HTML]] {
        let mut all = vec![(COOKIE.as_str(), &*cookie)];
        all.extend(headers);
        let seen = stage.send(request("/?qlikTicket=used", &all)).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(seen.body.contains("ticket") && seen.cookie().is_none());
    }
    assert_eq!(stage.visit("/", &cookie).await.status, StatusCode::OK);
    let anonymous = Stage::with(|gate| gate.chain(crate::authn::Chain::default()));
    let anonymous = anonymous.add(|gate, sessions| {
        let chain = crate::authn::Chain::default().with(tickets(sessions));
        gate.chain(chain.with_anonymous(Anonymous::allow()))
    });
    let seen = anonymous.send(request("/?qlikTicket=used", &[])).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_has_a_ticket_and_may_not_come_in_is_told_so() {
    let stage = Stage::with_tickets();
    let policy = SessionPolicy {
        limit: Some(UserLimit {
            max: 1,
            policy: LimitPolicy::Refuse,
        }),
        ..SessionPolicy::default()
    };
    stage
        .sessions
        .space(&SpaceId::new("default").unwrap(), policy);
    let first = format!("/?qlikTicket={}", stage.buy("bob").await);
    assert_eq!(
        stage.send(request(&first, &[])).await.status,
        StatusCode::OK
    );
    let second = format!("/?qlikTicket={}", stage.buy("bob").await);
    let seen = stage.send(request(&second, &[])).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert!(seen.body.contains("1 open sessions"), "{}", seen.body);
    let bob = Identity::new("LAB", "bob").unwrap();
    let order = LockOrder {
        time: None,
        by: "root".into(),
        reason: None,
    };
    let space = stage.gate.space().id().clone();
    stage.sessions.lock_user(&space, &bob, order).await.unwrap();
    let third = format!("/?qlikTicket={}", stage.buy("bob").await);
    let seen = stage.send(request(&third, &[HTML])).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert!(seen.body.contains("locked"), "{}", seen.body);
}

#[test]
fn s20_a_ticket_leaves_the_address_and_the_referer() {
    let stage = Stage::with_tickets();
    for (target, referer, clean) in [
        (
            "/a?qlikTicket=x",
            "http://h/a?qlikTicket=x",
            ("/a", "http://h/a"),
        ),
        (
            "/a?b&QlikTicket=x",
            "http://h/?b&X-Qlik-Ticket=x",
            ("/a?b", "http://h/?b"),
        ),
        (
            "/a?forceauthentication=yes&b",
            "http://h/?b",
            ("/a?b", "http://h/?b"),
        ),
        (
            "/a?b",
            "http://h/qlikTicket=x",
            ("/a?b", "http://h/qlikTicket=x"),
        ),
    ] {
        let (mut parts, _) = request(target, &[("referer", referer)]).into_parts();
        stage.gate.take_off_credentials(&mut parts);
        let left = (
            &*parts.uri.to_string(),
            parts.headers[REFERER].to_str().unwrap(),
        );
        assert_eq!(left, clean);
    }
}

#[tokio::test]
async fn page_loads_of_nobody_go_to_the_module_and_scripts_are_told_401() {
    let stage = Stage::with_module();
    for (target, remembered) in [
        ("/", "http://portal.example.com/"),
        ("/a/b?c=d%0a&e", "http://portal.example.com/a/b?c=d%0a&e"),
        ("/a?forceAuthentication=yes", "http://portal.example.com/a"),
        ("//evil.example", "http://portal.example.com//evil.example"),
        ("/a?reloadUri=/b%3Fc", "http://portal.example.com/b?c"),
        (
            "/a?RELOADURI=http://portal.example.com/b",
            "http://portal.example.com/b",
        ),
        (
            "/a?reloadUri=https://app.example.com/b",
            "http://portal.example.com/.gatepass/login?return=https%3A//app.example.com/b",
        ),
        (
            "/a?reloadUri=/b%23/c",
            "http://portal.example.com/.gatepass/login?return=/b%23/c",
        ),
        (
            "/a?reloadUri=//evil.example",
            "http://portal.example.com/a?reloadUri=//evil.example",
        ),
        (
            "/a?reloadUri=http://portal.example.com.evil.example/b",
            "http://portal.example.com/a?reloadUri=http://portal.example.com.evil.example/b",
        ),
        (
            "/a?reloadUri=/.gatepass/logout",
            "http://portal.example.com/a?reloadUri=/.gatepass/logout",
        ),
        (
            "/.gatepass/login?return=/b?c",
            "http://portal.example.com/b?c",
        ),
        (
            "/.gatepass/login?return=//evil.example",
            "http://portal.example.com/",
        ),
    ] {
        let seen = stage.send(request(target, &[HTML, HOST])).await;
        assert_eq!(stage.remembered(&seen).await, remembered, "{target}");
    }
    let long = format!("/{}", "a".repeat(3000));
    let seen = stage.send(request(&long, &[HTML, HOST])).await;
    assert_eq!(stage.remembered(&seen).await, "http://portal.example.com/");
    for headers in [
        &[HOST][..],
        &[HOST, HTML, ("sec-fetch-mode", "cors")],
        &[HTML],
    ] {
        let seen = stage.send(request("/", headers)).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(!seen.headers.contains_key(LOCATION));
    }
    assert_eq!(stage.calls(), 0);
}

#[tokio::test]
async fn who_is_logged_in_needs_no_module_and_who_has_logged_out_finds_it() {
    let stage = Stage::with_module();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let headers = [HTML, HOST, (COOKIE.as_str(), &*cookie)];
    let seen = stage
        .send(request("/.gatepass/login?return=/x", &headers))
        .await;
    assert_eq!(
        (seen.status, &seen.headers[LOCATION]),
        (StatusCode::SEE_OTHER, &"/x".parse().unwrap())
    );
    let same_origin = ("sec-fetch-site", "same-origin");
    let headers = [HTML, HOST, same_origin, (COOKIE.as_str(), &*cookie)];
    let seen = stage.send(request("/.gatepass/logout", &headers)).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(
        seen.body.contains("href=\"/.gatepass/login\""),
        "{}",
        seen.body
    );
}

#[tokio::test]
async fn forceauthentication_is_for_who_is_nobody() {
    let stage = Stage::with_module();
    let stage = stage.add(|gate, sessions| {
        let chain = crate::authn::Chain::default().with(header());
        let chain = chain.with(tickets(sessions).module(module()));
        gate.chain(chain.with_anonymous(Anonymous::allow()))
    });
    let seen = stage.send(request("/a", &[HTML, HOST])).await;
    assert_eq!(seen.status, StatusCode::OK);
    let cookie = seen.cookie().unwrap();
    let forced = "/a?ForceAuthentication=YES&b";
    let headers = [HTML, HOST, (COOKIE.as_str(), &*cookie)];
    let seen = stage.send(request(forced, &headers)).await;
    assert_eq!(
        stage.remembered(&seen).await,
        "http://portal.example.com/a?b"
    );
    let seen = stage.visit(forced, &cookie).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "a script");
    assert_eq!(stage.visit("/", &cookie).await.status, StatusCode::OK);
    // The ticket makes somebody of them, in another session.
    let nobody = |seen: &Seen| {
        let user = seen.body.split(' ').next().unwrap().to_owned();
        assert!(user.starts_with("anonymous"), "{user}");
        user
    };
    let before = nobody(&stage.visit("/", &cookie).await);
    let target = format!("/a?qlikTicket={}", stage.buy("bob").await);
    let seen = stage.visit(&target, &cookie).await;
    assert_eq!(&*seen.body, "bob /a false");
    let after = nobody(&stage.visit("/", &cookie).await);
    assert_ne!(before, after, "the anonymous session is dead");
    let bob = seen.cookie().unwrap();
    assert_eq!(&*stage.visit(forced, &bob).await.body, "bob /a?b false");
}

#[tokio::test]
async fn s15_a_store_that_is_away_makes_no_ticket_bad() {
    let sessions = Sessions::builder().store(Arc::new(Away)).build();
    let gate = Gate::builder(sessions.clone())
        .scheme(Scheme::Http)
        .authenticator(tickets(&sessions).module(module()))
        .build();
    let stage = Stage {
        sessions,
        gate,
        ..Stage::new()
    };
    for (target, headers) in [
        ("/?qlikTicket=AAAAAAAAAAAAAAAA", &[][..]),
        ("/?qlikTicket=AAAAAAAAAAAAAAAA", &[HTML]),
        ("/", &[HTML, HOST]),
        ("/.gatepass/login", &[HTML, HOST]),
    ] {
        let seen = stage.send(request(target, headers)).await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
        assert!(seen.headers.contains_key("retry-after") && seen.cookie().is_none());
        assert!(!seen.body.contains("ticket"), "{}", seen.body);
    }
}

#[cfg(feature = "local")]
#[tokio::test]
async fn of_page_and_module_the_first_in_the_chain_takes_people_in() {
    use crate::authn::Chain;
    use crate::authn::local::{LocalAuthenticator, LocalUsers, LoginLimits, UsersFile};

    let folder = tempfile::tempdir().unwrap();
    let file = UsersFile::load_or_empty(folder.path().join("users.toml")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let users = Arc::new(LocalUsers::new(&file, LoginLimits::default(), &clock));
    let local = || LocalAuthenticator::new(Arc::clone(&users));
    let page_first = Stage::new().add(|gate, sessions| {
        gate.chain(
            Chain::default()
                .with(local())
                .with(tickets(sessions).module(module())),
        )
    });
    let seen = page_first.send(request("/a", &[HTML, HOST])).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert_eq!(seen.headers[LOCATION], "/.gatepass/login?return=/a");
    let module_first = Stage::new().add(|gate, sessions| {
        gate.chain(
            Chain::default()
                .with(tickets(sessions).module(module()))
                .with(local()),
        )
    });
    let seen = module_first.send(request("/a", &[HTML, HOST])).await;
    assert_eq!(
        module_first.remembered(&seen).await,
        "http://portal.example.com/a"
    );
    // The page is there all the same, for who knows its address.
    for stage in [page_first, module_first] {
        let seen = stage.send(request("/.gatepass/login", &[HTML, HOST])).await;
        assert!(seen.body.contains("<form method=post"), "{}", seen.body);
    }
}

#[tokio::test]
async fn s30_no_ticket_goes_where_it_cannot_be_redeemed() {
    let prefix = PathPrefix::new("/sales").unwrap();
    let stage = Stage::with_module().add(|gate, _| gate.prefix(prefix));
    for target in ["https://app.example.com/b?c", "/other/x", "/sales/b?c#/d"] {
        let asked =
            percent_encoding::utf8_percent_encode(target, percent_encoding::NON_ALPHANUMERIC);
        for start in ["/sales/a?reloadUri=", "/sales/.gatepass/login?return="] {
            let seen = stage
                .send(request(&format!("{start}{asked}"), &[HTML, HOST]))
                .await;
            let back = stage.remembered(&seen).await;
            let back = back.strip_prefix("http://portal.example.com").unwrap();
            assert!(back.starts_with("/sales/.gatepass/login?"), "{back}");
            // As the module does.
            let ticket = stage.buy("ann").await;
            let back = format!("{back}&qlikTicket={ticket}");
            let seen = stage.send(request(&back, &[HTML, HOST])).await;
            assert_eq!(
                (seen.status, seen.headers[LOCATION].as_bytes()),
                (StatusCode::SEE_OTHER, target.as_bytes())
            );
            let cookie = seen.cookie().expect("a session");
            assert_eq!(stage.visit("/sales/", &cookie).await.status, StatusCode::OK);
            let again = stage.send(request(&back, &[HTML, HOST])).await;
            assert_eq!(again.status, StatusCode::UNAUTHORIZED);
            assert!(again.cookie().is_none());
        }
    }
}

//! The layer from outside: requests in, responses out, by `oneshot`.

mod away;
mod browser;
mod tickets;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::{Service, ServiceExt as _, service_fn};

use super::{Gate, ProxySessionService};
use crate::authn::header::HeaderAuthenticator;
use crate::authn::{Anonymous, AnonymousMode};
#[cfg(feature = "local")]
use crate::domain::Clock;
use crate::domain::{
    AccessRule, AccessRules, ClassifyRule, Connection, Identity, LimitPolicy, ManualClock,
    Requirement, Scheme, SeatLimit, Session, SessionPolicy, SpaceId, UserLimit,
};
use crate::sessions::{EndCause, LockOrder, Sessions};

mod idle;
mod own_sessions;

const PEER: &str = "127.0.0.1:50000";

/// A space behind the layer, with header authentication from loopback.
struct Stage {
    sessions: Sessions,
    clock: ManualClock,
    calls: Arc<AtomicUsize>,
    gate: Gate,
}

impl Stage {
    fn new() -> Self {
        Self::with(|gate| gate)
    }

    fn with(change: impl FnOnce(super::GateBuilder) -> super::GateBuilder) -> Self {
        let clock = ManualClock::new();
        let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
        let gate = Gate::builder(sessions.clone())
            .scheme(Scheme::Http)
            .authenticator(header());
        Self {
            sessions,
            clock,
            calls: Arc::default(),
            gate: change(gate).build(),
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Seen {
        let calls = Arc::clone(&self.calls);
        let inner = service_fn(move |request: Request<Full<Bytes>>| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                let session = request
                    .extensions()
                    .get::<Arc<Session>>()
                    .expect("a session")
                    .clone();
                let uri = request.uri();
                let carries_user = request.headers().contains_key("x-user");
                let text = format!("{} {uri} {carries_user}", session.user_id());
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text)))
            }
        });
        let mut service = ProxySessionService::new(inner, self.gate.clone());
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Seen {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    /// What a browser would send back.
    fn cookie(&self) -> Option<String> {
        let value = self.headers.get(SET_COOKIE)?.to_str().unwrap();
        Some(value.split(';').next().unwrap().to_owned())
    }
}

fn header() -> HeaderAuthenticator {
    let space = SpaceId::new("default").unwrap();
    HeaderAuthenticator::builder(&space, HeaderName::from_static("x-user"))
        .directory("LAB")
        .trust("127.0.0.0/8".parse().unwrap())
        .build()
        .unwrap()
}

fn connection() -> Connection {
    let peer: SocketAddr = PEER.parse().unwrap();
    Connection {
        peer,
        client_ip: peer.ip(),
        scheme: Scheme::Http,
    }
}

fn request(target: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .extension(connection())
        .body(Full::default())
        .unwrap()
}

const PAGE: (&str, &str) = ("accept", "text/html");
const ANN: (&str, &str) = ("x-user", "ann");

#[tokio::test]
async fn a_credential_opens_a_session_and_the_cookie_goes_on_with_it() {
    let stage = Stage::new();
    let first = stage.send(request("/a?b=c", &[ANN])).await;
    assert_eq!(
        (first.status, &*first.body),
        (StatusCode::OK, "ann /a?b=c false")
    );
    let cookie = first.cookie().expect("a new session's cookie");
    let second = stage
        .send(request("/", &[(COOKIE.as_str(), &cookie)]))
        .await;
    assert_eq!(
        (second.status, &*second.body),
        (StatusCode::OK, "ann / false")
    );
    assert!(
        second.cookie().is_none(),
        "no cookie for a session that is known"
    );
    // The same trusted header without the cookie is the same session.
    assert!(stage.send(request("/", &[ANN])).await.cookie().is_none());
    assert_eq!(stage.sessions.open(), 1);
}

#[tokio::test]
async fn s40_a_script_gets_401_and_the_service_is_not_called() {
    let stage = Stage::new();
    for headers in [
        &[][..],
        &[("accept", "application/json")],
        &[PAGE, ("x-requested-with", "XMLHttpRequest")],
        &[PAGE],
    ] {
        let seen = stage.send(request("/", headers)).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(
            seen.headers.contains_key(WWW_AUTHENTICATE) && !seen.headers.contains_key(LOCATION)
        );
    }
    let problem: serde_json::Value =
        serde_json::from_str(&stage.send(request("/", &[])).await.body).unwrap();
    assert_eq!(
        (&problem["status"], &problem["title"]),
        (&401.into(), &"Unauthorized".into())
    );
    assert_eq!(stage.calls(), 0);
}

#[tokio::test]
async fn s14_no_cookie_but_a_live_one_is_a_session() {
    let stage = Stage::new();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let unknown = format!("gatepass={}", "A".repeat(43));
    let twice = format!("{cookie}; {cookie}");
    let longer = format!("{cookie}A");
    for bad in [
        "gatepass=",
        "gatepass=x",
        "gatepass=%00",
        &unknown,
        &twice,
        &longer,
        &cookie.replace("gatepass", "Gatepass"),
    ] {
        let seen = stage.send(request("/", &[(COOKIE.as_str(), bad)])).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{bad}");
        let dropped = seen
            .headers
            .get(SET_COOKIE)
            .is_some_and(|v| v.to_str().unwrap().contains("Max-Age=0"));
        let unusable = bad == twice
            || bad == longer
            || ["gatepass=", "gatepass=x", "gatepass=%00"].contains(&bad);
        assert_eq!(dropped, unusable, "{bad}");
    }
}

#[tokio::test]
async fn an_ended_session_is_refused_at_once() {
    let stage = Stage::new();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let user = crate::domain::UserKey::new(stage.gate.space().id(), "lab", "ANN");
    stage
        .sessions
        .end_user(user, &EndCause::terminated_by("root"))
        .await
        .unwrap();
    let seen = stage
        .send(request("/", &[(COOKIE.as_str(), &cookie)]))
        .await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn s19_an_idle_session_is_refused_and_marked_idle() {
    let stage = Stage::new();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    stage.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await
            .status,
        StatusCode::OK
    );
    stage.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(stage.sessions.open(), 0, "found idle, so ended");
}

#[tokio::test]
async fn s10_another_user_gets_another_session_and_the_old_one_is_dead() {
    let stage = Stage::new();
    let ann = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let seen = stage
        .send(request("/", &[(COOKIE.as_str(), &ann), ("x-user", "bob")]))
        .await;
    assert_eq!(&*seen.body, "bob / false");
    assert_ne!(seen.cookie().unwrap(), ann);
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &ann)]))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn s10_a_token_that_a_client_chose_is_never_adopted() {
    let stage = Stage::new();
    let chosen = format!("gatepass={}", "B".repeat(43));
    let chosen = chosen.replace("BBB", "AAA");
    let seen = stage
        .send(request("/", &[(COOKIE.as_str(), &chosen), ANN]))
        .await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_ne!(seen.cookie().unwrap(), chosen);
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &chosen)]))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn s40_a_rule_that_is_not_met_is_403_and_never_a_redirect() {
    let admins = Requirement::Attribute {
        name: "group".into(),
        any_of: ["admins".into()].into(),
    };
    let rules: AccessRules = [AccessRule::new("/admin/**", &[], admins).unwrap()]
        .into_iter()
        .collect();
    let stage = Stage::with(|gate| gate.access(rules));
    let seen = stage.send(request("/admin/x", &[ANN, PAGE])).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    let cookie = seen.cookie().expect("the session is there all the same");
    assert_eq!(
        stage
            .send(request("/admin", &[(COOKIE.as_str(), &cookie), PAGE]))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await
            .status,
        StatusCode::OK
    );
    // What can be read in two ways is not let near a rule.
    for path in [
        "//admin",
        "/x/../admin",
        "/%61dmin",
        "/x/..%2fadmin",
        "/admin%5c",
        "/./admin",
    ] {
        let seen = stage
            .send(request(path, &[(COOKIE.as_str(), &cookie)]))
            .await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(stage.calls(), 1);
}

#[tokio::test]
async fn a_limit_that_is_reached_is_told_apart() {
    let stage = Stage::new();
    let limit = Some(UserLimit {
        max: 1,
        policy: LimitPolicy::Refuse,
    });
    stage.sessions.space(
        &SpaceId::new("default").unwrap(),
        SessionPolicy {
            limit,
            ..SessionPolicy::default()
        },
    );
    assert_eq!(
        stage.send(request("/", &[ANN])).await.status,
        StatusCode::OK
    );
    let seen = stage
        .send(request("/", &[ANN, ("user-agent", "another")]))
        .await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert!(seen.body.contains("1 open sessions"), "{}", seen.body);
}

#[tokio::test]
async fn a_user_who_is_locked_is_told_until_when() {
    let stage = Stage::new();
    let space = SpaceId::new("default").unwrap();
    let ann = Identity::new("LAB", "ann").unwrap();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    for (time, told) in [
        (Some(Duration::from_secs(90)), "until 2026-01-01 00:02 UTC"),
        (None, "Ask an administrator"),
    ] {
        let order = LockOrder {
            time,
            by: "root".into(),
            reason: None,
        };
        stage.sessions.lock_user(&space, &ann, order).await.unwrap();
        for accept in [("accept", "*/*"), PAGE] {
            let headers = [ANN, accept, (COOKIE.as_str(), &*cookie)];
            let seen = stage.send(request("/", &headers)).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN);
            assert!(seen.body.contains(told), "{}", seen.body);
            assert!(seen.cookie().is_none());
        }
        // The cookie alone opens nothing, as ever.
        let seen = stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    }
    let bob = stage.send(request("/", &[("x-user", "bob")])).await;
    assert_eq!(bob.status, StatusCode::OK);
}

#[tokio::test]
async fn a_license_without_a_free_seat_is_told_apart() {
    let rule = ClassifyRule {
        license: Some("pro".into()),
        ..ClassifyRule::default()
    };
    let stage = Stage::with(|gate| gate.classify(vec![rule]));
    for (seats, told) in [(1, "The only seat"), (2, "All 2 seats of the license pro")] {
        let limit = SeatLimit {
            license: "pro".into(),
            seats,
            policy: LimitPolicy::Refuse,
        };
        stage
            .sessions
            .set_seats(&SpaceId::new("default").unwrap(), vec![limit]);
        let user = format!("user{seats}");
        let fits = stage.send(request("/", &[("x-user", &user)])).await;
        assert_eq!(fits.status, StatusCode::OK);
        let seen = stage.send(request("/", &[("x-user", "more")])).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
        assert!(seen.body.contains(told), "{}", seen.body);
    }
}

#[cfg(feature = "local")]
#[tokio::test]
async fn the_login_page_tells_of_a_lock_only_who_has_the_password() {
    use crate::authn::local::{LocalAuthenticator, LocalUsers, LoginLimits, UserEntry, UsersFile};

    let folder = tempfile::tempdir().unwrap();
    let mut file = UsersFile::load_or_empty(folder.path().join("users.toml")).unwrap();
    let ann = Identity::new("LAB", "ann").unwrap();
    let entry = UserEntry::new(ann.clone(), "correct horse").unwrap();
    file.add(entry).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let users = Arc::new(LocalUsers::new(&file, LoginLimits::default(), &clock));
    let stage = Stage::with(|gate| gate.authenticator(LocalAuthenticator::new(users)));
    let log_in = async |password: &str| {
        let form = format!("username=ann&password={password}&return=/a");
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let (mut parts, _) = request("/.gatepass/login", &[PAGE, kind]).into_parts();
        parts.method = http::Method::POST;
        let seen = stage
            .send(Request::from_parts(parts, Full::from(form)))
            .await;
        (seen.status, seen.body)
    };
    let wrong = log_in("wrong").await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    let order = LockOrder {
        time: None,
        by: "root".into(),
        reason: Some("secret".into()),
    };
    let space = SpaceId::new("default").unwrap();
    stage.sessions.lock_user(&space, &ann, order).await.unwrap();
    assert_eq!(log_in("wrong").await, wrong, "a wrong password tells of it");
    let (status, page) = log_in("correct+horse").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains("Your account is locked"), "{page}");
    assert!(page.contains("<form") && !page.contains("secret"), "{page}");
    stage.sessions.unlock_user(&space, &ann).await.unwrap();
    assert_eq!(log_in("correct+horse").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn parallel_requests_with_one_stale_cookie_open_one_session() {
    let stage = Arc::new(Stage::with(|gate| {
        gate.authenticator(Anonymous::new(AnonymousMode::Allow))
    }));
    let stale = format!("gatepass={}", "A".repeat(43));
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let (stage, stale) = (Arc::clone(&stage), stale.clone());
            tokio::spawn(
                async move { stage.send(request("/", &[(COOKIE.as_str(), &stale)])).await },
            )
        })
        .collect();
    let mut cookies = 0;
    for sent in requests {
        let seen = sent.await.unwrap();
        assert_eq!(seen.status, StatusCode::OK);
        cookies += usize::from(seen.cookie().is_some());
    }
    assert_eq!((stage.sessions.open(), cookies), (1, 1));
}

#[tokio::test]
async fn logout_ends_the_session_and_takes_the_cookie_back() {
    let stage = Stage::new();
    let cookie = stage.send(request("/", &[ANN])).await.cookie().unwrap();
    let logout = |headers: &[(&str, &str)], method: &str| {
        let mut request = request("/.gatepass/logout", headers);
        *request.method_mut() = method.parse().unwrap();
        request
    };
    // Another site's page cannot log a user out.
    let crossed = [
        (COOKIE.as_str(), &*cookie),
        PAGE,
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(
        stage.send(logout(&crossed, "POST")).await.status,
        StatusCode::FORBIDDEN
    );
    let asked = stage.send(logout(&crossed, "GET")).await;
    assert!(
        asked.status == StatusCode::OK && asked.body.contains("Log out?"),
        "{}",
        asked.body
    );
    assert_eq!(stage.sessions.open(), 1);

    let own = [
        (COOKIE.as_str(), &*cookie),
        PAGE,
        ("sec-fetch-site", "same-origin"),
    ];
    let seen = stage.send(logout(&own, "GET")).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(
        seen.headers[SET_COOKIE],
        "gatepass=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    );
    assert_eq!(stage.sessions.open(), 0);
    assert_eq!(
        stage
            .send(request("/", &[(COOKIE.as_str(), &cookie)]))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    let again = stage
        .send(logout(&[(COOKIE.as_str(), &*cookie)], "POST"))
        .await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    assert_eq!(
        stage.send(request("/.gatepass/nothing", &[])).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_gate_that_asks_nobody_lets_nobody_in() {
    let sessions = Sessions::default();
    let inner = service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = tower_layer::Layer::layer(&super::ProxySessionLayer::new(sessions), inner);
    let response = service.oneshot(request("/", &[ANN])).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

//! A request with a live session costs no allocation: counted, not believed.
//!
//! In a binary of its own, as the counting allocator is global, and in one test, as it counts
//! for all threads.

use std::alloc::System;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use gatepass::authn::AuthnRequest;
use gatepass::authn::jwt::{Algorithm, JwtAuthenticator, SigningKey, VerifyingKey};
use gatepass::authn::ticket::TicketAuthenticator;
use gatepass::domain::{
    AccessRule, AccessRules, ClientInfo, Clock as _, Identity, Method, NewSession, RequestPath,
    Requirement, SystemClock,
};
use gatepass::layer::{Gate, ProxySessionService, Verdict, WebSocketPolicy};
use gatepass::sessions::{Admission, Established, Sessions};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Empty;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::Service;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations `act` makes, the second time: the first may fill what stays.
fn allocations(mut act: impl FnMut()) -> usize {
    act();
    let region = Region::new(ALLOCATOR);
    act();
    let change = region.change();
    change.allocations + change.reallocations
}

fn request(name: &str, value: &str) -> Parts {
    let request = Request::get("/reports/2026?page=2&%66ilter=a%20b")
        .header("host", "sales.example.com")
        .header("accept", "text/html")
        .header("user-agent", "Mozilla/5.0")
        .header(name, value);
    let request = request.body(()).expect("a legal request");
    request.into_parts().0
}

#[tokio::test]
async fn a_live_session_allocates_nothing() {
    let sessions = Sessions::default();
    let secret = b"a secret of at least thirty-two bytes";
    let jwt = JwtAuthenticator::builder()
        .issuer("https://login.example.com")
        .audience("sales")
        .directory("LAB")
        .algorithms([Algorithm::HS256])
        .key(VerifyingKey::from_secret(secret).unwrap())
        .build()
        .unwrap();
    let space = Arc::clone(sessions.default_space());
    let tickets = TicketAuthenticator::new(sessions.clone(), space);
    let signed_in = AccessRule::new("/admin/**", &[], Requirement::SignedIn).unwrap();
    let soon = AccessRule::new("/reports/**", &[], None)
        .unwrap()
        .with_idle_timeout(std::time::Duration::from_secs(60));
    let quiet = AccessRule::new("/poll/*", &[], None)
        .unwrap()
        .without_activity();
    let rules: AccessRules = [signed_in, soon, quiet].into_iter().collect();
    let gate = Gate::builder(sessions.clone())
        .authenticator(jwt)
        .authenticator(tickets)
        .websocket(WebSocketPolicy::default().csrf_token())
        .access(rules)
        .build();
    let new = NewSession {
        identity: Arc::new(Identity::new("LAB", "ann").unwrap()),
        method: Method::Jwt,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    };
    let space = sessions.default_space();
    let admission = Admission::default();
    let opened = sessions.establish(space, new, admission).await.unwrap();
    let Established::Opened { session, token } = opened else {
        panic!("somebody else's session");
    };

    // By its cookie, among others.
    let cookie = format!("theme=dark; __Host-gatepass={}; lang=de", token.expose());
    let by_cookie = request("cookie", &cookie);
    // By the bearer token that has opened it.
    let exp = SystemClock::new().wall().unix_seconds() + 3600;
    let claims = serde_json::json!({ "iss": "https://login.example.com", "aud": "sales", "sub": "ann", "exp": exp });
    let key = SigningKey::from_secret(secret, Algorithm::HS256).unwrap();
    let by_token = request(
        "authorization",
        &format!("Bearer {}", key.sign(&claims).unwrap()),
    );
    let asked = AuthnRequest {
        parts: &by_token,
        connection: None,
    };
    let path = RequestPath::parse("/reports/2026").unwrap();
    let Verdict::Ask(ask) = gate.decide(asked, &path) else {
        panic!("a token that nobody has seen");
    };
    let _ = gate.admit(asked, &path, ask).await;
    assert_eq!(sessions.open(), 2);

    for parts in [&by_cookie, &by_token] {
        let count = allocations(|| {
            for _ in 0..1000 {
                let path = RequestPath::parse(parts.uri.path()).unwrap();
                let connection = None;
                match gate.decide(AuthnRequest { parts, connection }, &path) {
                    Verdict::Pass(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(count, 0, "{:?}", parts.headers);
    }

    // The control: what allocates is counted.
    let counts = allocations(|| drop(vec![0_u8; 16]));
    assert_eq!(counts, 1, "the allocator does not count");

    // The layer's part of a request is what the session takes among the extensions.
    let mut service = ProxySessionService::new(Inner, gate);
    let mut cx = Context::from_waker(Waker::noop());
    let mut cost = |through: bool| {
        let mut ready = |_: ()| {
            let request = Request::from_parts(request("cookie", &cookie), Empty::<Bytes>::new());
            let region = Region::new(ALLOCATOR);
            let answered = if through {
                let mut future = std::pin::pin!(service.call(request));
                matches!(future.as_mut().poll(&mut cx), Poll::Ready(Ok(_)))
            } else {
                let mut future = Inner.call(request);
                matches!(
                    std::pin::Pin::new(&mut future).poll(&mut cx),
                    Poll::Ready(Ok(_))
                )
            };
            let change = region.change();
            assert!(answered);
            change.allocations + change.reallocations
        };
        ready(());
        ready(())
    };
    let (direct, through) = (cost(false), cost(true));
    // A box for the map of the extensions, its table, and a box for the session in it.
    assert!(through <= direct + 3, "{through} and not {direct}");
    drop(session);
}

/// Answers at once, with nothing.
#[derive(Clone)]
struct Inner;

impl Service<Request<Empty<Bytes>>> for Inner {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}

//! The side port through its router, and once over a socket.

mod access;
mod api;
mod broken;
mod browser;
mod events;
mod filters;
mod locks;
mod octane;
mod openapi;
mod paging;
mod qps;
mod secrets;
mod socket;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::keys::{ApiKeys, CertificateRoles, NewKey, Role};
use super::{AdminBuilder, AdminSpaces, SessionObserver, SpaceInfo, builder};
use crate::domain::{
    Attributes, ClientInfo, Identity, ManualClock, Method, NewSession, Session, SessionPolicy,
    SpaceId, SpaceState, Token,
};
use crate::sessions::{Admission, Established, Feed, Sessions};
use crate::telemetry::{Health, Metrics};

/// A side port with two spaces, and a key of every kind.
struct Side {
    clock: ManualClock,
    sessions: Sessions,
    sales: Arc<SpaceState>,
    other: Arc<SpaceState>,
    metrics: Arc<Metrics>,
    health: Health,
    spaces: AdminSpaces,
    api_keys: ApiKeys,
    /// No rules; a test may replace them.
    certificates: CertificateRoles,
    router: Router,
    bearers: Bearers,
}

struct Bearers {
    /// Administers everything.
    site: String,
    /// Administers `1001`.
    sales: String,
    /// Administers `1002`.
    other: String,
    /// Looks at everything.
    reader: String,
    /// Looks at `1002`.
    other_reader: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

/// Lets every log event be asked about. One that another thread meets for the first time just
/// before a test takes its log would else be off for good: tracing decides once, by who listens
/// at that moment.
fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    });
}

impl Side {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// With settings of the test's own.
    fn with(settings: impl FnOnce(AdminBuilder) -> AdminBuilder) -> Self {
        listen();
        let clock = ManualClock::new();
        let metrics = Arc::new(Metrics::new());
        let feed = Feed::with_capacity(&clock, 8);
        let sessions = Sessions::builder()
            .clock(Arc::new(clock.clone()))
            .observer(Arc::new(SessionObserver::new(Arc::clone(&metrics))))
            .observer(Arc::new(feed.clone()))
            .build();
        let sales = sessions.space(&id("1001"), SessionPolicy::default());
        let other = sessions.space(&id("1002"), SessionPolicy::default());
        let mut keys = Vec::new();
        let mut make = |new: NewKey| {
            let (key, bearer) = new.make(sessions.clock().wall()).unwrap();
            keys.push(key);
            bearer.to_string()
        };
        let bearers = Bearers {
            site: make(NewKey::new("site", Role::SiteAdmin)),
            sales: make(NewKey::new("sales", Role::SpaceAdmin).spaces([id("1001")])),
            other: make(NewKey::new("other", Role::SpaceAdmin).spaces([id("1002")])),
            reader: make(NewKey::new("reader", Role::Reader)),
            other_reader: make(NewKey::new("other-reader", Role::Reader).spaces([id("1002")])),
        };
        let keys = ApiKeys::with_clock(keys, Arc::new(clock.clone()));
        let api_keys = keys.clone();
        let health = Health::new();
        let spaces = AdminSpaces::new(vec![
            SpaceInfo {
                id: id("1001"),
                name: "Sales portal".to_owned(),
                prefix: Some("/sales".to_owned()),
                hosts: vec!["sales.example.com".to_owned()],
                classify: Vec::new(),
            },
            SpaceInfo::of(id("1002")),
        ]);
        let certificates = CertificateRoles::default();
        let router = builder(sessions.clone(), keys)
            .spaces(spaces.clone())
            .certificate_roles(certificates.clone())
            .metrics(Arc::clone(&metrics))
            .health(health.clone())
            .feed(feed);
        let router = settings(router).build();
        Self {
            clock,
            sessions,
            sales,
            other,
            metrics,
            health,
            spaces,
            api_keys,
            certificates,
            router,
            bearers,
        }
    }

    async fn open(&self, space: &Arc<SpaceState>, user: &str) -> (Arc<Session>, Token) {
        let attributes: Attributes = [("group", ["sales", "admins"])].into_iter().collect();
        let identity = Identity::new("LAB", user)
            .unwrap()
            .with_name("Ann Adams")
            .unwrap();
        let new = NewSession {
            identity: Arc::new(identity.with_attributes(attributes)),
            method: Method::Jwt,
            client: ClientInfo {
                ip: Some([192, 0, 2, 7].into()),
                user_agent: Some("curl/8".into()),
                ..ClientInfo::default()
            },
            license: Some("professional".into()),
            sign_on: None,
        };
        // Ids are in the order of their milliseconds.
        self.clock.advance(Duration::from_millis(1));
        match self
            .sessions
            .establish(space, new, Admission::default())
            .await
            .unwrap()
        {
            Established::Opened { session, token } => (session, token),
            Established::Joined(session) => panic!("joined {session:?}"),
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.send(request("GET", path, Some(bearer), "")).await
    }

    async fn delete(&self, path: &str, bearer: &str) -> Answer {
        self.send(request("DELETE", path, Some(bearer), "")).await
    }

    async fn post(&self, path: &str, bearer: &str, body: &str) -> Answer {
        self.send(request("POST", path, Some(bearer), body)).await
    }
}

impl Answer {
    /// The JSON of an answer with this status.
    #[track_caller]
    fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The problem with this status and name.
    #[track_caller]
    fn problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let content_type = &self.headers[header::CONTENT_TYPE];
        assert_eq!(content_type, "application/problem+json", "{}", self.text);
        let body: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(body["type"], format!("urn:gatepass:problem:{name}"));
        assert_eq!(body["status"], status);
        assert!(body["title"].is_string() && body["instance"].is_string());
        body
    }
}

fn id(text: &str) -> SpaceId {
    SpaceId::new(text).unwrap()
}

/// A request as a program sends it; with a body, as JSON.
fn request(method: &str, path: &str, bearer: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8081");
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    if body.is_empty() {
        return request.body(Body::empty()).unwrap();
    }
    request
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

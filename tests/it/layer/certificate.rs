//! Client certificates, as a server hands them to the layer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use gatepass::authn::certificate::{CertificateAuthenticator, CertificateUser, Certificates};
use gatepass::domain::{CertificateRule, ClientCertificate, Clock as _, ManualClock};
use gatepass::layer::{CurrentSession, ProxySessionLayer};
use gatepass::sessions::Sessions;
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use super::{layer, sessions, the_one, token};

const HOUR: Duration = Duration::from_secs(3600);

/// Takes the certificates of Example for users of LAB, and tokens.
fn with_certificates(sessions: &Sessions, clock: &ManualClock) -> ProxySessionLayer {
    let rule = CertificateRule {
        subject: vec![("O".into(), "Example".into())],
        ..CertificateRule::default()
    };
    let people = CertificateUser::new(
        Certificates::Matching(rule),
        "LAB".parse().unwrap(),
        "$uid".parse().unwrap(),
    );
    let certificates = CertificateAuthenticator::builder()
        .user(people.unwrap())
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    layer(sessions).authenticator(certificates)
}

/// A certificate that is valid for an hour.
fn certificate(clock: &ManualClock, number: u8, o: &str, uid: &str) -> Arc<ClientCertificate> {
    Arc::new(ClientCertificate {
        subject: vec![("O".into(), o.into()), ("UID".into(), uid.into())],
        alt_names: Vec::new(),
        fingerprint: [number; 32],
        serial: "01".into(),
        not_after: clock.wall().after(HOUR),
    })
}

struct Client<'c> {
    layer: &'c ProxySessionLayer,
    certificate: Option<Arc<ClientCertificate>>,
}

impl Client<'_> {
    /// Status, cookie and body.
    async fn ask(&self, fields: &[(&str, &str)]) -> (u16, Option<String>, String) {
        let mut request = Request::builder().uri("/x");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(String::new()).unwrap();
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(Arc::clone(certificate));
        }
        let service = ServiceBuilder::new()
            .layer(self.layer.clone())
            .service(service_fn(|request: Request<String>| async move {
                let session = CurrentSession::of(request.extensions()).expect("a session");
                let (who, how) = (session.identity().to_string(), session.method().as_str());
                Ok::<_, Infallible>(Response::new(format!("{who} by {how}")))
            }));
        let response = service.oneshot(request).await.unwrap();
        let cookie = response.headers().get("set-cookie").map(|value| {
            let value = value.to_str().unwrap();
            value.split(';').next().unwrap().to_owned()
        });
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await;
        let body = body.unwrap().to_bytes();
        (status, cookie, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn a_program_with_a_certificate_and_no_cookies_has_one_session() {
    let (sessions, clock) = sessions();
    let layer = with_certificates(&sessions, &clock);
    let ann = Client {
        layer: &layer,
        certificate: Some(certificate(&clock, 1, "Example", "ann")),
    };
    for _ in 0..3 {
        let (status, _, body) = ann.ask(&[]).await;
        assert_eq!((status, &*body), (200, r"LAB\ann by certificate"));
    }
    let together: Vec<_> = (0..20).map(|_| ann.ask(&[])).collect();
    for (status, ..) in futures_util::future::join_all(together).await {
        assert_eq!(status, 200);
    }
    assert_eq!(sessions.open(), 1);
    // Another certificate of the same user is another sign-on.
    let other = Client {
        layer: &layer,
        certificate: Some(certificate(&clock, 2, "Example", "ann")),
    };
    assert_eq!(other.ask(&[]).await.0, 200);
    assert_eq!(sessions.open(), 2);
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_reached_by_its_certificate() {
    let (sessions, clock) = sessions();
    let layer = with_certificates(&sessions, &clock);
    let ann = Client {
        layer: &layer,
        certificate: Some(certificate(&clock, 1, "Example", "ann")),
    };
    ann.ask(&[]).await;
    let first = the_one(&sessions).await;
    let cause = gatepass::sessions::EndCause::terminated_by("admin");
    let ended = sessions.end(&first, cause).await.unwrap();
    assert!(ended.session().is_some());
    // The certificate still says who it is: a new session, not the old one.
    assert_eq!(ann.ask(&[]).await.0, 200);
    assert_eq!(sessions.open(), 1);
    assert!(first.end().is_some());
}

#[tokio::test]
async fn a_certificate_opens_nothing_once_it_has_expired() {
    let (sessions, clock) = sessions();
    let layer = with_certificates(&sessions, &clock);
    let ann = Client {
        layer: &layer,
        certificate: Some(certificate(&clock, 1, "Example", "ann")),
    };
    assert_eq!(ann.ask(&[]).await.0, 200);
    clock.advance(HOUR / 3);
    assert_eq!(ann.ask(&[]).await.0, 200);
    clock.advance(HOUR / 3);
    assert_eq!(ann.ask(&[]).await.0, 200);
    assert_eq!(sessions.open(), 1);
    // The connection lasts, and the certificate does not.
    clock.advance(HOUR / 3);
    let (status, cookie, body) = ann.ask(&[]).await;
    assert_eq!((status, cookie), (401, None));
    assert!(!body.contains("ann"), "{body}");
}

#[tokio::test]
async fn s33_only_the_certificate_that_the_server_verified_counts() {
    let (sessions, clock) = sessions();
    let layer = with_certificates(&sessions, &clock);
    let nobody = Client {
        layer: &layer,
        certificate: None,
    };
    let claims = [
        ("x-forwarded-client-cert", "Subject=\"O=Example,UID=ann\""),
        ("x-client-cert-subject", "O=Example,UID=ann"),
        ("client-cert", ":MIIB:"),
        ("x-ssl-client-verify", "SUCCESS"),
    ];
    assert_eq!(nobody.ask(&claims).await.0, 401);
    let stranger = Client {
        layer: &layer,
        certificate: Some(certificate(&clock, 1, "Elsewhere", "ann")),
    };
    assert_eq!(stranger.ask(&claims).await.0, 401);
    assert_eq!(sessions.open(), 0);
    // A certificate that is nobody's here does not stand in the way of another method.
    let bearer = format!("Bearer {}", token("carol"));
    let (status, _, body) = stranger.ask(&[("authorization", &bearer)]).await;
    assert_eq!((status, &*body), (200, r"LAB\carol by jwt"));
}

#[tokio::test]
async fn s10_a_certificate_of_another_user_does_not_go_on_with_a_cookie() {
    let (sessions, clock) = sessions();
    let layer = with_certificates(&sessions, &clock);
    let client = |number, uid| Client {
        layer: &layer,
        certificate: Some(certificate(&clock, number, "Example", uid)),
    };
    let (_, cookie, _) = client(1, "ann").ask(&[]).await;
    let cookie = cookie.unwrap();
    let (status, new, body) = client(2, "bob").ask(&[("cookie", &cookie)]).await;
    assert_eq!((status, &*body), (200, r"LAB\bob by certificate"));
    assert_ne!(new.unwrap(), cookie);
    // The same user's renewed certificate does.
    let ann = client(3, "ann");
    let (_, cookie, _) = ann.ask(&[]).await;
    let (_, new, body) = client(4, "ann").ask(&[("cookie", &cookie.unwrap())]).await;
    assert_eq!((new, &*body), (None, r"LAB\ann by certificate"));
    assert_eq!(sessions.open(), 2);
}

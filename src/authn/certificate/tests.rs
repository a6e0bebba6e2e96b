use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::request::Parts;

use super::*;
use crate::authn::{Authenticator as _, AuthnRequest, Outcome};
use crate::domain::{
    AltName, CertificateRule, ClientCertificate, Clock as _, Identity, ManualClock, Method,
    SpaceId, TokenDigest,
};

const HOUR: Duration = Duration::from_secs(3600);

fn template(text: &str) -> CertificateTemplate {
    text.parse().unwrap()
}

fn with_o(o: &str) -> Certificates {
    Certificates::Matching(CertificateRule {
        subject: vec![("O".into(), o.into())],
        ..CertificateRule::default()
    })
}

fn people() -> CertificateUser {
    CertificateUser::new(with_o("Example"), template("LAB"), template("$uid"))
        .unwrap()
        .with_name(template("$cn"))
        .with_email(template("$email"))
        .with_attribute("group", template("unit-$ou"))
        .with_attribute("group", template("people"))
}

fn devices() -> CertificateUser {
    CertificateUser::new(with_o("Machines"), template("device.$o"), template("$dns")).unwrap()
}

fn authenticator(clock: &ManualClock) -> CertificateAuthenticator {
    builder(clock)
        .user(people())
        .user(devices())
        .build()
        .unwrap()
}

fn builder(clock: &ManualClock) -> CertificateAuthenticatorBuilder {
    let space = SpaceId::new("1001").unwrap();
    let clock = Arc::new(clock.clone());
    CertificateAuthenticator::builder()
        .space(&space)
        .clock(clock)
}

/// Valid for an hour.
fn certificate(clock: &ManualClock, subject: &[(&str, &str)], names: &[AltName]) -> Parts {
    let subject = subject.iter();
    let certificate = ClientCertificate {
        subject: subject.map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        alt_names: names.to_vec(),
        fingerprint: [7; 32],
        serial: "0a".into(),
        not_after: clock.wall().after(HOUR),
    };
    let mut request = Request::new(());
    request.extensions_mut().insert(Arc::new(certificate));
    request.into_parts().0
}

const ANN: [(&str, &str); 5] = [
    ("O", "Example"),
    ("OU", "sales"),
    ("OU", "admins"),
    ("CN", "Ann Adams"),
    ("UID", "ann"),
];

fn email(address: &str) -> AltName {
    AltName::Email(address.into())
}

fn request(parts: &Parts) -> AuthnRequest<'_> {
    AuthnRequest {
        parts,
        connection: None,
    }
}

async fn ask(authenticator: &CertificateAuthenticator, parts: &Parts) -> Outcome {
    authenticator.authenticate(request(parts)).await
}

async fn identity(authenticator: &CertificateAuthenticator, parts: &Parts) -> Identity {
    match ask(authenticator, parts).await {
        Outcome::Authenticated(found) => found.identity,
        other => panic!("{other:?}"),
    }
}

/// Reason and detail of a refusal.
async fn refusal(authenticator: &CertificateAuthenticator, parts: &Parts) -> (String, String) {
    match ask(authenticator, parts).await {
        Outcome::Failed(failure) => {
            assert_eq!(failure.method(), Method::Certificate);
            assert_eq!(failure.bearer_error(), None);
            (
                failure.reason().as_str().to_owned(),
                failure.detail().to_owned(),
            )
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_becomes_the_user_that_is_said() {
    let clock = ManualClock::new();
    let authenticator = authenticator(&clock);
    let ann = certificate(&clock, &ANN, &[email("ann@example.com")]);
    let user = identity(&authenticator, &ann).await;
    assert_eq!(user.to_string(), r"LAB\ann");
    assert_eq!(user.name(), "Ann Adams");
    assert_eq!(user.email(), Some("ann@example.com"));
    let groups = user.attributes().values("group");
    assert_eq!(
        groups,
        ["unit-sales", "unit-admins", "people"].map(Box::<str>::from)
    );

    let dns = [AltName::Dns("a.example.com".into())];
    let device = certificate(&clock, &[("O", "Machines")], &dns);
    let user = identity(&authenticator, &device).await;
    assert_eq!(user.to_string(), r"device.Machines\a.example.com");
    assert_eq!((user.name(), user.email()), ("a.example.com", None));
    assert!(user.attributes().is_empty());
}

#[tokio::test]
async fn every_part_is_found() {
    let clock = ManualClock::new();
    let subject = [
        ("CN", "c"),
        ("O", "o"),
        ("OU", "ou"),
        ("UID", "u"),
        ("emailAddress", "old@example.com"),
    ];
    let names = [
        email("new@example.com"),
        AltName::Upn("u@lab.example".into()),
        AltName::Dns("d.example.com".into()),
        AltName::Uri("spiffe://example/x".into()),
    ];
    let whole = certificate(&clock, &subject, &names);
    for (part, value) in [
        ("$cn", "c"),
        ("$o", "o"),
        ("$ou", "ou"),
        ("$uid", "u"),
        ("$email", "new@example.com"),
        ("$upn", "u@lab.example"),
        ("$dns", "d.example.com"),
        ("$uri", "spiffe://example/x"),
        ("$serial", "0a"),
        ("$fingerprint", &"07".repeat(32)),
    ] {
        let user = CertificateUser::new(Certificates::Any, template("LAB"), template(part));
        let authenticator = builder(&clock).user(user.unwrap()).build().unwrap();
        let user = identity(&authenticator, &whole).await;
        assert_eq!(user.id(), value, "{part}");
        let bare = certificate(&clock, &[], &[]);
        if !["$serial", "$fingerprint"].contains(&part) {
            let (reason, detail) = refusal(&authenticator, &bare).await;
            assert_eq!(reason, "missing_certificate_part");
            assert!(detail.contains(part), "{detail}");
        }
        if part == "$email" {
            let old = certificate(&clock, &subject, &[]);
            assert_eq!(identity(&authenticator, &old).await.id(), "old@example.com");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_leaves_its_user_open_is_refused() {
    let clock = ManualClock::new();
    let authenticator = authenticator(&clock);
    let mail = [email("ann@example.com")];
    for (subject, names, reason, part) in [
        (&ANN[..4], &mail[..], "missing_certificate_part", "no $uid"),
        (&ANN, &[], "missing_certificate_part", "no $email"),
        (
            &[ANN[0], ANN[4]],
            &mail,
            "missing_certificate_part",
            "no $cn",
        ),
        (
            &[ANN[0], ANN[3], ("UID", " ")],
            &mail,
            "missing_certificate_part",
            "no $uid",
        ),
        (
            &[ANN[0], ANN[3], ANN[4], ("UID", "bob")],
            &mail,
            "ambiguous_certificate_part",
            "2 values of $uid",
        ),
        (
            &[ANN[0], ANN[3], ("UID", r"LAB\bob")],
            &mail,
            "bad_certificate_part",
            "backslash",
        ),
        (
            &[ANN[0], ("CN", "An\nn"), ANN[4]],
            &mail,
            "bad_certificate_part",
            "control character",
        ),
    ] {
        let parts = certificate(&clock, subject, names);
        let (found, detail) = refusal(&authenticator, &parts).await;
        assert_eq!(found, reason, "{detail}");
        assert!(detail.contains(part), "{detail}");
        // The log tells which certificate it was, on one line.
        assert!(
            detail.contains("O=Example") && detail.contains("0707"),
            "{detail}"
        );
        assert!(!detail.contains('\n'), "{detail}");
    }
    let twice = [ANN[0], ANN[3], ANN[4], ANN[4]];
    let parts = certificate(&clock, &twice, &mail);
    assert_eq!(identity(&authenticator, &parts).await.id(), "ann");
}

#[tokio::test]
async fn the_first_that_means_a_certificate_decides() {
    let clock = ManualClock::new();
    let any = CertificateUser::new(Certificates::Any, template("ANY"), template("$cn"));
    let first = builder(&clock).user(people()).user(any.unwrap()).build();
    let first = first.unwrap();
    let mail = [email("ann@example.com")];
    let ann = certificate(&clock, &ANN, &mail);
    assert_eq!(identity(&first, &ann).await.directory(), "LAB");
    // Meant by the first and refused by it: the second is not asked.
    let parts = certificate(&clock, &ANN[..4], &mail);
    assert_eq!(refusal(&first, &parts).await.0, "missing_certificate_part");
    let other = certificate(&clock, &[("CN", "bob")], &[]);
    assert_eq!(identity(&first, &other).await.to_string(), r"ANY\bob");
}

#[tokio::test]
async fn s33_without_a_verified_certificate_nothing_is_requested() {
    let clock = ManualClock::new();
    let authenticator = authenticator(&clock);
    let subject = "O=Example,CN=Ann Adams,UID=ann";
    let claims = Request::builder()
        .header("x-client-cert", subject)
        .header("x-forwarded-client-cert", format!("Subject=\"{subject}\""))
        .header("client-cert", ":MIIB:")
        .header("x-ssl-client-s-dn", subject)
        .header("ssl-client-verify", "SUCCESS");
    for parts in [
        Request::new(()).into_parts().0,
        claims.body(()).unwrap().into_parts().0,
        // Verified, and nobody.
        certificate(&clock, &[("O", "example"), ("UID", "ann")], &[]),
    ] {
        assert!(matches!(
            ask(&authenticator, &parts).await,
            Outcome::NotRequested
        ));
        assert_eq!(authenticator.credential(&request(&parts)), None);
    }
    assert!(authenticator.consumed().is_empty());
}

#[tokio::test]
async fn the_certificate_is_the_credential_as_long_as_it_is_valid() {
    let clock = ManualClock::new();
    let authenticator = authenticator(&clock);
    let ann = certificate(&clock, &ANN, &[email("ann@example.com")]);
    clock.advance(HOUR / 4);
    let Outcome::Authenticated(found) = ask(&authenticator, &ann).await else {
        panic!("not authenticated");
    };
    let credential = found.credential.unwrap();
    assert_eq!(credential.valid_for, Some(HOUR * 3 / 4));
    assert_eq!(
        authenticator.credential(&request(&ann)),
        Some(credential.digest)
    );
    clock.advance(HOUR * 3 / 4);
    let (reason, detail) = refusal(&authenticator, &ann).await;
    assert_eq!(reason, "expired");
    assert!(detail.contains("its time was over at"), "{detail}");
}

#[test]
fn s26_a_credential_is_of_one_certificate_one_space_and_one_rule() {
    let clock = ManualClock::new();
    let ann = certificate(&clock, &ANN, &[]);
    let digest = |authenticator: CertificateAuthenticatorBuilder| -> TokenDigest {
        let authenticator = authenticator.build().unwrap();
        authenticator.credential(&request(&ann)).unwrap()
    };
    let space = SpaceId::new("1002").unwrap();
    let mut all = vec![
        digest(builder(&clock).user(people())),
        digest(builder(&clock).user(people()).space(&space)),
        digest(builder(&clock).user(people().with_name(template("$uid")))),
        digest(builder(&clock).user(people()).user(devices())),
    ];
    assert_eq!(all[0], digest(builder(&clock).user(people())));
    let mut other = certificate(&clock, &ANN, &[]);
    let mut changed: ClientCertificate =
        (**other.extensions.get::<Arc<ClientCertificate>>().unwrap()).clone();
    changed.fingerprint = [8; 32];
    other.extensions.insert(Arc::new(changed));
    let authenticator = builder(&clock).user(people()).build().unwrap();
    all.push(authenticator.credential(&request(&other)).unwrap());
    for (i, digest) in all.iter().enumerate() {
        assert!(!all[..i].contains(digest), "{i}");
    }
}

#[test]
fn s41_what_has_no_effect_is_no_authenticator() {
    let clock = ManualClock::new();
    let user = |certificates| {
        CertificateUser::new(certificates, template("LAB"), template("$cn")).unwrap()
    };
    let nameless = user(Certificates::Matching(CertificateRule::default()));
    for (builder, error) in [
        (builder(&clock), CertificateConfigError::NoUsers),
        (
            builder(&clock).user(people()).user(nameless),
            CertificateConfigError::Nameless(2),
        ),
        (
            builder(&clock).user(user(Certificates::Any)).user(people()),
            CertificateConfigError::Unreachable(1),
        ),
    ] {
        assert_eq!(builder.build().unwrap_err(), error);
    }
    for (directory, id) in [(r"LAB\", "$cn"), ("LAB", r"LAB\$cn"), ("L\u{7}", "ann")] {
        let user = CertificateUser::new(Certificates::Any, template(directory), template(id));
        assert!(user.is_err(), "{directory} {id}");
    }
}

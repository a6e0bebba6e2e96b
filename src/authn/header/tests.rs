use std::net::SocketAddr;

use http::Request;
use http::header::HeaderName;
use http::request::Parts;
use ipnet::IpNet;

use super::*;
use crate::authn::{Authenticator as _, AuthnRequest, Consumed, FailureReason, Outcome};
use crate::domain::{Connection, Scheme, SpaceId};

const USER: HeaderName = HeaderName::from_static("hdr-usr");
const GROUPS: HeaderName = HeaderName::from_static("hdr-groups");

fn builder() -> HeaderAuthenticatorBuilder {
    HeaderAuthenticator::builder(&SpaceId::new("1001").unwrap(), USER)
}

fn from_lab() -> HeaderAuthenticator {
    from_lab_in("1001")
}

fn from_lab_in(space: &str) -> HeaderAuthenticator {
    HeaderAuthenticator::builder(&SpaceId::new(space).unwrap(), USER)
        .directory("LAB")
        .trust("10.1.2.0/24".parse().unwrap())
        .name_header(HeaderName::from_static("hdr-name"))
        .email_header(HeaderName::from_static("hdr-mail"))
        .attribute_header(GROUPS, "group")
        .build()
        .unwrap()
}

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::new(());
    for (name, value) in headers {
        request.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    request.into_parts().0
}

fn connection(peer: &str, client: &str) -> Option<Connection> {
    Some(Connection {
        peer: SocketAddr::new(peer.parse().unwrap(), 4000),
        client_ip: client.parse().unwrap(),
        scheme: Scheme::Https,
    })
}

async fn ask(authn: &HeaderAuthenticator, parts: &Parts, peer: &str) -> Outcome {
    let request = AuthnRequest {
        parts,
        connection: connection(peer, "192.0.2.7"),
    };
    authn.authenticate(request).await
}

#[tokio::test]
async fn a_trusted_peer_says_who_the_user_is() {
    let parts = parts(&[
        ("Hdr-Usr", "jörg"),
        ("hdr-name", "Jörg J."),
        ("hdr-mail", "j@lab.example"),
        ("hdr-groups", "sales, admins,,"),
    ]);
    for peer in ["10.1.2.3", "::ffff:10.1.2.3"] {
        let Outcome::Authenticated(found) = ask(&from_lab(), &parts, peer).await else {
            panic!("{peer} was not believed");
        };
        let user = found.identity;
        assert_eq!(user.to_string(), r"LAB\jörg");
        assert_eq!(
            (user.name(), user.email()),
            ("Jörg J.", Some("j@lab.example"))
        );
        let groups = user.attributes().values("group");
        assert_eq!(groups, ["sales".into(), "admins".into()] as [Box<str>; 2]);
        assert_eq!(found.credential.map(|c| c.valid_for), Some(None));
    }
}

#[tokio::test]
async fn s04_from_any_other_peer_the_header_is_not_there() {
    let authn = from_lab();
    let parts = parts(&[("hdr-usr", "ann")]);
    for peer in ["10.1.3.3", "127.0.0.1", "::1"] {
        // The client's address is one that would be trusted; it does not count.
        let request = AuthnRequest {
            parts: &parts,
            connection: connection(peer, "10.1.2.3"),
        };
        assert!(matches!(
            authn.authenticate(request).await,
            Outcome::NotRequested
        ));
        assert_eq!(authn.credential(&request), None);
    }
    let unknown = AuthnRequest {
        parts: &parts,
        connection: None,
    };
    assert!(matches!(
        authn.authenticate(unknown).await,
        Outcome::NotRequested
    ));
}

#[tokio::test]
async fn a_header_that_can_be_read_in_two_ways_is_refused() {
    let authn = from_lab();
    for headers in [
        &[("hdr-usr", "ann"), ("hdr-usr", "bob")][..],
        &[("hdr-usr", "ann"), ("hdr-groups", "a"), ("hdr-groups", "b")],
        &[("hdr-usr", r"LAB\ann")],
    ] {
        let outcome = ask(&authn, &parts(headers), "10.1.2.3").await;
        let Outcome::Failed(failure) = outcome else {
            panic!("{headers:?} gave {outcome:?}");
        };
        assert_eq!(failure.reason(), FailureReason::BadHeader);
    }
    let blank = ask(&authn, &parts(&[("hdr-usr", " ")]), "10.1.2.3").await;
    assert!(matches!(blank, Outcome::NotRequested));
}

#[tokio::test]
async fn a_pattern_gives_the_directory() {
    let authn = builder()
        .pattern(r"$ud\$id")
        .trust("10.0.0.0/8".parse().unwrap())
        .build()
        .unwrap();
    let outcome = ask(&authn, &parts(&[("hdr-usr", r"OPS\ann")]), "10.1.2.3").await;
    let Outcome::Authenticated(found) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(found.identity.to_string(), r"OPS\ann");
    let outcome = ask(&authn, &parts(&[("hdr-usr", "ann")]), "10.1.2.3").await;
    assert!(matches!(outcome, Outcome::Failed(f) if f.reason() == FailureReason::BadHeader));
}

#[test]
fn s26_a_credential_is_of_one_space_client_and_content() {
    let base = [("hdr-usr", "ann"), ("hdr-groups", "a"), ("user-agent", "x")];
    let digest = |authn: &HeaderAuthenticator, headers: &[(&str, &str)], client: &str| {
        let parts = parts(headers);
        let request = AuthnRequest {
            parts: &parts,
            connection: connection("10.1.2.3", client),
        };
        authn.credential(&request).unwrap()
    };
    let one = digest(&from_lab(), &base, "192.0.2.7");
    assert_eq!(one, digest(&from_lab(), &base, "192.0.2.7"));
    let other_space = from_lab_in("1002");
    let shifted = [("hdr-usr", "ann"), ("hdr-name", "a"), ("user-agent", "x")];
    let mut other_group = base;
    other_group[1].1 = "b";
    let mut other_agent = base;
    other_agent[2].1 = "y";
    for different in [
        digest(&other_space, &base, "192.0.2.7"),
        digest(&from_lab(), &base, "192.0.2.8"),
        digest(&from_lab(), &shifted, "192.0.2.7"),
        digest(&from_lab(), &other_group, "192.0.2.7"),
        digest(&from_lab(), &other_agent, "192.0.2.7"),
    ] {
        assert_ne!(one, different);
    }
}

#[test]
fn s41_a_configuration_that_trusts_nobody_or_everybody_is_refused() {
    let lan: IpNet = "10.0.0.0/8".parse().unwrap();
    assert_eq!(
        builder().directory("LAB").build().unwrap_err(),
        HeaderConfigError::NobodyTrusted(USER)
    );
    for all in ["0.0.0.0/0", "::/0"] {
        let all: IpNet = all.parse().unwrap();
        assert!(matches!(
            builder().directory("LAB").trust(lan).trust(all).build(),
            Err(HeaderConfigError::EverybodyTrusted { network, .. }) if network == all
        ));
    }
    assert!(matches!(
        builder().trust(lan).build(),
        Err(HeaderConfigError::DirectoryOrPattern(_))
    ));
    assert!(matches!(
        builder()
            .trust(lan)
            .directory("L")
            .pattern("$ud:$id")
            .build(),
        Err(HeaderConfigError::DirectoryOrPattern(_))
    ));
    assert!(matches!(
        builder().trust(lan).directory(" ").build(),
        Err(HeaderConfigError::Directory { .. })
    ));
    assert!(matches!(
        builder()
            .trust(lan)
            .directory("L")
            .name_header(USER)
            .build(),
        Err(HeaderConfigError::Reused(header)) if header == USER
    ));
}

#[test]
fn every_header_that_is_read_is_taken_off() {
    assert_eq!(from_lab().consumed().len(), 4);
    assert!(from_lab().consumed().contains(&Consumed::Header(GROUPS)));
}

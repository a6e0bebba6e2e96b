//! Certificates of clients.

use std::sync::Arc;

use rcgen::{DnType, ExtendedKeyUsagePurpose, OtherNameValue, SanType, SerialNumber};

use super::pki::{ClientPair, Pki, in_days, settings};
use super::shaking::{BOTH, Caller};
use crate::domain::{AltName, ManualClock};
use crate::net::tls::{ClientAuth, HandshakeError, TlsAcceptor, TlsSettings};

fn asking(pki: &Pki, auth: ClientAuth) -> TlsSettings {
    TlsSettings {
        client: Some(auth),
        ..settings(vec![pki.server("site", &["site.example"])])
    }
}

#[tokio::test]
async fn a_certificate_is_read_as_rules_name_it() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&asking(&pki, pki.auth(true))).unwrap();
    let ends = in_days(9);
    let upn = vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
    let pair = pki.client("QlikClient", |params| {
        let name = &mut params.distinguished_name;
        name.push(DnType::OrganizationName, "Exämple");
        name.push(DnType::OrganizationalUnitName, "Ops");
        let uid = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
        name.push(uid, "jd");
        name.push(DnType::CustomDnType(vec![2, 5, 4, 12]), "Dr");
        params.subject_alt_names = vec![
            SanType::DnsName("host.example".try_into().unwrap()),
            SanType::Rfc822Name("jd@example.com".try_into().unwrap()),
            SanType::URI("spiffe://example/jd".try_into().unwrap()),
            SanType::IpAddress("10.0.0.7".parse().unwrap()),
            SanType::IpAddress("fd00::7".parse().unwrap()),
            SanType::OtherName((upn, OtherNameValue::Utf8String("jd@corp".to_owned()))),
            SanType::OtherName((
                vec![1, 2, 3, 4],
                OtherNameValue::Utf8String("no".to_owned()),
            )),
        ];
        params.not_after = ends.to_datetime();
    });
    for version in BOTH {
        let caller = Caller::speaking(&[version], Some(&pair));
        let certificate = caller.shake(&acceptor, "site.example").await.facts();
        let certificate = certificate.certificate.unwrap();
        assert_eq!(
            certificate.to_string(),
            "CN=QlikClient,O=Exämple,OU=Ops,UID=jd,2.5.4.12=Dr"
        );
        let names: Vec<String> = certificate
            .alt_names
            .iter()
            .map(AltName::to_string)
            .collect();
        assert_eq!(
            names,
            [
                "dns:host.example",
                "email:jd@example.com",
                "uri:spiffe://example/jd",
                "ip:10.0.0.7",
                "ip:fd00::7",
                "upn:jd@corp"
            ]
        );
        assert_eq!(&*certificate.serial, "0a0b");
        assert_eq!(certificate.not_after.unix_seconds(), ends.timestamp());
        let print = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &pair.chain[0]);
        assert_eq!(certificate.fingerprint, print.as_ref());
    }
}

/// Who comes, and what the listener and the client say when he is refused.
struct Refused(ClientPair, &'static str, &'static str);

#[tokio::test]
async fn s33_only_certificates_of_the_authority_open_a_listener_that_requires_one() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&asking(&pki, pki.auth(true))).unwrap();
    let good = pki.client("Good", |_| {});
    Caller::with(&good)
        .shake(&acceptor, "site.example")
        .await
        .facts();

    let cases = [
        Refused(
            Pki::new().client("Impostor", |_| {}),
            "it is not signed by the authority that it names",
            "DecryptError",
        ),
        Refused(
            Pki::named("Other").client("Foreign", |_| {}),
            "no authority of `client_ca` has issued it",
            "UnknownCA",
        ),
        Refused(
            pki.client("Old", |p| p.not_after = in_days(-1).to_datetime()),
            "it has expired",
            "CertificateExpired",
        ),
        Refused(
            pki.client("Young", |p| p.not_before = in_days(1).to_datetime()),
            "it is not valid yet",
            "CertificateExpired",
        ),
        Refused(
            pki.client("Server", |p| {
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
            }),
            "it is not for client authentication (extended key usage)",
            "UnsupportedCertificate",
        ),
    ];
    for Refused(pair, why, alert) in cases {
        for version in BOTH {
            let caller = Caller::speaking(&[version], Some(&pair));
            let (log, told) = caller.shake(&acceptor, "site.example").await.refusal();
            assert_eq!(log, format!("the client's certificate is refused: {why}"));
            assert!(told.contains(alert), "{why}: {told}");
        }
    }
    for version in BOTH {
        let nobody = Caller::speaking(&[version], None)
            .shake(&acceptor, "site.example")
            .await;
        let (log, told) = nobody.refusal();
        assert_eq!(
            log,
            "the client has shown no certificate, and one is required"
        );
        assert!(told.contains("CertificateRequired"), "{told}");
    }
}

#[tokio::test]
async fn s33_an_optional_certificate_may_be_missing_but_not_bad() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&asking(&pki, pki.auth(false))).unwrap();
    let nobody = Caller::new().shake(&acceptor, "site.example").await.facts();
    assert_eq!(nobody.certificate, None);
    let old = pki.client("Old", |params| params.not_after = in_days(-1).to_datetime());
    let shaken = Caller::with(&old).shake(&acceptor, "site.example").await;
    let refusal = shaken.server.unwrap_err();
    assert!(
        matches!(refusal, HandshakeError::ClientCertificate(_)),
        "{refusal}"
    );
}

#[tokio::test]
async fn s33_a_listener_that_asks_for_none_takes_none() {
    let pki = Pki::new();
    let acceptor =
        TlsAcceptor::new(&settings(vec![pki.server("site", &["site.example"])])).unwrap();
    let pair = pki.client("Me", |_| {});
    let shaken = Caller::with(&pair).shake(&acceptor, "site.example").await;
    assert_eq!(shaken.facts().certificate, None);
}

#[tokio::test]
async fn s33_revoked_certificates_and_old_lists_are_refused() {
    let pki = Pki::new();
    let with_list = |days, revoked: &[&[u8]]| {
        let mut auth = pki.auth(true);
        auth.crl = vec![pki.crl("ca.crl", days, revoked)];
        TlsAcceptor::new(&asking(&pki, auth)).unwrap()
    };
    let pair = pki.client("Me", |p| {
        p.serial_number = Some(SerialNumber::from_slice(&[7]))
    });
    let good = with_list(1, &[&[8]]);
    Caller::with(&pair)
        .shake(&good, "site.example")
        .await
        .facts();
    for (acceptor, why) in [
        (with_list(1, &[&[7]]), "it has been revoked"),
        (
            with_list(-1, &[]),
            "the list of `client_crl` that would say whether it has been revoked is out of date",
        ),
    ] {
        let (log, _) = Caller::with(&pair)
            .shake(&acceptor, "site.example")
            .await
            .refusal();
        assert_eq!(log, format!("the client's certificate is refused: {why}"));
    }
    let (mut auth, other) = (pki.auth(true), Pki::named("Other"));
    auth.crl = vec![other.crl("other.crl", 1, &[])];
    let acceptor = TlsAcceptor::new(&asking(&pki, auth)).unwrap();
    let (log, _) = Caller::with(&pair)
        .shake(&acceptor, "site.example")
        .await
        .refusal();
    assert_eq!(
        log,
        "the client's certificate is refused: \
         no list of `client_crl` says whether it has been revoked"
    );
}

#[tokio::test]
async fn certificates_are_good_or_not_by_the_clock_of_the_program() {
    let pki = Pki::new();
    let clock = ManualClock::new();
    let acceptor =
        TlsAcceptor::with_clock(&asking(&pki, pki.auth(true)), Arc::new(clock.clone())).unwrap();
    let pair = pki.client("Me", |params| {
        params.not_after = rcgen::date_time_ymd(2026, 1, 3)
    });
    let caller = Caller::with(&pair);
    caller.shake(&acceptor, "site.example").await.facts();
    clock.advance(std::time::Duration::from_secs(3 * 86_400));
    // The second is a session that would be resumed, whose certificate nobody verifies.
    for caller in [Caller::with(&pair), caller] {
        let shaken = caller.shake(&acceptor, "site.example").await;
        assert_eq!(
            shaken.server.unwrap_err().to_string(),
            "the client's certificate is refused: it has expired"
        );
    }
}

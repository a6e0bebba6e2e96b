//! Coming back, and what a listener's files becoming others does to it.

use std::sync::Arc;
use std::time::Duration;

use rcgen::SerialNumber;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::pki::{Pki, in_days, settings};
use super::shaking::{BOTH, Caller};
use crate::domain::ManualClock;
use crate::net::tls::{TlsAcceptor, TlsSettings};

#[tokio::test]
async fn sessions_are_resumed_by_every_clone_and_across_new_certificates() {
    let pki = Pki::new();
    let site = settings(vec![pki.server("site", &["site.example"])]);
    let acceptor = TlsAcceptor::new(&site).unwrap();
    for version in BOTH {
        let caller = Caller::speaking(&[version], None);
        assert!(
            !caller
                .shake(&acceptor, "site.example")
                .await
                .facts()
                .resumed
        );
        let of_another_worker = acceptor.clone();
        for _ in 0..3 {
            let again = caller.shake(&of_another_worker, "site.example").await;
            assert!(again.facts().resumed, "{version:?}");
        }
        pki.server("site", &["site.example"]);
        acceptor.replace(&site).unwrap();
        let after = caller.shake(&of_another_worker, "site.example").await;
        assert!(after.facts().resumed, "{version:?}");
    }
}

#[tokio::test]
async fn a_session_is_not_resumed_under_another_name() {
    let pki = Pki::new();
    let sites = settings(vec![
        pki.server("a", &["a.example"]),
        pki.server("b", &["b.example"]),
    ]);
    let acceptor = TlsAcceptor::new(&sites).unwrap();
    let caller = Caller::new();
    caller.shake(&acceptor, "a.example").await.facts();
    assert!(!caller.shake(&acceptor, "b.example").await.facts().resumed);
}

#[tokio::test]
async fn s33_what_is_asked_of_clients_is_asked_again_when_it_changed() {
    let pki = Pki::new();
    let mut asking = TlsSettings {
        client: Some(pki.auth(false)),
        ..settings(vec![pki.server("site", &["site.example"])])
    };
    let crl = pki.crl("ca.crl", 5, &[]);
    for version in BOTH {
        pki.crl("ca.crl", 5, &[]);
        asking.client = Some(pki.auth(false));
        let acceptor = TlsAcceptor::new(&asking).unwrap();
        let pair = pki.client("Me", |p| {
            p.serial_number = Some(SerialNumber::from_slice(&[7]))
        });
        let caller = Caller::speaking(&[version], Some(&pair));
        let nobody = Caller::speaking(&[version], None);
        for caller in [&caller, &nobody] {
            caller.shake(&acceptor, "site.example").await.facts();
        }
        let again = caller.shake(&acceptor, "site.example").await.facts();
        assert!(again.resumed && again.certificate.is_some(), "{version:?}");

        // Nothing changed.
        acceptor.replace(&asking).unwrap();
        assert!(
            caller
                .shake(&acceptor, "site.example")
                .await
                .facts()
                .resumed
        );

        // The settings.
        asking.client.as_mut().unwrap().crl = vec![crl.clone()];
        acceptor.replace(&asking).unwrap();
        assert!(
            !caller
                .shake(&acceptor, "site.example")
                .await
                .facts()
                .resumed
        );
        assert!(
            caller
                .shake(&acceptor, "site.example")
                .await
                .facts()
                .resumed
        );

        // A file.
        pki.crl("ca.crl", 5, &[&[7]]);
        acceptor.replace(&asking).unwrap();
        let (log, _) = caller.shake(&acceptor, "site.example").await.refusal();
        assert_eq!(
            log,
            "the client's certificate is refused: it has been revoked"
        );

        // Whoever came without a certificate does not come back where one is required.
        nobody.shake(&acceptor, "site.example").await.facts();
        assert!(
            nobody
                .shake(&acceptor, "site.example")
                .await
                .facts()
                .resumed
        );
        asking.client.as_mut().unwrap().required = true;
        acceptor.replace(&asking).unwrap();
        let (log, _) = nobody.shake(&acceptor, "site.example").await.refusal();
        assert_eq!(
            log,
            "the client has shown no certificate, and one is required"
        );
    }
}

#[tokio::test]
async fn s33_nothing_is_resumed_when_the_lists_are_out_of_date() {
    let pki = Pki::new();
    let clock = ManualClock::new();
    // The clock starts at 2026-01-01; the list is good for a day from now on.
    let now = in_days(0).timestamp() - 1_767_225_600;
    clock.advance(Duration::from_secs(u64::try_from(now).unwrap()));
    let mut auth = pki.auth(true);
    auth.crl = vec![pki.crl("ca.crl", 1, &[])];
    let asking = TlsSettings {
        client: Some(auth),
        ..settings(vec![pki.server("site", &["site.example"])])
    };
    let acceptor = TlsAcceptor::with_clock(&asking, Arc::new(clock.clone())).unwrap();
    let pair = pki.client("Me", |_| {});
    let callers: Vec<_> = BOTH
        .iter()
        .map(|version| Caller::speaking(&[version], Some(&pair)))
        .collect();
    for caller in &callers {
        caller.shake(&acceptor, "site.example").await.facts();
        assert!(
            caller
                .shake(&acceptor, "site.example")
                .await
                .facts()
                .resumed
        );
    }
    clock.advance(Duration::from_secs(2 * 86_400));
    for caller in &callers {
        let (log, _) = caller.shake(&acceptor, "site.example").await.refusal();
        assert!(log.ends_with("is out of date"), "{log}");
    }
}

#[tokio::test]
async fn open_connections_go_on_when_certificates_are_exchanged() {
    let pki = Pki::new();
    let site = settings(vec![pki.server("site", &["site.example"])]);
    let acceptor = TlsAcceptor::new(&site).unwrap();
    let before = Caller::new().shake(&acceptor, "site.example").await;
    pki.server("site", &["site.example"]);
    acceptor.replace(&site).unwrap();
    let after = Caller::new().shake(&acceptor, "site.example").await;
    assert_ne!(before.leaf(), after.leaf());

    let (mut server, facts) = before.server.unwrap();
    let mut client = before.client.unwrap();
    client.write_all(b"ping").await.unwrap();
    let mut heard = [0; 4];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
    assert!(facts.serves("site.example"));

    // What cannot be used changes nothing.
    std::fs::write(&site.certificates[0].key, "garbage").unwrap();
    acceptor.replace(&site).unwrap_err();
    let still = Caller::new().shake(&acceptor, "site.example").await;
    assert_eq!(still.leaf(), after.leaf());
}

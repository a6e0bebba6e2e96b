//! Files that cannot be used, and OCSP responses.

use rcgen::SerialNumber;
use yasna::Tag;
use yasna::models::ObjectIdentifier;

use super::pki::{Pki, settings};
use super::shaking::{BOTH, Caller};
use crate::net::tls::{CertificateFiles, TlsAcceptor, TlsError, TlsSettings};

/// What is wrong with `settings`, with file names instead of paths.
fn refusal(settings: &TlsSettings) -> String {
    let error = TlsAcceptor::new(settings).unwrap_err();
    let folder = match &error {
        TlsError::Read { path, .. } | TlsError::Content { path, .. } => path.parent().unwrap(),
        _ => return error.to_string(),
    };
    let text = error.to_string();
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn s41_a_file_that_cannot_be_used_is_named() {
    let pki = Pki::new();
    let good = pki.server("site", &["site.example"]);
    let other = pki.server("other", &["other.example"]);
    let with = |change: &dyn Fn(&mut CertificateFiles)| {
        let mut files = good.clone();
        change(&mut files);
        refusal(&settings(vec![other.clone(), files]))
    };
    let file = |name: &str, content: &str| pki.write(name, content);
    let chain = std::fs::read_to_string(&good.chain).unwrap();
    let key = std::fs::read_to_string(&good.key).unwrap();
    let (leaf, ca) = chain.split_at(chain.rfind("-----BEGIN").unwrap());

    let foreign = with(&|files| files.key = other.key.clone());
    assert_eq!(
        foreign,
        foreign_key("other.key", pki.write("site.pem", &chain))
    );
    for (refusal, expected) in [
        (
            with(&|f| f.chain = file("none.pem", "")),
            "`none.pem`: it has no certificate (`-----BEGIN CERTIFICATE-----`)",
        ),
        (
            with(&|f| f.chain = file("key.pem", &key)),
            "`key.pem`: it has no certificate (`-----BEGIN CERTIFICATE-----`)",
        ),
        (
            with(&|f| f.chain = file("turned.pem", &format!("{ca}{leaf}"))),
            "`turned.pem`: its first certificate must be the listener's own, not an authority's",
        ),
        (
            with(&|f| f.chain = file("cut.pem", &leaf[..leaf.len() / 2])),
            "`cut.pem`: it ends within a section",
        ),
        (
            with(&|f| f.chain = file("bad.pem", &leaf.replace("MII", "AAA"))),
            "`bad.pem`: its certificate is garbled",
        ),
        (
            with(&|f| f.key = file("none.key", "")),
            "`none.key`: it has no private key (`-----BEGIN PRIVATE KEY-----`)",
        ),
        (
            with(&|f| f.key = file("crt.key", leaf)),
            "`crt.key`: it has no private key (`-----BEGIN PRIVATE KEY-----`)",
        ),
        (
            with(&|f| f.key = file("locked.key", &key.replace("PRIVATE", "ENCRYPTED PRIVATE"))),
            "`locked.key`: its key is encrypted; `openssl pkey -in FILE -out NEW` writes it without a password",
        ),
        (
            with(&|f| f.key = file("odd.key", &key.replace("MI", "AA"))),
            "`odd.key`: its key is garbled, or of a kind that TLS has not",
        ),
        (
            with(&|f| f.key = file("b64.key", &key.replace("MI", "M*"))),
            "`b64.key`: a section is garbled: it is not base64",
        ),
        (
            with(&|f| f.key = f.key.with_extension("gone")),
            "cannot read `site.gone`",
        ),
        (
            with(&|f| f.ocsp = Some(file("text.ocsp", "-----BEGIN"))),
            "`text.ocsp`: it is no OCSP response in DER form",
        ),
        (
            refusal(&settings(vec![])),
            "there is no certificate to show",
        ),
    ] {
        assert_eq!(refusal, expected);
    }
}

fn foreign_key(key: &str, chain: std::path::PathBuf) -> String {
    let folder = format!("{}/", chain.parent().unwrap().display());
    let text = format!(
        "`{key}`: it is not the key of the certificate in `{}`",
        chain.display()
    );
    text.replace(&folder, "")
}

#[test]
fn s33_without_a_usable_authority_there_is_no_listener() {
    let pki = Pki::new();
    let site = settings(vec![pki.server("site", &["site.example"])]);
    let asking = |ca: &str, crl: Option<&str>| {
        let mut auth = pki.auth(false);
        auth.ca = pki.write("authority.pem", ca);
        auth.crl = crl
            .map(|crl| pki.write("list.crl", crl))
            .into_iter()
            .collect();
        refusal(&TlsSettings {
            client: Some(auth),
            ..site.clone()
        })
    };
    let ca = std::fs::read_to_string(pki.ca_file()).unwrap();
    let none = "`authority.pem`: it has no certificate (`-----BEGIN CERTIFICATE-----`)";
    assert_eq!(asking("", None), none);
    assert_eq!(asking("# to be filled in\n", None), none);
    assert_eq!(
        asking(&ca.replace("MII", "AAA"), None),
        "`authority.pem`: a certificate of it is garbled"
    );
    assert_eq!(
        asking(&ca, Some("")),
        "`list.crl`: it has no revocation list (`-----BEGIN X509 CRL-----`)"
    );
    let garbled = asking(&ca, Some("0123"));
    assert!(
        garbled.starts_with("`list.crl`: a revocation list is unusable: "),
        "{garbled}"
    );
    let mut auth = pki.auth(true);
    auth.ca.set_extension("gone");
    let gone = refusal(&TlsSettings {
        client: Some(auth),
        ..site
    });
    assert_eq!(gone, "cannot read `ca.gone`");
}

/// A response about the certificate with `serial`, as a responder would sign it.
fn ocsp(status: i64, serial: &[u8], next_update: Option<&[u8]>) -> Vec<u8> {
    let time = |bytes: &[u8]| [&[0x18, 0x0f], bytes].concat();
    let algorithm = |oid: &[u64]| {
        yasna::construct_der(|w| {
            w.write_sequence(|w| w.next().write_oid(&ObjectIdentifier::from_slice(oid)));
        })
    };
    let basic = yasna::construct_der(|w| {
        w.write_sequence(|w| {
            w.next().write_sequence(|w| {
                w.next()
                    .write_tagged(Tag::context(2), |w| w.write_bytes(&[7; 20]));
                w.next().write_der(&time(b"20260101000000Z"));
                w.next().write_sequence(|w| {
                    w.next().write_sequence(|w| {
                        w.next().write_sequence(|w| {
                            w.next().write_der(&algorithm(&[1, 3, 14, 3, 2, 26]));
                            w.next().write_bytes(&[1; 20]);
                            w.next().write_bytes(&[2; 20]);
                            w.next().write_bigint_bytes(serial, true);
                        });
                        w.next()
                            .write_tagged_implicit(Tag::context(0), |w| w.write_null());
                        w.next().write_der(&time(b"20260101000000Z"));
                        if let Some(next) = next_update {
                            w.next()
                                .write_tagged(Tag::context(0), |w| w.write_der(&time(next)));
                        }
                    });
                });
            });
            w.next()
                .write_der(&algorithm(&[1, 2, 840, 10_045, 4, 3, 2]));
            w.next().write_bitvec_bytes(&[9; 64], 512);
        });
    });
    yasna::construct_der(|w| {
        w.write_sequence(|w| {
            w.next().write_enum(status);
            if status == 0 {
                w.next().write_tagged(Tag::context(0), |w| {
                    w.write_sequence(|w| {
                        let id = [1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
                        w.next().write_oid(&ObjectIdentifier::from_slice(&id));
                        w.next().write_bytes(&basic);
                    });
                });
            }
        });
    })
}

#[tokio::test]
async fn an_ocsp_response_is_stapled() {
    let pki = Pki::new();
    let serial = [0x8a, 0x01];
    let mut site = pki.server_with("site", &["site.example"], |params| {
        params.serial_number = Some(SerialNumber::from_slice(&serial));
    });
    for next_update in [
        None,
        Some(&b"20260102000000Z"[..]),
        Some(b"20980102000000Z"),
    ] {
        let response = ocsp(0, &serial, next_update);
        site.ocsp = Some(pki.write("site.ocsp", &response));
        let acceptor = TlsAcceptor::new(&settings(vec![site.clone()])).unwrap();
        for version in BOTH {
            let caller = Caller::speaking(&[version], None);
            caller.shake(&acceptor, "site.example").await.facts();
            assert_eq!(caller.staple(), response);
        }
    }
    for (response, what) in [
        (
            ocsp(0, &[0x8a, 0x02], None),
            "`site.ocsp`: it is about another certificate",
        ),
        (
            ocsp(6, &serial, None),
            "`site.ocsp`: it is an OCSP responder's error, and no answer",
        ),
    ] {
        site.ocsp = Some(pki.write("site.ocsp", response));
        assert_eq!(refusal(&settings(vec![site.clone()])), what);
    }
}

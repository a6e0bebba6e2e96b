//! A PKCS #12 file (RFC 7292) with one key and its certificates, for programs that take
//! nothing else.
//!
//! The password is empty, so encryption would hide nothing: the key lies in a plain key bag,
//! and the file's mode is what protects it. The MAC is there because readers check it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, DERWriterSeq, Tag};

/// A PKCS #12 file with `key` (PKCS #8), the certificate of that key, and those that lead to
/// its authority, all in DER form. `name` is what programs list it under.
pub(crate) fn with_empty_password(
    name: &str,
    key: &[u8],
    leaf: &[u8],
    chain: &[&[u8]],
    salt: [u8; 16],
) -> Vec<u8> {
    let id = digest(&SHA256, leaf);
    let own = |w: &mut DERWriterSeq<'_>| {
        w.next().write_set_of(|w| {
            attribute(w.next(), LOCAL_KEY_ID, |w| w.write_bytes(id.as_ref()));
            attribute(w.next(), FRIENDLY_NAME, |w| w.write_bmp_string(name));
        });
    };
    let bags = yasna::construct_der(|w| {
        w.write_sequence(|w| {
            bag(w.next(), KEY_BAG, |w| w.write_der(key), own);
            bag(w.next(), CERT_BAG, |w| certificate(w, leaf), own);
            for authority in chain {
                bag(w.next(), CERT_BAG, |w| certificate(w, authority), |_| {});
            }
        });
    });
    let safes = yasna::construct_der(|w| {
        w.write_sequence(|w| data(w.next(), &bags));
    });
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &mac_key(&salt));
    let mac = hmac::sign(&mac_key, &safes);
    yasna::construct_der(|w| {
        w.write_sequence(|w| {
            w.next().write_u8(3); // version
            data(w.next(), &safes);
            w.next().write_sequence(|w| {
                w.next().write_sequence(|w| {
                    w.next().write_sequence(|w| {
                        oid(w.next(), SHA_256);
                        w.next().write_null();
                    });
                    w.next().write_bytes(mac.as_ref());
                });
                w.next().write_bytes(&salt);
                w.next().write_u32(ITERATIONS);
            });
        });
    })
}

/// `SafeBag`, with its attributes.
fn bag(
    w: DERWriter<'_>,
    kind: &[u64],
    value: impl FnOnce(DERWriter<'_>),
    attributes: impl FnOnce(&mut DERWriterSeq<'_>),
) {
    w.write_sequence(|w| {
        oid(w.next(), kind);
        w.next().write_tagged(Tag::context(0), value);
        attributes(w);
    });
}

/// `CertBag` with an X.509 certificate.
fn certificate(w: DERWriter<'_>, der: &[u8]) {
    w.write_sequence(|w| {
        oid(w.next(), X509_CERTIFICATE);
        w.next()
            .write_tagged(Tag::context(0), |w| w.write_bytes(der));
    });
}

fn attribute(w: DERWriter<'_>, kind: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    w.write_sequence(|w| {
        oid(w.next(), kind);
        w.next().write_set(|w| value(w.next()));
    });
}

/// `ContentInfo` of unencrypted data.
fn data(w: DERWriter<'_>, bytes: &[u8]) {
    w.write_sequence(|w| {
        oid(w.next(), DATA);
        w.next()
            .write_tagged(Tag::context(0), |w| w.write_bytes(bytes));
    });
}

fn oid(w: DERWriter<'_>, arcs: &[u64]) {
    w.write_oid(&ObjectIdentifier::from_slice(arcs));
}

/// The key of the MAC from the empty password (RFC 7292, appendix B.2). It is as long as one
/// digest, so one round is all.
fn mac_key(salt: &[u8; 16]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut input = vec![PURPOSE_MAC; BLOCK];
    input.extend(salt.iter().cycle().take(BLOCK));
    // The password is its characters and a final zero, each of two bytes: here zeros alone.
    input.extend([0; BLOCK]);
    let mut key = [0; 32];
    for round in 0..ITERATIONS {
        let source: &[u8] = if round == 0 { &input } else { &key };
        let next = digest(&SHA256, source);
        key.copy_from_slice(next.as_ref());
    }
    key
}

const ITERATIONS: u32 = 10_000;
const PURPOSE_MAC: u8 = 3;
const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const KEY_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 1];
const CERT_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 3];
const X509_CERTIFICATE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 20];
const LOCAL_KEY_ID: &[u64] = &[1, 2, 840, 113_549, 1, 9, 21];
const SHA_256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];

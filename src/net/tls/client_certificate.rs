//! What a client's certificate says, as the rest of the program reads it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::digest::{SHA256, digest};
use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::AttributeTypeAndValue;

use super::wall::timestamp;
use crate::domain::{AltName, ClientCertificate};

/// What the certificate `der`, which was verified, says. `None` when it cannot be read after
/// all: then nothing may be concluded from it.
pub(super) fn read(der: &[u8]) -> Option<ClientCertificate> {
    let ([], certificate) = X509Certificate::from_der(der).ok()? else {
        return None;
    };
    let alt_names = match certificate.subject_alternative_name().ok()? {
        Some(names) => names
            .value
            .general_names
            .iter()
            .filter_map(alt_name)
            .collect(),
        None => Vec::new(),
    };
    let subject = certificate.subject().iter_attributes();
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, der).as_ref());
    Some(ClientCertificate {
        subject: subject
            .map(|part| (part_name(part.attr_type()), part_value(part)))
            .collect(),
        alt_names,
        fingerprint,
        serial: hex(certificate.raw_serial()).into(),
        not_after: timestamp(certificate.validity().not_after.timestamp()),
    })
}

/// The short name of a part of a subject (RFC 4514, and what openssl prints), or its OID.
fn part_name(oid: &Oid<'_>) -> Box<str> {
    let dotted = oid.to_id_string();
    let known = PARTS.iter().find(|(id, _)| *id == dotted);
    known.map_or_else(|| dotted.as_str().into(), |(_, name)| (*name).into())
}

/// The text of a part of a subject; `#` and the digits of its bytes where it is none (RFC
/// 4514, section 2.4).
fn part_value(part: &AttributeTypeAndValue<'_>) -> Box<str> {
    if let Ok(text) = part.as_str() {
        return text.into();
    }
    let bytes = part.as_slice();
    let text = match part.attr_value().tag() {
        Tag::BmpString => utf16(bytes),
        // Latin-1, as those who still write it mean it.
        Tag::T61String => Some(bytes.iter().copied().map(char::from).collect()),
        _ => None,
    };
    text.unwrap_or_else(|| format!("#{}", hex(bytes))).into()
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

/// The alternative name `name`, when it is of a kind that rules can name.
fn alt_name(name: &GeneralName<'_>) -> Option<AltName> {
    Some(match name {
        GeneralName::DNSName(name) => AltName::Dns((*name).into()),
        GeneralName::RFC822Name(name) => AltName::Email((*name).into()),
        GeneralName::URI(uri) => AltName::Uri((*uri).into()),
        GeneralName::IPAddress(octets) => AltName::Ip(address(octets)?),
        GeneralName::OtherName(oid, value) if oid.to_id_string() == UPN => {
            let explicit = yasna::Tag::context(0);
            let text = yasna::parse_der(value, |reader| {
                reader.read_tagged(explicit, |reader| reader.read_utf8string())
            });
            AltName::Upn(text.ok()?.into())
        }
        _ => return None,
    })
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(octets).map(|o| IpAddr::from(Ipv4Addr::from(o)));
    let v6 = || <[u8; 16]>::try_from(octets).map(|o| IpAddr::from(Ipv6Addr::from(o)));
    v4().or_else(|_| v6()).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The parts of subjects that have a short name.
const PARTS: [(&str, &str); 10] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.5", "serialNumber"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];
/// A user principal name ([MS-WCCE], section 2.2.2.7.7.4).
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";

//! Which client certificates are meant.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::config::raw::OneOrMany;
use crate::config::report::{Scope, read};
use crate::domain::CertificateRule;

const SUBJECT: &str = "parts of the subject and their values, such as `{ O = \"Example\" }`; the \
                       parts are `CN`, `O`, `OU`, `C`, `L`, `ST`, `DC`, `UID`, `emailAddress`, \
                       `serialNumber` and dotted numbers such as `1.2.840.113549.1.9.8`";
const SAN: &str = "an alternative name with its kind: `dns:`, `email:`, `uri:`, `ip:` or `upn:` \
                   before it, such as `email:ann@example.com`";
const FINGERPRINT: &str = "the SHA-256 fingerprint of a certificate: 64 hexadecimal digits, with or \
                           without colons";
const TEXT: &str = "a value of the certificate";

const PARTS: [&str; 10] = [
    "CN",
    "O",
    "OU",
    "C",
    "L",
    "ST",
    "DC",
    "UID",
    "emailAddress",
    "serialNumber",
];

/// The keys of a table that say which certificates it means.
pub(super) struct RawCertificateRule {
    pub(super) subject_cn: Option<String>,
    pub(super) subject: Option<BTreeMap<String, String>>,
    pub(super) san: Option<OneOrMany<String>>,
    pub(super) fingerprint: Option<OneOrMany<String>>,
}

impl RawCertificateRule {
    pub(super) const KEYS: [&str; 4] = ["subject_cn", "subject", "san", "fingerprint"];
}

/// The rule that `table` writes; one that names nothing when the table names nothing.
pub(super) fn certificate_rule(raw: RawCertificateRule, table: &Scope<'_>) -> CertificateRule {
    let mut subject = Vec::new();
    let name = read(table, "subject_cn", raw.subject_cn, |at, text| {
        at.filled(&text, TEXT)
    });
    subject.extend(name.map(|name| ("CN".into(), name.into())));
    let at = table.key("subject");
    for (part, value) in raw.subject.unwrap_or_default() {
        let at = at.key(&part);
        if !is_part(&part) {
            at.bad(&format!("`{part}` is no part of a subject"), SUBJECT);
        }
        let value = at.filled(&value, TEXT);
        subject.extend(value.map(|value| (part.into(), value.into())));
    }
    CertificateRule {
        subject,
        alt_names: each(raw.san, &table.key("san"), SAN, alt_name),
        fingerprints: each(
            raw.fingerprint,
            &table.key("fingerprint"),
            FINGERPRINT,
            fingerprint,
        ),
    }
}

fn each<T>(
    raw: Option<OneOrMany<String>>,
    at: &Scope<'_>,
    allowed: &str,
    parse: fn(&str) -> Option<T>,
) -> Vec<T> {
    let Some(OneOrMany { values, is_list }) = raw else {
        return Vec::new();
    };
    if values.is_empty() {
        at.bad("it is empty", &format!("at least one of: {allowed}"));
    }
    let values = values.iter().enumerate();
    let read = values.map(|(index, text)| {
        let at = if is_list { at.index(index) } else { at.clone() };
        let value = parse(text);
        if value.is_none() {
            at.bad(&format!("found {}", at.found()), allowed);
        }
        value
    });
    read.flatten().collect()
}

fn is_part(name: &str) -> bool {
    let dotted = || {
        name.contains('.')
            && name
                .split('.')
                .all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
    };
    PARTS.iter().any(|part| part.eq_ignore_ascii_case(name)) || dotted()
}

/// In the form in which certificates are compared with it.
fn alt_name(text: &str) -> Option<Box<str>> {
    let (kind, value) = text.split_once(':')?;
    if value.is_empty() {
        return None;
    }
    match kind {
        "dns" | "email" | "uri" | "upn" => Some(text.into()),
        "ip" => {
            let address: IpAddr = value.parse().ok()?;
            Some(format!("ip:{address}").into())
        }
        _ => None,
    }
}

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (digits.len() == 64)
        .then(|| bytes.try_into().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_tools_print_them() {
        let plain = "00ff".repeat(16);
        let colons = ["00", "FF"].repeat(16).join(":");
        let bytes = [0x00, 0xff].repeat(16);
        for text in [&plain, &colons] {
            assert_eq!(fingerprint(text).unwrap()[..], bytes);
        }
        for bad in [
            "",
            "00ff",
            &plain[1..],
            &format!("{plain}00"),
            &plain.replace('f', "g"),
        ] {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }

    #[test]
    fn alternative_names_have_their_kind() {
        for good in [
            "dns:a.example.com",
            "email:a@b",
            "uri:spiffe://x/y",
            "upn:a@b",
        ] {
            assert_eq!(alt_name(good).as_deref(), Some(good));
        }
        assert_eq!(alt_name("ip:0:0::1").as_deref(), Some("ip:::1"));
        for bad in ["", "a@b", "mail:a@b", "dns:", "ip:x", "DNS:a.example.com"] {
            assert_eq!(alt_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_of_a_subject_are_known() {
        for good in ["CN", "cn", "emailaddress", "2.5.4.4"] {
            assert!(is_part(good), "{good}");
        }
        for bad in ["", "Org", "commonName", "2", "2.", ".5", "2.x"] {
            assert!(!is_part(bad), "{bad}");
        }
    }
}

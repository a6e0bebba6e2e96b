//! Which certificates are meant, and what their owners may do at the side port.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::admin::keys::Role;
use crate::app::options::CertificateRole;
use crate::config::raw::{OneOrMany, RawCertificateRole};
use crate::config::report::{Scope, read};
use crate::domain::{CertificateRule, SpaceId};

const ROLES: [(&str, Role); 3] = [
    ("site-admin", Role::SiteAdmin),
    ("space-admin", Role::SpaceAdmin),
    ("reader", Role::Reader),
];
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
const FILLED: &str = "what the certificate says, letter by letter";
const RULE: &str = "one or more of `subject_cn`, `subject`, `san`, `fingerprint`";
const SAN: &str = "a kind and a name, such as `dns:host.example.com`; the kinds are `dns`, \
                   `email`, `uri`, `ip`, `upn`";
const FINGERPRINT: &str = "64 hexadecimal digits of SHA-256, colons between them or not";
const SPACES: &str = "a list of ids of spaces";

pub(super) fn certificate_role(raw: RawCertificateRole, at: &Scope<'_>) -> Option<CertificateRole> {
    if raw.role.is_none() {
        at.key("role")
            .missing("`site-admin`, `space-admin`, `reader`");
    }
    let role = read(at, "role", raw.role, |at, text| at.choose(&text, &ROLES));
    let listed = raw.spaces.is_some() || at.has("spaces");
    match role {
        Some(Role::SpaceAdmin) if raw.spaces.as_ref().is_none_or(Vec::is_empty) => {
            if !listed {
                at.key("spaces").missing(SPACES);
            } else if raw.spaces.is_some() {
                at.key("spaces").bad("it is empty", SPACES);
            }
        }
        Some(Role::SiteAdmin) if listed => at.key("spaces").unused(
            "a site administrator's role is over every space",
            "allowed: this together with the roles `space-admin` and `reader`",
        ),
        _ => {}
    }
    let spaces = raw.spaces.unwrap_or_default().into_iter().enumerate();
    let spaces = spaces.filter_map(|(index, text)| {
        let at = at.key("spaces").index(index);
        at.accept(SpaceId::new(&text), "the id of a space")
    });
    Some(CertificateRole {
        spaces: spaces.collect(),
        certificates: certificate_rule(raw.subject_cn, raw.subject, raw.san, raw.fingerprint, at),
        role: role?,
    })
}

/// Which certificates a table with these keys means. One that names nothing is reported.
pub(super) fn certificate_rule(
    subject_cn: Option<String>,
    subject: Option<BTreeMap<String, OneOrMany<String>>>,
    san: Option<OneOrMany<String>>,
    fingerprint: Option<OneOrMany<String>>,
    table: &Scope<'_>,
) -> CertificateRule {
    let names_something = ["subject_cn", "subject", "san", "fingerprint"];
    if !names_something.into_iter().any(|key| table.has(key)) {
        table.conflict("it says of no certificate that it is meant", &allowed(RULE));
    }
    let mut rule = CertificateRule::default();
    rule.subject.extend(
        read(table, "subject_cn", subject_cn, |at, text| {
            at.filled(&text, FILLED)
        })
        .map(|name| ("CN".into(), name.into())),
    );
    let at = table.key("subject");
    if subject.as_ref().is_some_and(BTreeMap::is_empty) {
        at.bad("it is empty", "parts and values, such as `O = \"Example\"`");
    }
    for (name, values) in subject.unwrap_or_default() {
        let at = at.key(&name);
        let Some(name) = part(&name) else {
            at.bad(
                &format!("`{name}` is no part of a subject"),
                &format!("`{}`, or an OID as `2.5.4.12`", PARTS.join("`, `")),
            );
            continue;
        };
        let values = each(values, &at, |at, text| at.filled(&text, FILLED));
        rule.subject
            .extend(values.into_iter().map(|value| (name.into(), value.into())));
    }
    rule.alt_names = list(san, &table.key("san"), SAN, |at, text| {
        alt_name(at, text.trim())
    });
    rule.fingerprints = list(
        fingerprint,
        &table.key("fingerprint"),
        FINGERPRINT,
        |at, text| {
            let print = digest(&text);
            if print.is_none() {
                at.bad(&format!("found {}", at.found()), FINGERPRINT);
            }
            print
        },
    );
    rule
}

fn allowed(what: &str) -> String {
    format!("allowed: {what}")
}

fn list<T>(
    raw: Option<OneOrMany<String>>,
    at: &Scope<'_>,
    what: &str,
    read: impl Fn(&Scope<'_>, String) -> Option<T>,
) -> Vec<T> {
    let Some(raw) = raw else {
        return Vec::new();
    };
    if raw.values.is_empty() {
        at.bad("it is empty", &format!("at least one of: {what}"));
    }
    each(raw, at, read)
}

fn each<T>(
    raw: OneOrMany<String>,
    at: &Scope<'_>,
    read: impl Fn(&Scope<'_>, String) -> Option<T>,
) -> Vec<T> {
    let OneOrMany { values, is_list } = raw;
    let values = values.into_iter().enumerate();
    let read = values.filter_map(|(index, text)| {
        if is_list {
            read(&at.index(index), text)
        } else {
            read(at, text)
        }
    });
    read.collect()
}

/// The name of a part of a subject as certificates are read with it.
fn part(name: &str) -> Option<&str> {
    let known = PARTS.iter().find(|part| part.eq_ignore_ascii_case(name));
    let is_oid = || {
        let mut arcs = name.split('.');
        name.contains('.')
            && arcs.all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
    };
    known.copied().or_else(|| is_oid().then_some(name))
}

/// `kind:name` as names are compared with it.
fn alt_name(at: &Scope<'_>, text: &str) -> Option<Box<str>> {
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    let good = match kind {
        "ip" => match name.parse::<IpAddr>() {
            Ok(address) => return Some(format!("ip:{address}").into()),
            Err(_) => false,
        },
        "dns" | "email" | "uri" | "upn" => !name.is_empty(),
        _ => false,
    };
    if !good {
        at.bad(&format!("found {}", at.found()), SAN);
        return None;
    }
    Some(text.into())
}

/// The bytes of a SHA-256 fingerprint.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .trim()
        .bytes()
        .filter(|byte| *byte != b':')
        .map(|byte| char::from(byte).to_digit(16))
        .map(|digit| digit.and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_openssl_prints_them() {
        let colons = ["0A"; 32].join(":");
        assert_eq!(digest(&colons), Some([10; 32]));
        assert_eq!(digest(&"0a".repeat(32)), Some([10; 32]));
        for bad in [
            "0a",
            &"0g".repeat(32),
            &"0a".repeat(33),
            &"0".repeat(63),
            "",
        ] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_of_a_subject_are_short_names_or_oids() {
        for (name, read) in [
            ("o", Some("O")),
            ("emailaddress", Some("emailAddress")),
            ("2.5.4.12", Some("2.5.4.12")),
            ("title", None),
            ("2", None),
            ("2..5", None),
            ("", None),
        ] {
            assert_eq!(part(name), read, "{name}");
        }
    }
}

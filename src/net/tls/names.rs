//! Which certificate is for which host.

use std::net::Ipv4Addr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::domain::{HostPattern, host_of_authority};

/// The names that each of a listener's certificates covers, in their order.
#[derive(Debug)]
pub(super) struct Names(Vec<Vec<HostPattern>>);

impl Names {
    /// `of_each`: what each certificate covers; at least one.
    pub(super) fn new(of_each: Vec<Vec<HostPattern>>) -> Self {
        Self(of_each)
    }

    /// The index of the certificate for a client that asks for `name` (SNI, RFC 6066): the
    /// first that covers it, or the first of all.
    pub(super) fn choose(&self, name: Option<&str>) -> usize {
        let covered = |name: &str| {
            let name = name.strip_suffix('.').unwrap_or(name);
            self.0
                .iter()
                .position(|patterns| patterns.iter().any(|pattern| pattern.matches(name)))
        };
        name.and_then(covered).unwrap_or(0)
    }

    /// The index of the certificate that a client gets which wants to speak with `host`, a
    /// Host header or `:authority`; `None` when that is none.
    pub(super) fn choose_for_host(&self, host: &str) -> Option<usize> {
        let host = host_of_authority(host)?;
        // Clients ask for no address: SNI has names only.
        let address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
        Some(self.choose((!address).then_some(host)))
    }
}

/// The names that `leaf` covers: its DNS names; the common name where it has no alternative
/// names at all. Wildcards stand for one whole label (RFC 9525, section 6.3).
pub(super) fn covered_by(leaf: &X509Certificate<'_>) -> Vec<HostPattern> {
    match leaf.subject_alternative_name() {
        Ok(Some(names)) => {
            let dns = names
                .value
                .general_names
                .iter()
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => HostPattern::new(name).ok(),
                    _ => None,
                });
            dns.collect()
        }
        _ => {
            let common = leaf.subject().iter_common_name();
            let names = common.filter_map(|name| name.as_str().ok());
            names
                .filter_map(|name| HostPattern::new(name).ok())
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of_each: &[&[&str]]) -> Names {
        let patterns = |list: &&[&str]| list.iter().map(|n| HostPattern::new(n).unwrap()).collect();
        Names::new(of_each.iter().map(patterns).collect())
    }

    #[test]
    fn s07_a_name_is_found_in_any_case_and_with_a_trailing_dot() {
        let names = names(&[&["a.example"], &["b.example", "*.c.example"]]);
        for (asked, index) in [
            (Some("a.example"), 0),
            (Some("B.Example"), 1),
            (Some("b.example."), 1),
            (Some("X.C.EXAMPLE"), 1),
            (Some("x.y.c.example"), 0),
            (Some("c.example"), 0),
            (Some("unknown.example"), 0),
            (None, 0),
        ] {
            assert_eq!(names.choose(asked), index, "{asked:?}");
        }
    }

    #[test]
    fn s07_a_host_leads_to_the_certificate_that_its_clients_get() {
        let names = names(&[&["a.example"], &["b.example", "127.0.0.1"]]);
        for (host, index) in [
            ("a.example:443", Some(0)),
            ("B.EXAMPLE.:8443", Some(1)),
            ("127.0.0.1:443", Some(0)),
            ("[::1]:443", Some(0)),
            ("", None),
            ("a b", None),
            ("b.example:x", None),
        ] {
            assert_eq!(names.choose_for_host(host), index, "{host:?}");
        }
    }
}

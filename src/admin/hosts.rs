//! Which hosts the side port answers to, so that no page can reach it under a name of its
//! own (DNS rebinding).

use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

use super::problem::{Problem, ProblemKind};
use crate::domain::{HostPattern, Scheme, host_of_authority};

/// The hosts that a request may be for: loopback always, the listen address, and what the
/// configuration adds.
#[derive(Clone, Debug, Default)]
pub(super) struct AllowedHosts {
    listen: Vec<IpAddr>,
    patterns: Vec<HostPattern>,
}

impl AllowedHosts {
    pub(super) fn listen(&mut self, ip: IpAddr) {
        self.listen.push(ip);
    }

    pub(super) fn add(&mut self, pattern: HostPattern) {
        self.patterns.push(pattern);
    }

    /// The authority that a request is for, if it is one of ours.
    pub(super) fn check<'r>(
        &self,
        uri: &'r Uri,
        headers: &'r HeaderMap,
    ) -> Result<&'r str, Problem> {
        let mut named = headers.get_all(header::HOST).iter();
        let of_header = match (named.next(), named.next()) {
            (Some(host), None) => Some(host.to_str().map_err(|_| ProblemKind::InvalidHost)?),
            (None, None) => None,
            _ => return Err(ProblemKind::InvalidHost.into()),
        };
        // An absolute target (HTTP/2, or through a proxy) and the header may both be there.
        let of_target = uri.authority().map(Authority::as_str);
        for authority in [of_header, of_target].into_iter().flatten() {
            let host = host_of_authority(authority).ok_or(ProblemKind::InvalidHost)?;
            if !self.allow(host) {
                return Err(ProblemKind::WrongHost.into());
            }
        }
        of_target
            .or(of_header)
            .ok_or_else(|| ProblemKind::InvalidHost.into())
    }

    fn allow(&self, host: &str) -> bool {
        if host.eq_ignore_ascii_case("localhost") || self.patterns.iter().any(|p| p.matches(host)) {
            return true;
        }
        ip(host).is_some_and(|ip| {
            // Who listens on every address answers to every address: rebinding takes a name.
            ip.is_loopback() || self.listen.iter().any(|l| *l == ip || l.is_unspecified())
        })
    }
}

fn ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// Whether `origin` is the origin of pages at `authority`. With an unknown scheme either
/// will do: the host and port say whose page it is.
pub(super) fn is_own(origin: &str, authority: &str, scheme: Option<Scheme>) -> bool {
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .filter(|s| scheme.is_none_or(|known| known == *s))
        .any(|s| {
            origin
                .strip_prefix(s.as_str())
                .and_then(|rest| rest.strip_prefix("://"))
                .is_some_and(|rest| place(rest, s) == place(authority, s))
        })
}

/// Host and port, with the scheme's default written out; `None` is not equal to itself in
/// [`is_own`], as a checked authority has a place.
fn place(authority: &str, scheme: Scheme) -> Option<(String, u16)> {
    let host = host_of_authority(authority)?;
    let default = match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    let port = match authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && !port.ends_with(']') => port.parse().ok()?,
        _ => default,
    };
    Some((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn hosts() -> AllowedHosts {
        let mut hosts = AllowedHosts::default();
        hosts.listen([10, 0, 0, 5].into());
        hosts.add(HostPattern::new("*.admin.example").unwrap());
        hosts
    }

    #[test]
    fn s31_only_own_hosts_are_answered_to() {
        let target = Uri::from_static("/");
        let check = |hosts: &AllowedHosts, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            hosts
                .check(&target, &headers)
                .map(str::to_owned)
                .map_err(|p| format!("{p:?}"))
        };
        for own in [
            "localhost",
            "LOCALHOST:8081",
            "localhost.:1",
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]:8081",
            "10.0.0.5:8081",
            "a.admin.example:443",
        ] {
            assert_eq!(check(&hosts(), own).as_deref(), Ok(own));
        }
        for other in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.6",
            "admin.example",
            "[::2]",
            "0.0.0.0:8081",
        ] {
            assert!(
                check(&hosts(), other).is_err_and(|e| e.contains("WrongHost")),
                "{other}"
            );
        }
        for bad in [
            "",
            "a b",
            "user@localhost",
            "localhost:http",
            "localhost:99999",
        ] {
            assert!(
                check(&hosts(), bad).is_err_and(|e| e.contains("InvalidHost")),
                "{bad}"
            );
        }
        let mut everywhere = hosts();
        everywhere.listen([0, 0, 0, 0].into());
        assert!(check(&everywhere, "192.0.2.7:8081").is_ok());
        assert!(check(&everywhere, "evil.example").is_err());
    }

    #[test]
    fn s31_the_target_and_the_header_must_both_be_own() {
        let mut headers = HeaderMap::new();
        let check = |uri: &'static str, headers: &HeaderMap| {
            hosts().check(&Uri::from_static(uri), headers).is_ok()
        };
        assert!(!check("/", &headers), "no host at all");
        assert!(check("http://localhost:1/", &headers));
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!check("http://evil.example/", &headers));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!check("/", &headers), "two hosts");
    }

    #[test]
    fn s31_an_origin_is_own_with_scheme_host_and_port() {
        for (origin, authority, own) in [
            ("http://localhost:8081", "localhost:8081", true),
            ("http://LocalHost:8081", "localhost:8081", true),
            ("https://a.example", "a.example:443", true),
            ("https://a.example:443", "a.example", true),
            ("http://[::1]:8081", "[::1]:8081", true),
            ("http://[::1]", "[::1]:80", true),
            ("http://localhost:8080", "localhost:8081", false),
            ("http://127.0.0.1:8081", "localhost:8081", false),
            ("https://a.example", "a.example:80", false),
            (
                "http://localhost:8081.evil.example",
                "localhost:8081",
                false,
            ),
            ("null", "localhost:8081", false),
            ("", "localhost:8081", false),
            ("http://", "localhost:8081", false),
            ("file://", "localhost:8081", false),
            ("localhost:8081", "localhost:8081", false),
        ] {
            assert_eq!(
                is_own(origin, authority, None),
                own,
                "{origin} at {authority}"
            );
        }
        let own = |scheme| is_own("http://localhost:1", "localhost:1", Some(scheme));
        assert!(own(Scheme::Http) && !own(Scheme::Https));
    }
}

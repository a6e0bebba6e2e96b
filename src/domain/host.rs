//! Host names, compared as DNS compares them.

use std::fmt;
use std::net::Ipv6Addr;

/// Which hosts a space answers to: one name, or every name one level below another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This host. Lower case, no trailing dot.
    Exact(Box<str>),
    /// `*.suffix`: exactly one label before the suffix. The suffix is kept with its dot.
    Below(Box<str>),
}

/// Why a text is no host pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("host `{0}` is neither a host name, an IP address nor `*.` before a host name")]
pub struct HostError(String);

impl HostPattern {
    /// The pattern `text`: a name, an address, or `*.` before a name; without a port.
    ///
    /// # Errors
    ///
    /// When it is none of these.
    pub fn new(text: &str) -> Result<Self, HostError> {
        let error = || HostError(text.chars().take(80).collect());
        let lower = text.trim_end_matches('.').to_ascii_lowercase();
        if let Some(suffix) = lower.strip_prefix("*.") {
            return if is_name(suffix) {
                Ok(Self::Below(format!(".{suffix}").into()))
            } else {
                Err(error())
            };
        }
        let v6 = lower
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(&lower);
        if let Ok(address) = v6.parse::<Ipv6Addr>() {
            return Ok(Self::Exact(format!("[{address}]").into()));
        }
        if is_name(&lower) {
            Ok(Self::Exact(lower.into()))
        } else {
            Err(error())
        }
    }

    /// Whether `host`, as [`host_of_authority`] gives it, is meant.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
            Self::Below(suffix) => host.len().checked_sub(suffix.len()).is_some_and(|at| {
                at > 0
                    && host.is_char_boundary(at)
                    && host[at..].eq_ignore_ascii_case(suffix)
                    && !host[..at].contains('.')
            }),
        }
    }
}

impl HostPattern {
    /// Whether every host that is meant is `domain` or below it.
    #[must_use]
    pub fn is_within(&self, domain: &str) -> bool {
        let (Self::Exact(name) | Self::Below(name)) = self;
        let name = name.strip_prefix('.').unwrap_or(name);
        name.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether some host that is meant may be `domain` or below it.
    #[must_use]
    pub fn may_be_within(&self, domain: &str) -> bool {
        self.is_within(domain) || self.matches(domain)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

/// The host of an authority such as `Example.com.:8443`: without port and trailing dot, case
/// as it came. `None` when it is no authority (userinfo, blanks, a bad port).
#[must_use]
pub fn host_of_authority(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let close = rest.find(']')? + 2;
            authority[1..close - 1].parse::<Ipv6Addr>().ok()?;
            (&authority[..close], &authority[close..])
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_ok = port.is_empty()
        || port.strip_prefix(':').is_some_and(|p| {
            p.len() <= 5
                && p.bytes().all(|b| b.is_ascii_digit())
                && (p.is_empty() || p.parse::<u16>().is_ok())
        });
    let host = host.strip_suffix('.').unwrap_or(host);
    (port_ok && (host.starts_with('[') || is_name(host))).then_some(host)
}

/// Whether `host` is labels of 1 to 63 letters, digits, `-` and `_`, between dots.
fn is_name(host: &str) -> bool {
    let mut label = 0_usize;
    for byte in host.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            label += 1;
        } else if byte == b'.' && label > 0 {
            label = 0;
        } else {
            return false;
        }
        if label > 63 {
            return false;
        }
    }
    label > 0 && host.len() <= 253
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s07_hosts_compare_without_case_port_and_trailing_dot() {
        let exact = HostPattern::new("Sales.Example.com").unwrap();
        for authority in [
            "sales.example.com",
            "SALES.EXAMPLE.COM:8443",
            "sales.example.com.",
            "sales.example.com.:80",
        ] {
            assert!(
                exact.matches(host_of_authority(authority).unwrap()),
                "{authority}"
            );
        }
        let below = HostPattern::new("*.example.com").unwrap();
        assert!(below.matches("a.EXAMPLE.com"));
        for other in [
            "example.com",
            "a.b.example.com",
            ".example.com",
            "aexample.com",
        ] {
            assert!(!below.matches(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_authority_has_no_host() {
        for bad in [
            "", "a b", "u@h", "h:99999", "h:x", "h:80:80", "[::1", "[zz]", "::1", "a..b", "h/..",
            "h\\x", "h:+1",
        ] {
            assert_eq!(host_of_authority(bad), None, "{bad:?}");
        }
        assert_eq!(host_of_authority("[::1]:80"), Some("[::1]"));
        assert_eq!(host_of_authority("127.0.0.1:8080"), Some("127.0.0.1"));
    }
}

//! Origins of web pages, and the ones that a space takes requests from.

use std::fmt;
use std::str::FromStr;

use super::{HostError, HostPattern, Scheme, host_of_authority};

/// The origin of a page, as browsers write it into `Origin` (RFC 6454, section 7): a scheme, a
/// host and, unless it is the scheme's own, a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'o> {
    scheme: Scheme,
    authority: &'o str,
    host: &'o str,
}

impl<'o> Origin<'o> {
    /// Reads `text`; `None` when it is `null`, of another scheme than http and https, or no
    /// origin.
    #[must_use]
    pub fn parse(text: &'o str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme_of(scheme)?;
        Some(Self {
            scheme,
            authority,
            host: host_of_authority(authority)?,
        })
    }

    /// Whether the page is of the host and port that a request to `authority` is for. The
    /// scheme is not compared: behind a proxy that ends TLS it may not be known.
    #[must_use]
    pub fn is_of(&self, authority: &str) -> bool {
        self.authority.eq_ignore_ascii_case(authority)
    }

    fn port(&self) -> u16 {
        port_of(self.authority).unwrap_or(default_port(self.scheme))
    }
}

/// Which pages may use a space from another origin: a host or `*.` before one, over either
/// scheme and on any port; or with a scheme in front, and then on one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    host: HostPattern,
    /// Scheme and port; `None` for any.
    only: Option<(Scheme, u16)>,
}

/// Why a text is no origin pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// A scheme that no page can have.
    #[error("an origin's scheme is http or https")]
    Scheme,
    /// A port that is none, or one without a scheme.
    #[error("a port stands behind a scheme and a host, and is 1 to 65535")]
    Port,
    /// A path, a query or a slash at the end.
    #[error("an origin has no path")]
    Path,
    /// No host.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl OriginPattern {
    /// Whether a page of `origin` is meant.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>) -> bool {
        self.host.matches(origin.host)
            && self
                .only
                .is_none_or(|(scheme, port)| scheme == origin.scheme && port == origin.port())
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.contains('/') {
                true => Err(OriginError::Path),
                false if port_of(text).is_some() => Err(OriginError::Port),
                false => Ok(Self {
                    host: HostPattern::new(text)?,
                    only: None,
                }),
            };
        };
        let scheme = scheme_of(scheme).ok_or(OriginError::Scheme)?;
        if rest.contains(['/', '?', '#']) {
            return Err(OriginError::Path);
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port > 0);
                (host, port.ok_or(OriginError::Port)?)
            }
            _ => (rest, default_port(scheme)),
        };
        Ok(Self {
            host: HostPattern::new(host)?,
            only: Some((scheme, port)),
        })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only {
            None => self.host.fmt(f),
            Some((scheme, port)) if port == default_port(scheme) => {
                write!(f, "{}://{}", scheme.as_str(), self.host)
            }
            Some((scheme, port)) => write!(f, "{}://{}:{port}", scheme.as_str(), self.host),
        }
    }
}

fn scheme_of(text: &str) -> Option<Scheme> {
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
}

const fn default_port(scheme: Scheme) -> u16 {
    match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    }
}

/// The port behind the last colon, unless that is inside of an IPv6 address.
fn port_of(authority: &str) -> Option<u16> {
    let (host, port) = authority.rsplit_once(':')?;
    let inside = host.starts_with('[') && !host.ends_with(']');
    if inside { None } else { port.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, origin: &str) -> bool {
        let pattern: OriginPattern = pattern.parse().unwrap();
        Origin::parse(origin).is_some_and(|origin| pattern.matches(&origin))
    }

    #[test]
    fn s31_a_pattern_with_a_scheme_is_one_origin() {
        let only = "https://mashup.example.com";
        assert!(allows(only, "https://mashup.example.com"));
        assert!(allows(only, "https://MASHUP.example.com:443"));
        for other in [
            "http://mashup.example.com",
            "https://mashup.example.com:8443",
            "https://mashup.example.com.evil.com",
            "https://evil.com",
            "https://mashup.example.com@evil.com",
            "https://mashup.example.com/",
            "null",
            "",
            "file://",
            "mashup.example.com",
        ] {
            assert!(!allows(only, other), "{other}");
        }
        assert!(allows("http://[::1]:8080", "http://[::1]:8080"));
        assert!(!allows("http://[::1]", "http://[::1]:8080"));
        assert!(allows("https://*.example.com", "https://a.example.com"));
    }

    #[test]
    fn a_host_alone_is_any_scheme_and_port() {
        for origin in [
            "https://a.example.com",
            "http://a.example.com",
            "https://a.example.com:8443",
        ] {
            assert!(allows("*.example.com", origin), "{origin}");
            assert!(allows("a.example.com", origin), "{origin}");
        }
        assert!(!allows("*.example.com", "https://example.com"));
        assert!(!allows("*.example.com", "https://a.b.example.com"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            ("ftp://a.example.com", OriginError::Scheme),
            ("https://a.example.com/", OriginError::Path),
            ("a.example.com/x", OriginError::Path),
            ("a.example.com:8443", OriginError::Port),
            ("https://a.example.com:x", OriginError::Port),
            ("https://a.example.com:0", OriginError::Port),
        ] {
            assert_eq!(text.parse::<OriginPattern>(), Err(error), "{text}");
        }
        for text in ["*", "", "https://", "https://u@a"] {
            let error = text.parse::<OriginPattern>().unwrap_err();
            assert!(matches!(error, OriginError::Host(_)), "{text}: {error}");
        }
        for text in ["https://a.example.com:8443", "http://a", "*.example.com"] {
            assert_eq!(text.parse::<OriginPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_origin_is_ours_when_host_and_port_are() {
        let page = Origin::parse("https://Portal.example.com:8443").unwrap();
        assert!(page.is_of("portal.example.com:8443"));
        assert!(!page.is_of("portal.example.com"));
    }
}

//! Where an upstream listens.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

use crate::net::tls::TlsConnector;

/// An upstream's scheme and authority, such as `http://127.0.0.1:3000`, and for https the TLS
/// it is reached with: what connections are pooled by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UpstreamAddress {
    address: Arc<Address>,
    tls: Option<TlsConnector>,
}

#[derive(PartialEq, Eq, Hash)]
struct Address {
    scheme: Scheme,
    /// As written, with the port where one was written: what logs and errors name.
    authority: Box<str>,
    host: Box<str>,
    port: u16,
    /// The host as an address, when it is not a name.
    ip: Option<IpAddr>,
}

/// The addresses of one upstream: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamAddresses(Arc<[UpstreamAddress]>);

/// Why a text is not the address of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not a URL with a host.
    #[error("{text:?} is not a URL such as http://127.0.0.1:3000")]
    NotAUrl {
        /// What was given.
        text: String,
    },
    /// Its scheme is not one that is spoken.
    #[error("{text:?} has a scheme other than http and https")]
    Scheme {
        /// What was given.
        text: String,
    },
    /// It has a path, a query or user info, which a request would not carry.
    #[error("{text:?} has more than a scheme, a host and a port")]
    More {
        /// What was given.
        text: String,
    },
    /// There is none.
    #[error("an upstream needs at least one address")]
    None,
}

impl UpstreamAddress {
    /// Host and port as they were written.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.address.authority
    }

    /// The scheme: `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.address.scheme
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.address.scheme == Scheme::HTTPS
    }

    /// The TLS it is reached with; without it no https address is.
    #[must_use]
    pub const fn tls(&self) -> Option<&TlsConnector> {
        self.tls.as_ref()
    }

    /// The host: a name, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// The port, the scheme's own where none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// The socket address, when the host is not a name.
    #[must_use]
    pub fn socket(&self) -> Option<SocketAddr> {
        self.address
            .ip
            .map(|ip| SocketAddr::new(ip, self.address.port))
    }
}

impl FromStr for UpstreamAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let not_a_url = || AddressError::NotAUrl { text: text.into() };
        let uri = text.parse::<Uri>().map_err(|_| not_a_url())?;
        let scheme = uri.scheme().ok_or_else(not_a_url)?;
        let authority = uri.authority().ok_or_else(not_a_url)?;
        let default_port = if *scheme == Scheme::HTTP {
            80
        } else if *scheme == Scheme::HTTPS {
            443
        } else {
            return Err(AddressError::Scheme { text: text.into() });
        };
        let bare = uri.path_and_query().is_none_or(|p| p.as_str() == "/");
        if !bare || authority.as_str().contains('@') {
            return Err(AddressError::More { text: text.into() });
        }
        let (host, port) = (authority.host(), authority.port_u16());
        // "host:" and "host:99999" parse, but have no port.
        if host.is_empty() || (port.is_none() && authority.as_str() != host) {
            return Err(not_a_url());
        }
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let address = Address {
            scheme: scheme.clone(),
            authority: authority.as_str().into(),
            host: host.into(),
            port: port.unwrap_or(default_port),
            ip: host.parse().ok(),
        };
        Ok(Self {
            address: Arc::new(address),
            tls: None,
        })
    }
}

impl fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.address.scheme, self.address.authority)
    }
}

impl fmt::Debug for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl UpstreamAddresses {
    /// These addresses.
    ///
    /// # Errors
    ///
    /// [`AddressError::None`] when there are none.
    pub fn new(addresses: impl Into<Arc<[UpstreamAddress]>>) -> Result<Self, AddressError> {
        let addresses = addresses.into();
        if addresses.is_empty() {
            return Err(AddressError::None);
        }
        Ok(Self(addresses))
    }

    /// Reads each of `texts`.
    ///
    /// # Errors
    ///
    /// [`AddressError`], for the first that is not an address, or when there are none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressError> {
        let addresses: Result<Vec<_>, _> = texts.into_iter().map(str::parse).collect();
        Self::new(addresses?)
    }

    /// The same addresses, of which those with https are reached over `tls`.
    #[must_use]
    pub fn with_tls(self, tls: &TlsConnector) -> Self {
        let with_tls = self.iter().map(|address| UpstreamAddress {
            address: Arc::clone(&address.address),
            tls: address.is_https().then(|| tls.clone()),
        });
        Self(with_tls.collect())
    }

    /// The addresses, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &UpstreamAddress> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        let parse = |text: &str| text.parse::<UpstreamAddress>().unwrap();
        let plain = parse("http://127.0.0.1:3000");
        assert_eq!(plain.socket(), Some("127.0.0.1:3000".parse().unwrap()));
        assert_eq!(plain.authority(), "127.0.0.1:3000");
        assert_eq!(plain.to_string(), "http://127.0.0.1:3000");
        assert_eq!(parse("http://app/").port(), 80);
        assert_eq!(parse("http://app").socket(), None);
        let secure = parse("https://app");
        assert!(secure.is_https() && !plain.is_https());
        assert_eq!(
            (secure.port(), secure.to_string()),
            (443, "https://app".into())
        );
        assert_eq!(
            parse("http://[::1]:81").socket(),
            Some("[::1]:81".parse().unwrap())
        );
    }

    #[test]
    fn what_a_request_would_not_carry_is_refused() {
        for text in [
            "http://a/base",
            "http://a/?q=1",
            "http://me@a",
            "http://a:1/x",
        ] {
            let refused = text.parse::<UpstreamAddress>().unwrap_err();
            assert!(matches!(refused, AddressError::More { .. }), "{text}");
        }
        for text in [
            "",
            "app:3000",
            "/path",
            "http://",
            "http://a:",
            "http://a:99999",
        ] {
            assert!(text.parse::<UpstreamAddress>().is_err(), "{text}");
        }
        assert!(matches!(
            "ftp://a".parse::<UpstreamAddress>(),
            Err(AddressError::Scheme { .. })
        ));
        assert_eq!(UpstreamAddresses::parse([]), Err(AddressError::None));
    }
}

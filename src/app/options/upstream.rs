//! The servers behind a space, and how patient the gateway is with them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use http::uri::Authority;

/// A server behind the gateway: `http://host:port` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    https: bool,
    authority: Authority,
}

/// Why a text names no upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// A path would be ambiguous: is it put before the request's, or compared with it?
    #[error("an upstream is a scheme, a host and a port, without a path or query")]
    HasPath,
    /// Credentials belong into no URL.
    #[error("an upstream has no user name or password")]
    HasUserinfo,
    /// Anything else.
    #[error("not a URL such as http://127.0.0.1:3000")]
    NotAUrl,
}

impl Upstream {
    /// The host and, where it was given, the port: what a `Host` header names.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port; 80 or, for https, 443 where none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        let default = if self.https { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(default)
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| UpstreamError::NotAUrl)?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(UpstreamError::NotAUrl),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
            return Err(UpstreamError::HasPath);
        }
        let authority = uri.authority().ok_or(UpstreamError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(UpstreamError::HasUserinfo);
        }
        let port = &authority.as_str()[authority.host().len()..];
        let port_ok = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
        if authority.host().is_empty() || !port_ok {
            return Err(UpstreamError::NotAUrl);
        }
        Ok(Self {
            https,
            authority: authority.clone(),
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// How long each phase of an exchange with an upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// Waiting for one of the pool's connections. Default: 5 seconds.
    pub pool_wait: Duration,
    /// Opening a connection. Default: 5 seconds.
    pub connect: Duration,
    /// While the upstream takes no more of the request. Default: 60 seconds.
    pub request_idle: Duration,
    /// From the end of the request to the head of the response. Default: 60 seconds.
    pub response_head: Duration,
    /// Between two pieces of a response's body. Default: 60 seconds.
    pub body_idle: Duration,
    /// Without a byte in either direction of an upgraded connection. Default: 1 hour.
    pub tunnel_idle: Duration,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self {
            pool_wait: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            request_idle: Duration::from_secs(60),
            response_head: Duration::from_secs(60),
            body_idle: Duration::from_secs(60),
            tunnel_idle: Duration::from_secs(3600),
        }
    }
}

/// The pool of connections that each worker keeps to each upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Connections of one worker to one upstream, busy and idle; at least 1. Default: 256.
    pub max_connections: usize,
    /// How long an unused connection is kept; keep it below the upstream's own limit.
    /// Default: 30 seconds.
    pub idle_timeout: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 256,
            idle_timeout: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_scheme_host_and_port() {
        let parse = |text: &str| text.parse::<Upstream>();
        let with_port = parse("http://127.0.0.1:3000").unwrap();
        assert_eq!((with_port.host(), with_port.port()), ("127.0.0.1", 3000));
        let plain = parse("http://[::1]/").unwrap();
        assert_eq!((plain.host(), plain.port()), ("[::1]", 80));
        assert_eq!(plain.to_string(), "http://[::1]");
        for (text, error) in [
            ("ftp://h:1", UpstreamError::NotAUrl),
            ("http://h/app", UpstreamError::HasPath),
            ("http://h/?x", UpstreamError::HasPath),
            ("http://h#x", UpstreamError::HasPath),
            ("http://u:p@h", UpstreamError::HasUserinfo),
            ("h:3000", UpstreamError::NotAUrl),
            ("/a", UpstreamError::NotAUrl),
            ("", UpstreamError::NotAUrl),
            ("http://h:0", UpstreamError::NotAUrl),
            ("http://h:", UpstreamError::NotAUrl),
            ("http://h:99999", UpstreamError::NotAUrl),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}

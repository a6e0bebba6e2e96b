//! Tells an upstream of the connection that the client made (S04).

use std::net::IpAddr;
use std::sync::OnceLock;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

use super::names::{
    X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PREFIX, X_FORWARDED_PROTO,
    X_REAL_IP,
};
use crate::domain::{Connection, Scheme, host_of_authority};

/// Whether what the peer says of connections before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// It does not: the peer is the client.
    Client,
    /// It does: the peer is a proxy that the configuration trusts.
    TrustedProxy,
}

/// The part of the forwarded headers that is the same for all requests of one TCP connection.
/// Make one when a connection is accepted; requests then clone its values.
#[derive(Debug)]
pub struct ConnectionHeaders {
    address: HeaderValue,
    /// The port that the first request with one named; others are rare.
    port: OnceLock<(u16, HeaderValue)>,
}

impl ConnectionHeaders {
    /// Those of a connection from `peer`. An IPv4 address in IPv6 form is written as IPv4.
    #[must_use]
    pub fn new(peer: IpAddr) -> Self {
        Self {
            address: address(peer),
            port: OnceLock::new(),
        }
    }

    fn port(&self, port: u16) -> HeaderValue {
        let (known, value) = self.port.get_or_init(|| (port, HeaderValue::from(port)));
        if *known == port {
            value.clone()
        } else {
            HeaderValue::from(port)
        }
    }
}

/// What a trusted proxy said, read before it is scrubbed.
#[derive(Debug, Default)]
pub(super) struct Said {
    chain: SmallVec<[HeaderValue; 2]>,
    host: Option<HeaderValue>,
    port: Option<u16>,
}

impl Said {
    /// What `peer` said in `headers`: nothing, unless it is trusted.
    pub(super) fn read(headers: &HeaderMap, peer: Peer) -> Self {
        if peer == Peer::Client {
            return Self::default();
        }
        let one = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        let text = |v: &HeaderValue| v.to_str().ok().map(str::to_owned);
        Self {
            chain: headers.get_all(&X_FORWARDED_FOR).iter().cloned().collect(),
            host: one(&X_FORWARDED_HOST)
                .filter(|v| v.to_str().is_ok_and(|h| host_of_authority(h).is_some()))
                .cloned(),
            port: one(&X_FORWARDED_PORT)
                .and_then(text)
                .and_then(|p| p.trim().parse().ok()),
        }
    }

    /// Rebuilds the forwarded headers in `headers`, which are scrubbed and have the client's
    /// `Host`.
    ///
    /// | header | value |
    /// |---|---|
    /// | `X-Forwarded-For` | the peer; after a trusted proxy's list, when it is one |
    /// | `X-Real-IP` | the client |
    /// | `X-Forwarded-Proto` | `http` or `https`, as the client used |
    /// | `X-Forwarded-Host` | `Host`, or what a trusted proxy says it was |
    /// | `X-Forwarded-Port` | the port of that, or the scheme's |
    /// | `X-Forwarded-Prefix` | the path prefix, where one was taken off |
    ///
    /// `Forwarded` (RFC 7239) is not set: two forms of one fact invite an upstream to read
    /// the one that the other contradicts.
    pub(super) fn rebuild(
        self,
        headers: &mut HeaderMap,
        connection: &Connection,
        known: &ConnectionHeaders,
        prefix: Option<&HeaderValue>,
    ) {
        let real = if connection.client_ip.to_canonical() == connection.peer.ip().to_canonical() {
            known.address.clone()
        } else {
            address(connection.client_ip)
        };
        let chain = appended(&self.chain, &known.address);
        headers.insert(&X_FORWARDED_FOR, chain);
        headers.insert(&X_REAL_IP, real);
        let (proto, default) = match connection.scheme {
            Scheme::Http => ("http", "80"),
            Scheme::Https => ("https", "443"),
        };
        headers.insert(&X_FORWARDED_PROTO, HeaderValue::from_static(proto));
        let host = self.host.or_else(|| headers.get(HOST).cloned());
        let named = host.as_ref().and_then(port_of);
        let port = match self.port.or(named) {
            Some(port) => known.port(port),
            None => HeaderValue::from_static(default),
        };
        headers.insert(&X_FORWARDED_PORT, port);
        if let Some(host) = host {
            headers.insert(&X_FORWARDED_HOST, host);
        }
        if let Some(prefix) = prefix {
            headers.insert(&X_FORWARDED_PREFIX, prefix.clone());
        }
    }
}

fn appended(chain: &[HeaderValue], peer: &HeaderValue) -> HeaderValue {
    if chain.is_empty() {
        return peer.clone();
    }
    let mut text: SmallVec<[u8; 256]> = SmallVec::new();
    for value in chain.iter().filter(|v| !v.is_empty()) {
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b", ");
    }
    text.extend_from_slice(peer.as_bytes());
    // Legal values joined by legal bytes are legal.
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| peer.clone())
}

fn port_of(host: &HeaderValue) -> Option<u16> {
    let host = host.as_bytes();
    let at = host.iter().rposition(|b| *b == b':')?;
    let digits = &host[at + 1..];
    // `[::1]` has colons and no port; its last part ends with the bracket.
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

fn address(ip: IpAddr) -> HeaderValue {
    HeaderValue::try_from(ip.to_canonical().to_string()).expect("an address is visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rebuilt(peer: &str, client: &str, sent: &[(&'static str, &str)], trust: Peer) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        let said = Said::read(&headers, trust);
        crate::proxy::headers::Scrub::default().inbound(&mut headers);
        let connection = Connection {
            peer: (peer.parse::<IpAddr>().unwrap(), 40_000).into(),
            client_ip: client.parse().unwrap(),
            scheme: Scheme::Https,
        };
        let known = ConnectionHeaders::new(connection.peer.ip());
        said.rebuild(&mut headers, &connection, &known, None);
        headers
    }

    #[test]
    fn s04_an_untrusted_peer_says_nothing() {
        let headers = rebuilt(
            "::ffff:192.0.2.7",
            "192.0.2.7",
            &[
                ("host", "sales.example.com:8443"),
                ("x-forwarded-for", "10.0.0.1"),
                ("x_forwarded_for", "10.0.0.2"),
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-port", "1"),
                ("x-forwarded-proto", "gopher"),
                ("x-real-ip", "10.0.0.3"),
                ("forwarded", "for=10.0.0.4"),
                ("x-original-url", "/admin"),
                ("x-rewrite-url", "/admin"),
            ],
            Peer::Client,
        );
        let wanted = [
            ("host", "sales.example.com:8443"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-real-ip", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "sales.example.com:8443"),
            ("x-forwarded-port", "8443"),
        ];
        assert_eq!(headers.len(), wanted.len(), "{headers:?}");
        for (name, value) in wanted {
            assert_eq!(headers[name], value);
        }
    }

    #[test]
    fn s04_a_trusted_proxy_is_built_upon() {
        let headers = rebuilt(
            "10.0.0.1",
            "2001:db8::1",
            &[
                ("host", "inside"),
                ("x-forwarded-for", "9.9.9.9, 2001:db8::1"),
                ("x-forwarded-for", "10.0.0.2"),
                ("x-forwarded-host", "sales.example.com"),
            ],
            Peer::TrustedProxy,
        );
        assert_eq!(
            headers["x-forwarded-for"],
            "9.9.9.9, 2001:db8::1, 10.0.0.2, 10.0.0.1"
        );
        assert_eq!(headers["x-real-ip"], "2001:db8::1");
        assert_eq!(headers["x-forwarded-host"], "sales.example.com");
        assert_eq!(headers["x-forwarded-port"], "443");
    }

    #[test]
    fn ports_are_read_from_hosts() {
        for (host, port) in [
            ("a", None),
            ("a:80", Some(80)),
            ("[::1]", None),
            ("[::1]:81", Some(81)),
            ("a:", None),
            ("a:99999", None),
            ("a:+1", None),
        ] {
            assert_eq!(port_of(&HeaderValue::from_static(host)), port, "{host}");
        }
        let known = ConnectionHeaders::new([127, 0, 0, 1].into());
        assert_eq!(known.port(8080), "8080");
        assert_eq!(known.port(81), "81");
        assert_eq!(known.port(8080), "8080");
    }
}

//! Who the client is, seen through trusted proxies only.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::domain::{Connection, Scheme};

/// The peers whose X-Forwarded-For and X-Forwarded-Proto count. Nobody, unless told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Box<[IpNet]>,
}

/// Why a network cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedProxiesError {
    /// It holds every address, so that any client could name any address as its own.
    #[error("`{0}` trusts every address: name the networks of your proxies")]
    Everybody(IpNet),
}

impl TrustedProxies {
    /// Trusts these networks. IPv4 networks in IPv6 form count as IPv4.
    ///
    /// # Errors
    ///
    /// When one of them holds every address of its family.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Result<Self, TrustedProxiesError> {
        let networks = networks
            .into_iter()
            .map(|network| {
                let canonical = canonical(network);
                if canonical.prefix_len() == 0 {
                    Err(TrustedProxiesError::Everybody(network))
                } else {
                    Ok(canonical)
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { networks })
    }

    /// Whether `address` is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The facts of a request that came from `peer`, by `scheme` unless a trusted proxy says
    /// otherwise.
    ///
    /// When the peer is trusted, X-Forwarded-For is walked from its end over trusted hops,
    /// all its lines together; the first that is not trusted is the client. An entry that is
    /// no address ends the walk at the hop that sent it. X-Forwarded-Proto counts with its
    /// last value, the one that the peer itself wrote, when that is `http` or `https`.
    /// Forwarded (RFC 7239) is not read: which of the two a proxy checks cannot be known.
    #[must_use]
    pub fn resolve(&self, peer: SocketAddr, scheme: Scheme, headers: &HeaderMap) -> Connection {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let mut connection = Connection {
            peer,
            client_ip: peer.ip(),
            scheme,
        };
        if !self.networks.is_empty() && self.contains(peer.ip()) {
            connection.client_ip = self.walk(peer.ip(), headers);
            if let Some(scheme) = forwarded_scheme(headers) {
                connection.scheme = scheme;
            }
        }
        connection
    }

    fn walk(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut hop = peer;
        let entries = headers
            .get_all(&X_FORWARDED_FOR)
            .iter()
            .rev()
            .flat_map(|line| line.as_bytes().rsplit(|&b| b == b','));
        for entry in entries.take(MAX_HOPS) {
            let Some(address) = address(entry) else {
                break;
            };
            hop = address;
            if !self.contains(hop) {
                break;
            }
        }
        hop
    }
}

/// An entry of X-Forwarded-For: an address, or an address and a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(address) = text.parse::<SocketAddr>() {
        address.ip()
    } else {
        let v6 = text.strip_prefix('[')?.strip_suffix(']')?;
        IpAddr::V6(v6.parse().ok()?)
    };
    Some(address.to_canonical())
}

fn forwarded_scheme(headers: &HeaderMap) -> Option<Scheme> {
    let line = headers.get_all(&X_FORWARDED_PROTO).iter().next_back()?;
    let value = line.as_bytes().rsplit(|&b| b == b',').next()?;
    let value = value.trim_ascii();
    if value.eq_ignore_ascii_case(b"https") {
        Some(Scheme::Https)
    } else if value.eq_ignore_ascii_case(b"http") {
        Some(Scheme::Http)
    } else {
        None
    }
}

/// `network` without bits behind its prefix, and as IPv4 where it means IPv4.
fn canonical(network: IpNet) -> IpNet {
    let network = network.trunc();
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Some(prefix) = v6.prefix_len().checked_sub(MAPPED_PREFIX)
    {
        return IpNet::new_assert(IpAddr::V4(v4), prefix);
    }
    network
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Hops that are walked; no chain of real proxies is as long.
const MAX_HOPS: usize = 64;

/// The bits before an IPv4 address in IPv6 form, `::ffff:0:0/96`.
const MAPPED_PREFIX: u8 = 96;

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn trusting(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|n| n.parse().unwrap())).unwrap()
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn s04_trusting_everybody_is_refused() {
        for network in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0.0.0.0/96"] {
            let error = TrustedProxies::new([network.parse().unwrap()]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{network}` trusts every address: name the networks of your proxies")
            );
        }
    }

    #[test]
    fn s04_forwarded_for_is_walked_from_its_end() {
        let proxies = trusting(&["10.1.2.3/8", "::ffff:192.168.0.0/112", "2001:db8::/32"]);
        for (client, lines) in [
            ("10.0.0.9", &[][..]),
            ("203.0.113.7", &["203.0.113.7"][..]),
            // What the client made up stands before what our proxy wrote.
            ("203.0.113.7", &["10.0.0.1, 198.51.100.1, 203.0.113.7"]),
            (
                "203.0.113.7",
                &["198.51.100.1", "203.0.113.7,10.0.0.5", "10.0.0.6"],
            ),
            ("203.0.113.7", &["203.0.113.7:4711 ,\t10.0.0.5:80"]),
            (
                "2001:db9::1",
                &["[2001:db9::1]:80, [2001:db8::5], 2001:db8::6"],
            ),
            ("203.0.113.7", &["::ffff:203.0.113.7, ::ffff:192.168.0.1"]),
            // Nobody but trusted hops: the farthest.
            ("10.0.0.5", &["10.0.0.5, 10.0.0.6"]),
            // What is no address ends the walk.
            ("10.0.0.6", &["203.0.113.7, unknown, 10.0.0.6"]),
            ("10.0.0.9", &["203.0.113.7, "]),
            ("10.0.0.9", &["203.0.113.7", ""]),
            ("10.0.0.9", &["_hidden", "203.0.113.7 10.0.0.6"]),
            ("10.0.0.9", &["[203.0.113.7]"]),
        ] {
            let lines: Vec<_> = lines.iter().map(|l| ("x-forwarded-for", *l)).collect();
            for peer in ["10.0.0.9:5000", "[::ffff:10.0.0.9]:5000"] {
                let peer = peer.parse().unwrap();
                let connection = proxies.resolve(peer, Scheme::Http, &headers(&lines));
                assert_eq!(connection.client_ip.to_string(), client, "{lines:?}");
                assert_eq!(connection.peer.to_string(), "10.0.0.9:5000");
            }
        }
    }

    #[test]
    fn s04_a_long_walk_ends() {
        let proxies = trusting(&["10.0.0.0/8"]);
        let line = format!("203.0.113.7{}", ",10.0.0.1".repeat(5000));
        let peer = "10.0.0.9:1".parse().unwrap();
        let connection =
            proxies.resolve(peer, Scheme::Http, &headers(&[("x-forwarded-for", &line)]));
        assert_eq!(connection.client_ip.to_string(), "10.0.0.1");
    }

    #[test]
    fn s04_the_scheme_is_the_last_hops_word() {
        let proxies = trusting(&["10.0.0.0/8"]);
        for (own, lines, scheme) in [
            (Scheme::Http, &[][..], Scheme::Http),
            (Scheme::Https, &[][..], Scheme::Https),
            (Scheme::Http, &["https"][..], Scheme::Https),
            (Scheme::Https, &["HTTP"], Scheme::Http),
            (Scheme::Http, &["https, http"], Scheme::Http),
            (Scheme::Http, &["http", "gopher, https "], Scheme::Https),
            (Scheme::Https, &["http, wss"], Scheme::Https),
            (Scheme::Http, &["https,"], Scheme::Http),
        ] {
            let lines: Vec<_> = lines.iter().map(|l| ("x-forwarded-proto", *l)).collect();
            let peer = "10.0.0.9:1".parse().unwrap();
            let connection = proxies.resolve(peer, own, &headers(&lines));
            assert_eq!(connection.scheme, scheme, "{lines:?}");
        }
    }

    fn forwarding_headers() -> impl Strategy<Value = HeaderMap> {
        let name = prop::sample::select(vec![
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-real-ip",
            "x-original-url",
            "forwarded",
            "via",
        ]);
        let value = prop_oneof![
            any::<IpAddr>().prop_map(|ip| ip.to_string()),
            prop::collection::vec(any::<SocketAddr>(), 0..4)
                .prop_map(|hops| hops.iter().map(|h| format!("{h},")).collect()),
            prop::sample::select(vec!["https", "http", "for=1.2.3.4;proto=https"])
                .prop_map(String::from),
            "[ -~]{0,40}",
        ];
        prop::collection::vec((name, value), 0..8).prop_map(|lines| {
            let lines: Vec<_> = lines.iter().map(|(n, v)| (*n, v.as_str())).collect();
            headers(&lines)
        })
    }

    proptest! {
        #[test]
        fn s04_nobody_is_trusted_by_default(
            peer: SocketAddr, tls: bool, headers in forwarding_headers(),
        ) {
            let scheme = if tls { Scheme::Https } else { Scheme::Http };
            let nobody = TrustedProxies::default();
            let connection = nobody.resolve(peer, scheme, &headers);
            prop_assert_eq!(connection, nobody.resolve(peer, scheme, &HeaderMap::new()));
            prop_assert_eq!(connection.client_ip, peer.ip().to_canonical());
            prop_assert_eq!(connection.scheme, scheme);
        }

        #[test]
        fn s04_a_peer_that_is_not_trusted_changes_nothing(
            peer: SocketAddr, tls: bool, headers in forwarding_headers(),
        ) {
            let scheme = if tls { Scheme::Https } else { Scheme::Http };
            let proxies = trusting(&["10.0.0.0/8", "fd00::/8"]);
            prop_assume!(!proxies.contains(peer.ip()));
            let connection = proxies.resolve(peer, scheme, &headers);
            prop_assert_eq!(connection, proxies.resolve(peer, scheme, &HeaderMap::new()));
        }

        #[test]
        fn s04_what_a_client_sends_hides_nobody(
            client: IpAddr, made_up in forwarding_headers(),
        ) {
            let proxies = trusting(&["10.0.0.0/8"]);
            prop_assume!(!proxies.contains(client));
            let mut headers = made_up;
            // The proxy adds a line with what it saw, as proxies do.
            let seen = HeaderValue::from_str(&client.to_string()).unwrap();
            headers.append(&X_FORWARDED_FOR, seen);
            let peer = "10.0.0.9:1".parse().unwrap();
            let connection = proxies.resolve(peer, Scheme::Http, &headers);
            prop_assert_eq!(connection.client_ip, client.to_canonical());
        }
    }
}

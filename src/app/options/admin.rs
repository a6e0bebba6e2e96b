//! The side port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::domain::{HostPattern, SpaceId};
use crate::net::tls::TlsSettings;

pub use crate::admin::keys::CertificateRole;

/// The side port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminOptions {
    /// Where to listen. Default: `127.0.0.1:8081`. An address that other machines reach is
    /// there only because the configuration allows plain HTTP on it in so many words.
    pub listen: SocketAddr,
    /// Where other programs reach it, as `https://HOST:PORT`: login modules are told. Default:
    /// the address that is listened on.
    pub url: Option<String>,
    /// TLS on that address; without it, it speaks plain HTTP.
    pub tls: Option<TlsSettings>,
    /// What clients with these certificates may do; the first rule that means one decides.
    pub certificate_roles: Vec<CertificateRole>,
    /// The space whose sessions an external proxy keeps here, over the session module's routes.
    /// Default: none, and the routes are not there. Takes [`TlsSettings::client`].
    pub session_module: Option<SpaceId>,
    /// The file of API keys, readable when it was checked. `None`: nobody may call the API;
    /// health and metrics answer all the same.
    pub api_keys: Option<PathBuf>,
    /// The hosts that a request may name (against DNS rebinding). Default: the loopback
    /// names and the address that is listened on.
    pub hosts: Vec<HostPattern>,
    /// Whether the API's description (`/openapi.json`, `/docs`) needs no key. Default: it
    /// needs one.
    pub docs_public: bool,
}

impl AdminOptions {
    /// Where other programs reach the side port: the configured address, or the one that is
    /// listened on.
    #[must_use]
    pub fn base_url(&self) -> String {
        let scheme = match self.tls {
            Some(_) => "https",
            None => "http",
        };
        let listened = || format!("{scheme}://{}", self.listen);
        self.url.clone().unwrap_or_else(listened)
    }

    /// The hosts that a request to a side port on `listen` may name unless the
    /// configuration says otherwise.
    #[must_use]
    pub fn default_hosts(listen: SocketAddr) -> Vec<HostPattern> {
        let own = match listen.ip() {
            ip if ip.is_unspecified() => None,
            IpAddr::V4(ip) => Some(ip.to_string()),
            IpAddr::V6(ip) => Some(format!("[{ip}]")),
        };
        let mut hosts: Vec<HostPattern> = ["localhost", "127.0.0.1", "[::1]"]
            .into_iter()
            .chain(own.as_deref())
            .map(|host| HostPattern::new(host).expect("a loopback name or an address"))
            .collect();
        let mut seen = std::collections::HashSet::new();
        hosts.retain(|host| seen.insert(host.clone()));
        hosts
    }
}

impl Default for AdminOptions {
    fn default() -> Self {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
        Self {
            listen,
            url: None,
            tls: None,
            certificate_roles: Vec::new(),
            session_module: None,
            api_keys: None,
            hosts: Self::default_hosts(listen),
            docs_public: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listened_address_is_a_host_unless_it_is_any() {
        let of = |listen: &str| AdminOptions::default_hosts(listen.parse().unwrap());
        assert_eq!(of("127.0.0.1:1"), of("0.0.0.0:1"));
        assert_eq!(of("127.0.0.1:1").len(), 3);
        let options = AdminOptions {
            url: Some("https://gate.example.com:8081".to_owned()),
            ..AdminOptions::default()
        };
        assert_eq!(options.base_url(), "https://gate.example.com:8081");
        assert_eq!(AdminOptions::default().base_url(), "http://127.0.0.1:8081");
        let six = of("[fd00::5]:1");
        assert!(six.iter().any(|h| h.matches("[fd00::5]")), "{six:?}");
    }
}

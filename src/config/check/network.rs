//! Addresses, networks and hosts.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::report::Scope;
use crate::domain::HostPattern;

/// What an address to listen on looks like, for messages.
pub(super) const ADDRESS: &str =
    "an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`";

/// What a network of peers looks like, for messages.
pub(super) const NETWORK: &str = "an IP address or a network, such as `10.0.0.0/8`";
const HOST: &str = "a host name such as `www.example.com`, an IP address, or `*.example.com`";

/// A network of peers to trust: never a whole address family, as that is everybody.
pub(super) fn network(at: &Scope<'_>, text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => at.parse::<IpNet>(text, NETWORK)?.trunc(),
    };
    let everybody = match network {
        IpNet::V4(network) => network.prefix_len() == 0,
        // `::ffff:0:0/96` and what is around it has every IPv4 address.
        IpNet::V6(network) => {
            network.prefix_len() == 0
                || (network.prefix_len() <= 96
                    && network.contains(&std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped()))
        }
    };
    if everybody {
        at.bad(&format!("`{text}` trusts everybody"), NETWORK);
        return None;
    }
    Some(network)
}

pub(super) fn host(at: &Scope<'_>, text: &str) -> Option<HostPattern> {
    at.accept(HostPattern::new(text), HOST)
}

//! The name of a node that was given none.

use std::net::SocketAddr;
use std::path::Path;

use crate::store::InstanceId;

/// The name that is `configured`; else the host's and the port of the first of `edges`, which are
/// the same after a restart. A port that the system chooses is not: then a part of `instance`.
pub(super) fn node_name(
    configured: Option<&str>,
    edges: &[SocketAddr],
    instance: &InstanceId,
) -> String {
    if let Some(name) = configured {
        return name.to_owned();
    }
    let port = edges.first().map_or(0, SocketAddr::port);
    let last = match port {
        0 => instance.as_str().chars().take(8).collect(),
        port => port.to_string(),
    };
    format!("{}-{last}", host().unwrap_or_else(|| "gatepass".to_owned()))
}

fn host() -> Option<String> {
    let read = |path| std::fs::read_to_string(Path::new(path)).ok();
    let text = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"))?;
    let name = legal(&text);
    (!name.is_empty()).then_some(name)
}

/// What of `host` may stand in a name.
fn legal(host: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    host.trim().chars().filter(legal).take(MAX_HOST).collect()
}

/// Characters of a host's name that are taken, so that there is room for the rest.
const MAX_HOST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_configured_one_or_the_hosts_with_the_port() {
        let (instance, other) = (InstanceId::generate(), InstanceId::generate());
        let edge = |port| [SocketAddr::from(([127, 0, 0, 1], port))];
        let name = node_name(None, &edge(8443), &instance);
        assert!(name.ends_with("-8443") && name.len() > 5, "{name}");
        assert_eq!(name, node_name(None, &edge(8443), &other));
        let chosen = node_name(None, &edge(0), &instance);
        assert_ne!(chosen, node_name(None, &edge(0), &other));
        assert_eq!(node_name(Some("a"), &edge(0), &instance), "a");
    }

    #[test]
    fn a_hosts_name_is_cut_to_what_a_name_may_be() {
        assert_eq!(legal("web 1.example\n"), "web1.example");
        assert_eq!(legal(&"x".repeat(80)).len(), MAX_HOST);
    }
}

//! The table `store.redis`.

use std::time::Duration;

use crate::app::options::RedisStoreOptions;
use crate::config::raw::RawStoreRedis;
use crate::config::report::{Scope, read};
use crate::store::redis::{OnOutage, RedisMode};

const MODES: [(&str, Mode); 3] = [
    ("single", Mode::Single),
    ("cluster", Mode::Cluster),
    ("sentinel", Mode::Sentinel),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Single,
    Cluster,
    Sentinel,
}

pub(super) fn redis(raw: RawStoreRedis, table: &Scope<'_>) -> RedisStoreOptions {
    let default = RedisStoreOptions::default();
    let mode = read(table, "mode", raw.mode, |at, text| at.choose(&text, &MODES));
    let master = read(table, "master_name", raw.master_name, |at, text| {
        at.filled(&text, "the name that the sentinels know the master by")
    });
    let mode = match mode {
        None | Some(Mode::Single) => RedisMode::Single,
        Some(Mode::Cluster) => RedisMode::Cluster,
        Some(Mode::Sentinel) => {
            if master.is_none() {
                table
                    .key("master_name")
                    .missing("the name that the sentinels know the master by");
            }
            RedisMode::Sentinel {
                master: master.unwrap_or_default(),
            }
        }
    };
    if table.has("master_name") && !matches!(mode, RedisMode::Sentinel { .. }) {
        table.key("master_name").unused(
            "no sentinels are asked for a master",
            "allowed: together with `mode = \"sentinel\"`",
        );
    }
    let nodes = read(table, "nodes", raw.nodes, |at, nodes| {
        if nodes.is_empty() {
            at.bad("the list is empty", NODES);
            return None;
        }
        let nodes = nodes.iter().enumerate();
        nodes.map(|(n, text)| node(&at.index(n), text)).collect()
    });
    if mode == RedisMode::Single && nodes.as_ref().is_some_and(|nodes: &Vec<_>| nodes.len() > 1) {
        table.key("nodes").bad(
            "there is more than one, and `mode` is \"single\"",
            "one address, or another `mode`",
        );
    }
    one_scheme(&nodes, &table.key("nodes"));
    let served = read(
        table,
        "serve_cached_for",
        raw.serve_cached_for,
        |at, text| at.duration(&text),
    );
    let on_outage = read(table, "on_outage", raw.on_outage, |at, text| {
        at.choose(&text, &[("closed", false), ("serve-cached", true)])
    });
    if table.has("serve_cached_for")
        && on_outage != Some(true)
        && !table.key("on_outage").is_broken()
    {
        table.key("serve_cached_for").unused(
            "cached sessions are not served while Redis is not reached",
            "allowed: together with `on_outage = \"serve-cached\"`",
        );
    }
    let name = "1 to 64 of the characters A-Z a-z 0-9 . _ -";
    RedisStoreOptions {
        mode,
        nodes: nodes.unwrap_or(default.nodes),
        username: read(table, "username", raw.username, |at, text| {
            at.filled(&text, "the name of a user")
        }),
        password_file: read(table, "password_file", raw.password_file, |at, text| {
            at.file(&text, "the file with the password")
        }),
        ca_file: read(table, "ca_file", raw.ca_file, |at, text| {
            at.file(&text, "the file with the authorities, as PEM")
        }),
        sentinel_username: read(
            table,
            "sentinel_username",
            raw.sentinel_username,
            |at, text| at.filled(&text, "the name of a user"),
        ),
        sentinel_password_file: read(
            table,
            "sentinel_password_file",
            raw.sentinel_password_file,
            |at, text| at.file(&text, "the file with the password"),
        ),
        namespace: read(table, "namespace", raw.namespace, |at, text| {
            word(at, text, name)
        })
        .unwrap_or(default.namespace),
        node: read(table, "node", raw.node, |at, text| word(at, text, name)),
        connect_timeout: read(table, "connect_timeout", raw.connect_timeout, |at, text| {
            at.duration(&text)
        })
        .unwrap_or(default.connect_timeout),
        timeout: read(table, "timeout", raw.timeout, |at, text| at.duration(&text))
            .unwrap_or(default.timeout),
        on_outage: match on_outage {
            Some(true) => OnOutage::ServeCached(served.unwrap_or(SERVED)),
            _ => OnOutage::Closed,
        },
    }
}

const NODES: &str = "`redis://host:port`, or `rediss://host:port` with TLS";

/// For how long cached sessions are served, unless something else is said.
const SERVED: Duration = Duration::from_secs(30);

/// Servers of one kind: what the first node says of TLS holds for those that it tells of.
fn one_scheme(nodes: &Option<Vec<String>>, at: &Scope<'_>) {
    let mut nodes = nodes.iter().flatten().enumerate();
    let Some((_, first)) = nodes.next() else {
        return;
    };
    let scheme = |node: &str| node.starts_with("rediss:");
    for (n, _) in nodes.filter(|(_, node)| scheme(node) != scheme(first)) {
        at.index(n).bad(
            "some nodes are reached with TLS and some without",
            "`rediss://host:port` for all of them, or `redis://host:port` for all",
        );
    }
}

fn node(at: &Scope<'_>, text: &str) -> Option<String> {
    let rest = text
        .strip_prefix("redis://")
        .or_else(|| text.strip_prefix("rediss://"));
    match rest {
        Some(rest) if rest.contains('@') => {
            at.bad("it has credentials in it", "`username` and `password_file`");
            None
        }
        Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', ' ']) => {
            Some(text.to_owned())
        }
        _ => {
            at.bad(&format!("found {}", at.found()), NODES);
            None
        }
    }
}

fn word(at: &Scope<'_>, text: String, allowed: &str) -> Option<String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(legal) {
        return Some(text);
    }
    at.bad(&format!("found {}", at.found()), allowed);
    None
}

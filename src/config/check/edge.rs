//! The table `edge`.

use std::net::SocketAddr;

use super::{network, tls};
use crate::app::options::{EdgeLimits, EdgeOptions, EdgeTimeouts};
use crate::config::raw::{RawEdge, RawEdgeLimits, RawEdgeTimeouts};
use crate::config::report::{Scope, read, read_all, read_some};
use crate::domain::Scheme;

pub(super) fn edge(mut raw: RawEdge, table: &Scope<'_>) -> EdgeOptions {
    let default = EdgeOptions::default();
    let listen = read_some(
        table,
        "listen",
        raw.listen.take(),
        network::ADDRESS,
        |at, text| at.parse::<SocketAddr>(&text, network::ADDRESS),
    );
    if let Some(addresses) = &listen {
        let at = table.key("listen");
        for (index, address) in addresses.iter().enumerate() {
            if address.port() != 0 && addresses[..index].contains(address) {
                at.conflict(
                    &format!("`{address}` is there twice"),
                    "allowed: each address once",
                );
            }
        }
    }
    let mut edge = EdgeOptions {
        tls: None,
        redirect: Vec::new(),
        redirect_port: None,
        hsts: None,
        listen: listen.unwrap_or(default.listen),
        trusted_proxies: read_all(
            table,
            "trusted_proxies",
            raw.trusted_proxies.take(),
            |at, text| network::network(at, &text),
        )
        .unwrap_or_default(),
        workers: read(table, "workers", raw.workers, |at, n| at.number(n, 1, 1024)),
        max_connections: read(table, "max_connections", raw.max_connections, |at, n| {
            at.number(n, 1, 10_000_000)
        })
        .unwrap_or(default.max_connections),
        default_scheme: read(
            table,
            "default_scheme",
            raw.default_scheme.take(),
            |at, text| at.choose(&text, &[("http", Scheme::Http), ("https", Scheme::Https)]),
        )
        .unwrap_or(default.default_scheme),
        timeouts: timeouts(
            raw.timeouts.take().unwrap_or_default(),
            &table.key("timeouts"),
        ),
        limits: limits(raw.limits.take().unwrap_or_default(), &table.key("limits")),
    };
    tls::of_edge(&mut raw, table, &mut edge);
    edge
}

fn timeouts(raw: RawEdgeTimeouts, table: &Scope<'_>) -> EdgeTimeouts {
    let default = EdgeTimeouts::default();
    let duration = |key, raw| read(table, key, raw, |at, text: String| at.duration(&text));
    EdgeTimeouts {
        header_read: duration("header_read", raw.header_read).unwrap_or(default.header_read),
        keep_alive: duration("keep_alive", raw.keep_alive).unwrap_or(default.keep_alive),
        body_idle: duration("body_idle", raw.body_idle).unwrap_or(default.body_idle),
        drain: duration("drain", raw.drain).unwrap_or(default.drain),
    }
}

fn limits(raw: RawEdgeLimits, table: &Scope<'_>) -> EdgeLimits {
    let default = EdgeLimits::default();
    EdgeLimits {
        head_size: read(table, "head_size", raw.head_size, |at, n| {
            at.number(n, 8_192, 1_048_576)
        })
        .unwrap_or(default.head_size),
        header_lines: read(table, "header_lines", raw.header_lines, |at, n| {
            at.number(n, 16, 1_000)
        })
        .unwrap_or(default.header_lines),
    }
}

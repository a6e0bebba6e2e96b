//! The whole, and the tables `admin`, `store` and `log`.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;

use super::{edge, network, spaces};
use crate::app::options::{
    AdminOptions, EdgeOptions, GatewayOptions, LogFormat, LogOptions, StoreKind, StoreOptions,
};
use crate::config::raw::{RawAdmin, RawGateway, RawLog, RawStore};
use crate::config::report::{Scope, read, read_all};

pub(in crate::config) fn gateway(raw: RawGateway, root: &Scope<'_>) -> Option<GatewayOptions> {
    let edge = edge::edge(raw.edge.unwrap_or_default(), &root.key("edge"));
    let admin = admin(raw.admin.unwrap_or_default(), &root.key("admin"), &edge);
    Some(GatewayOptions {
        admin,
        store: store(raw.store.unwrap_or_default(), &root.key("store")),
        log: log(raw.log.unwrap_or_default(), &root.key("log")),
        spaces: spaces::spaces(raw.space, &root.key("space"))?,
        edge,
    })
}

fn admin(raw: RawAdmin, table: &Scope<'_>, edge: &EdgeOptions) -> AdminOptions {
    let default = AdminOptions::default();
    let listen = read(table, "listen", raw.listen, |at, text| {
        let address: SocketAddr = at.parse(&text, network::ADDRESS)?;
        if !address.ip().to_canonical().is_loopback() && raw.allow_plain_http != Some(true) {
            at.conflict(
                "other machines reach this address, and keys would cross the network unprotected",
                "allowed: a loopback address, such as `127.0.0.1:8081`; or any address together \
                 with `allow_plain_http = true`",
            );
        }
        Some(address)
    })
    .unwrap_or(default.listen);
    if listen.port() != 0 && edge.listen.contains(&listen) {
        table.key("listen").conflict(
            "the edge listens on this address",
            "allowed: an address that is not in `edge.listen`",
        );
    }
    let hosts = read_all(table, "hosts", raw.hosts, |at, text| {
        network::host(at, &text)
    });
    AdminOptions {
        tls: None,
        certificate_roles: Vec::new(),
        session_module: None,
        listen,
        api_keys: read(table, "api_keys", raw.api_keys, |at, text| {
            at.file(
                &text,
                "a keys file (`gatepass key create --file keys.toml` writes one)",
            )
        }),
        hosts: hosts.unwrap_or_else(|| AdminOptions::default_hosts(listen)),
        docs_public: raw.docs_public.unwrap_or(default.docs_public),
    }
}

fn store(raw: RawStore, table: &Scope<'_>) -> StoreOptions {
    let default = StoreOptions::default();
    StoreOptions {
        kind: read(table, "kind", raw.kind, |at, text| {
            at.choose_beside(&text, &[("memory", StoreKind::Memory)], &["file", "redis"])
        })
        .unwrap_or(default.kind),
        retention: read(table, "retention", raw.retention, |at, text| {
            at.duration(&text)
        })
        .unwrap_or(default.retention),
        max_ended: read(table, "max_ended", raw.max_ended, |at, n| {
            at.number(n, 0, 1_000_000_000)
        })
        .unwrap_or(default.max_ended),
    }
}

fn log(raw: RawLog, table: &Scope<'_>) -> LogOptions {
    let default = LogOptions::default();
    LogOptions {
        format: read(table, "format", raw.format, |at, text| {
            at.choose(
                &text,
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            )
        })
        .unwrap_or(default.format),
        level: read(table, "level", raw.level, level).unwrap_or(default.level),
        access: raw.access.unwrap_or(default.access),
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Directives of `tracing`. A bare word would be taken for a module and put everything else
/// to silence, so a slip in a level's name is looked for here.
fn level(at: &Scope<'_>, text: String) -> Option<String> {
    let allowed = "`off`, `error`, `warn`, `info`, `debug`, `trace`, and `module=level` beside it, \
                   separated by commas";
    let bare = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.contains(['=', '[']));
    for part in bare {
        if !LEVELS.contains(&part.to_ascii_lowercase().as_str()) {
            at.bad(&format!("`{part}` is not a level"), allowed);
            return None;
        }
    }
    at.accept(EnvFilter::try_new(&text), allowed)?;
    Some(text)
}

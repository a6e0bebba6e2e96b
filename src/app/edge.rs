//! From options to the edge's settings, and what of them is fixed until a restart.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::options::{EdgeOptions, GatewayOptions};
use crate::net::Timeouts;
use crate::net::strict_h1::Limits;
use crate::net::tls::TlsAcceptor;
use crate::proxy::{EdgeSettings, EdgeTls};
use crate::telemetry::Metrics;

pub(super) fn edge_settings(
    options: &EdgeOptions,
    tls: Option<TlsAcceptor>,
    access_log: bool,
    metrics: &Metrics,
) -> EdgeSettings {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    EdgeSettings {
        workers: options.workers.and_then(NonZeroUsize::new).unwrap_or(cores),
        limits: Limits {
            head: options.limits.head_size,
            lines: options.limits.header_lines,
            ..Limits::default()
        },
        timeouts: Timeouts {
            head: options.timeouts.header_read,
            idle: options.timeouts.keep_alive,
            body: options.timeouts.body_idle,
            ..Timeouts::default()
        },
        max_connections: options.max_connections,
        drain: options.timeouts.drain,
        scheme: options.default_scheme,
        tls: tls.map(|acceptor| {
            Arc::new(EdgeTls::new(
                acceptor,
                options.hsts,
                metrics.handshakes("edge"),
            ))
        }),
        access_log,
    }
}

/// The keys whose change takes a restart, of those that have changed.
pub(super) fn needs_restart(old: &GatewayOptions, new: &GatewayOptions) -> Vec<&'static str> {
    let changed = [
        ("edge.listen", old.edge.listen != new.edge.listen),
        // Its contents are exchanged.
        ("edge.tls", old.edge.tls.is_some() != new.edge.tls.is_some()),
        ("edge.redirect", old.edge.redirect != new.edge.redirect),
        (
            "edge.redirect_port",
            old.edge.redirect_port != new.edge.redirect_port,
        ),
        ("edge.tls.hsts", old.edge.hsts != new.edge.hsts),
        ("edge.workers", old.edge.workers != new.edge.workers),
        (
            "edge.max_connections",
            old.edge.max_connections != new.edge.max_connections,
        ),
        (
            "edge.default_scheme",
            old.edge.default_scheme != new.edge.default_scheme,
        ),
        ("edge.timeouts", old.edge.timeouts != new.edge.timeouts),
        ("edge.limits", old.edge.limits != new.edge.limits),
        ("admin.listen", old.admin.listen != new.admin.listen),
        // Its contents are exchanged, too.
        (
            "admin.tls",
            old.admin.tls.is_some() != new.admin.tls.is_some(),
        ),
        ("admin.hosts", old.admin.hosts != new.admin.hosts),
        (
            "admin.docs_public",
            old.admin.docs_public != new.admin.docs_public,
        ),
        (
            "admin.session_module",
            old.admin.session_module != new.admin.session_module,
        ),
        ("store", old.store != new.store),
        ("log", old.log != new.log),
    ];
    changed
        .into_iter()
        .filter_map(|(key, changed)| changed.then_some(key))
        .collect()
}

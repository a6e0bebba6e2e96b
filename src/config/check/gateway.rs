//! The whole, and the table `log`.

use tracing_subscriber::EnvFilter;

use super::{admin, certificate, edge, session_module, spaces, store, ticket};
use crate::app::options::{GatewayOptions, LogFormat, LogOptions};
use crate::config::raw::{RawGateway, RawLog};
use crate::config::report::{Scope, read};

pub(in crate::config) fn gateway(raw: RawGateway, root: &Scope<'_>) -> Option<GatewayOptions> {
    let edge = edge::edge(raw.edge.unwrap_or_default(), &root.key("edge"));
    let admin = admin::admin(raw.admin.unwrap_or_default(), &root.key("admin"), &edge);
    let store = store::store(raw.store.unwrap_or_default(), &root.key("store"));
    let log = log(raw.log.unwrap_or_default(), &root.key("log"));
    let spaces = spaces::spaces(raw.space, &edge, &root.key("space"))?;
    ticket::reachable(&spaces, &admin, &root.key("admin"));
    admin::roles_are_for_spaces(&admin.certificate_roles, &root.key("admin"), &spaces);
    certificate::asked_for(&spaces, &edge, &root.key("edge"), &root.key("space"));
    session_module::is_of_a_space(&admin, &root.key("admin"), &spaces);
    Some(GatewayOptions {
        admin,
        store,
        log,
        spaces,
        edge,
    })
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

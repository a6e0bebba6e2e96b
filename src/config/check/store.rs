//! The table `store`.

use std::time::Duration;

use super::redis;
use crate::app::options::{StoreKind, StoreOptions};
use crate::config::raw::RawStore;
use crate::config::report::{Scope, read};

pub(super) fn store(raw: RawStore, table: &Scope<'_>) -> StoreOptions {
    let default = StoreOptions::default();
    let kind = read(table, "kind", raw.kind, |at, text| {
        let kinds = [
            ("file", StoreKind::File),
            ("memory", StoreKind::Memory),
            ("redis", StoreKind::Redis),
        ];
        at.choose(&text, &kinds)
    });
    if kind == Some(StoreKind::Memory) {
        for key in ["path", "flush_interval"] {
            if table.has(key) {
                table.key(key).unused(
                    "sessions in memory are written nowhere",
                    "allowed: together with `kind = \"file\"`",
                );
            }
        }
    }
    let path = read(table, "path", raw.path, |at, text| {
        at.filled(&text, "the path of a file, from the folder of this file")
    });
    if kind == Some(StoreKind::Redis) && table.has("path") {
        table.key("path").unused(
            "sessions are in Redis",
            "allowed: together with `kind = \"file\"`",
        );
    }
    StoreOptions {
        redis: redis::redis(raw.redis.unwrap_or_default(), &table.key("redis")),
        kind: kind.unwrap_or(default.kind),
        path: table.in_folder(path.map_or(default.path, Into::into)),
        flush_interval: read(table, "flush_interval", raw.flush_interval, interval)
            .unwrap_or(default.flush_interval),
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

/// From a tenth of a second, which a disk keeps up with, to ten minutes.
fn interval(at: &Scope<'_>, text: String) -> Option<Duration> {
    let interval = at.duration(&text)?;
    if !(Duration::from_millis(100)..=Duration::from_secs(600)).contains(&interval) {
        at.bad(&format!("found {}", at.found()), "`100ms` to `10m`");
        return None;
    }
    Some(interval)
}

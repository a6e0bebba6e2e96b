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
    refuse_unused(kind, table);
    let path = read(table, "path", raw.path, |at, text| {
        at.filled(&text, "the path of a file, from the folder of this file")
    });
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

/// Refuses what a store of this kind does not read; of a kind that was refused, nothing is known.
fn refuse_unused(kind: Option<StoreKind>, table: &Scope<'_>) {
    let kind = match kind {
        Some(kind) => kind,
        None if table.has("kind") => return,
        None => StoreOptions::default().kind,
    };
    let (where_kept, unused): (_, &[&str]) = match kind {
        StoreKind::Memory => (
            "sessions in memory are written nowhere",
            &["path", "flush_interval", "redis"],
        ),
        StoreKind::File => ("sessions are in a file", &["redis"]),
        StoreKind::Redis => ("sessions are in Redis", &["path"]),
    };
    for key in unused.iter().filter(|key| table.has(key)) {
        let allowed = match *key {
            "redis" => "allowed: together with `kind = \"redis\"`",
            "path" => "allowed: together with `kind = \"file\"`",
            _ => "allowed: together with `kind = \"file\"` or `kind = \"redis\"`",
        };
        table.key(key).unused(where_kept, allowed);
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

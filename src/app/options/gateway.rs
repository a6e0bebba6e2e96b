//! The whole gateway, and its smaller parts: the store and the log.

use std::path::PathBuf;
use std::time::Duration;

use super::{AdminOptions, EdgeOptions, RedisStoreOptions, SpaceOptions};

/// A gateway: its two ports, its store and its spaces.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// The public listener.
    pub edge: EdgeOptions,
    /// The side port.
    pub admin: AdminOptions,
    /// Where sessions are kept.
    pub store: StoreOptions,
    /// What is logged, and how.
    pub log: LogOptions,
    /// The spaces, at least one, in the order of the configuration. Their ids, their cookie
    /// names and their pairs of host and prefix are unique.
    pub spaces: Vec<SpaceOptions>,
}

/// Where sessions are kept, and how long after their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Which store. Default: a file.
    pub kind: StoreKind,
    /// The file, where the store is one; made when it is not there. Default:
    /// `gatepass.redb`, in the folder of the configuration.
    pub path: PathBuf,
    /// The Redis, where the store is one.
    pub redis: RedisStoreOptions,
    /// How often the store is told when sessions were last active: what may be lost of that
    /// when the process dies. Longer than none. Default: 2 seconds.
    pub flush_interval: Duration,
    /// How long an ended session can still be looked up. Default: 30 days.
    pub retention: Duration,
    /// How many ended sessions are kept at most; the oldest go first. Default: 100,000.
    pub max_ended: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            kind: StoreKind::File,
            path: "gatepass.redb".into(),
            redis: RedisStoreOptions::default(),
            flush_interval: Duration::from_secs(2),
            retention: Duration::from_secs(30 * 86_400),
            max_ended: 100_000,
        }
    }
}

/// The kinds of store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreKind {
    /// In a file, for one process at a time: what was acknowledged is there after a restart.
    #[default]
    File,
    /// In this process, and gone with it.
    Memory,
    /// In Redis, for all nodes that share it.
    Redis,
}

/// What is logged to standard error, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// For people or for programs. Default: text.
    pub format: LogFormat,
    /// Which events, as directives of `tracing`: `info`, or `info,gatepass::proxy=debug`.
    /// They parse. Default: `info`.
    pub level: String,
    /// Whether every request at the edge leaves a line. Default: yes.
    pub access: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            access: true,
        }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

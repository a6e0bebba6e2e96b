//! The tables there is one of.

use serde::Deserialize;

use super::{RawCertificateRole, RawEdgeTls, RawSessionModule, RawSpace, RawTls};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawGateway {
    pub(in crate::config) edge: Option<RawEdge>,
    pub(in crate::config) admin: Option<RawAdmin>,
    pub(in crate::config) store: Option<RawStore>,
    pub(in crate::config) log: Option<RawLog>,
    pub(in crate::config) space: Option<Vec<RawSpace>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawEdge {
    pub(in crate::config) listen: Option<Vec<String>>,
    pub(in crate::config) tls: Option<RawEdgeTls>,
    pub(in crate::config) redirect: Option<Vec<String>>,
    pub(in crate::config) redirect_port: Option<u64>,
    pub(in crate::config) trusted_proxies: Option<Vec<String>>,
    pub(in crate::config) workers: Option<u64>,
    pub(in crate::config) max_connections: Option<u64>,
    pub(in crate::config) default_scheme: Option<String>,
    pub(in crate::config) timeouts: Option<RawEdgeTimeouts>,
    pub(in crate::config) limits: Option<RawEdgeLimits>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawEdgeTimeouts {
    pub(in crate::config) header_read: Option<String>,
    pub(in crate::config) keep_alive: Option<String>,
    pub(in crate::config) body_idle: Option<String>,
    pub(in crate::config) drain: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawEdgeLimits {
    pub(in crate::config) head_size: Option<u64>,
    pub(in crate::config) header_lines: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawAdmin {
    pub(in crate::config) listen: Option<String>,
    pub(in crate::config) tls: Option<RawTls>,
    pub(in crate::config) certificate_roles: Option<Vec<RawCertificateRole>>,
    pub(in crate::config) url: Option<String>,
    pub(in crate::config) session_module: Option<RawSessionModule>,
    pub(in crate::config) api_keys: Option<String>,
    pub(in crate::config) hosts: Option<Vec<String>>,
    pub(in crate::config) docs_public: Option<bool>,
    pub(in crate::config) allow_plain_http: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawStore {
    pub(in crate::config) kind: Option<String>,
    pub(in crate::config) path: Option<String>,
    pub(in crate::config) redis: Option<RawStoreRedis>,
    pub(in crate::config) flush_interval: Option<String>,
    pub(in crate::config) retention: Option<String>,
    pub(in crate::config) max_ended: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawStoreRedis {
    pub(in crate::config) mode: Option<String>,
    pub(in crate::config) nodes: Option<Vec<String>>,
    pub(in crate::config) master_name: Option<String>,
    pub(in crate::config) username: Option<String>,
    pub(in crate::config) password_file: Option<String>,
    pub(in crate::config) sentinel_username: Option<String>,
    pub(in crate::config) sentinel_password_file: Option<String>,
    pub(in crate::config) ca_file: Option<String>,
    pub(in crate::config) namespace: Option<String>,
    pub(in crate::config) node: Option<String>,
    pub(in crate::config) connect_timeout: Option<String>,
    pub(in crate::config) timeout: Option<String>,
    pub(in crate::config) on_outage: Option<String>,
    pub(in crate::config) serve_cached_for: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawLog {
    pub(in crate::config) format: Option<String>,
    pub(in crate::config) level: Option<String>,
    pub(in crate::config) access: Option<bool>,
}

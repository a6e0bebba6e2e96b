//! A space and its tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    OneOrMany, RawCertificateRules, RawHeader, RawJwt, RawLocal, RawQlik, RawTicket, RawWebSocket,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawSpace {
    pub(in crate::config) id: Option<String>,
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) hosts: Option<Vec<String>>,
    pub(in crate::config) prefix: Option<String>,
    pub(in crate::config) upstream: Option<Vec<String>>,
    pub(in crate::config) upstream_tls: Option<RawUpstreamTls>,
    pub(in crate::config) strip_prefix: Option<bool>,
    pub(in crate::config) preserve_host: Option<bool>,
    pub(in crate::config) authn: Option<Vec<String>>,
    pub(in crate::config) anonymous: Option<String>,
    pub(in crate::config) identity_headers: Option<Vec<String>>,
    pub(in crate::config) redirect_hosts: Option<Vec<String>>,
    pub(in crate::config) assertion: Option<RawAssertion>,
    pub(in crate::config) custom_headers: Option<BTreeMap<String, String>>,
    pub(in crate::config) response_headers: Option<BTreeMap<String, String>>,
    pub(in crate::config) session: Option<RawSession>,
    pub(in crate::config) cookie: Option<RawCookie>,
    pub(in crate::config) jwt: Option<RawJwt>,
    pub(in crate::config) header: Option<RawHeader>,
    pub(in crate::config) certificate: Option<RawCertificateRules>,
    pub(in crate::config) ticket: Option<RawTicket>,
    pub(in crate::config) local: Option<RawLocal>,
    pub(in crate::config) qlik: Option<RawQlik>,
    pub(in crate::config) websocket: Option<RawWebSocket>,
    pub(in crate::config) access: Option<Vec<RawAccess>>,
    pub(in crate::config) classify: Option<Vec<RawClassify>>,
    pub(in crate::config) license: Option<Vec<RawLicense>>,
    pub(in crate::config) timeouts: Option<RawTimeouts>,
    pub(in crate::config) pool: Option<RawPool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawAssertion {
    pub(in crate::config) header: Option<String>,
    pub(in crate::config) audience: Option<String>,
    pub(in crate::config) key_file: Option<String>,
    pub(in crate::config) lifetime: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawSession {
    pub(in crate::config) idle_timeout: Option<String>,
    pub(in crate::config) absolute_timeout: Option<String>,
    pub(in crate::config) max_per_user: Option<u64>,
    pub(in crate::config) on_limit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCookie {
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) same_site: Option<String>,
    pub(in crate::config) partitioned: Option<bool>,
    pub(in crate::config) domain: Option<String>,
    pub(in crate::config) host_prefix: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawAccess {
    pub(in crate::config) path: Option<String>,
    pub(in crate::config) methods: Option<Vec<String>>,
    pub(in crate::config) require: Option<RawRequirement>,
    pub(in crate::config) idle_timeout: Option<String>,
    pub(in crate::config) activity: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawRequirement {
    pub(in crate::config) attribute: Option<String>,
    pub(in crate::config) any_of: Option<Vec<String>>,
    pub(in crate::config) signed_in: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawClassify {
    pub(in crate::config) when: Option<OneOrMany<RawCondition>>,
    pub(in crate::config) license: Option<String>,
    pub(in crate::config) client_type: Option<String>,
    pub(in crate::config) access_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCondition {
    pub(in crate::config) attribute: Option<String>,
    pub(in crate::config) header: Option<String>,
    pub(in crate::config) matches: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawLicense {
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) seats: Option<u64>,
    pub(in crate::config) on_limit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawTimeouts {
    pub(in crate::config) pool_wait: Option<String>,
    pub(in crate::config) connect: Option<String>,
    pub(in crate::config) request_idle: Option<String>,
    pub(in crate::config) response_head: Option<String>,
    pub(in crate::config) body_idle: Option<String>,
    pub(in crate::config) tunnel_idle: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawPool {
    pub(in crate::config) max_connections: Option<u64>,
    pub(in crate::config) idle_timeout: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawUpstreamTls {
    pub(in crate::config) ca: Option<String>,
}

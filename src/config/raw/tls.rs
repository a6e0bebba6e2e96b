//! TLS on a listener, and what certificates of clients are good for.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::OneOrMany;

/// The table `edge.tls`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawEdgeTls {
    pub(in crate::config) certificates: Option<Vec<RawCertificate>>,
    pub(in crate::config) client_ca: Option<String>,
    pub(in crate::config) client_crl: Option<Vec<String>>,
    pub(in crate::config) client_certificates: Option<String>,
    pub(in crate::config) min_version: Option<String>,
    pub(in crate::config) hsts: Option<String>,
}

/// The table `admin.tls`, and `edge.tls` without what browsers are told.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawTls {
    pub(in crate::config) certificates: Option<Vec<RawCertificate>>,
    pub(in crate::config) client_ca: Option<String>,
    pub(in crate::config) client_crl: Option<Vec<String>>,
    pub(in crate::config) client_certificates: Option<String>,
    pub(in crate::config) min_version: Option<String>,
}

impl From<RawEdgeTls> for RawTls {
    fn from(raw: RawEdgeTls) -> Self {
        Self {
            certificates: raw.certificates,
            client_ca: raw.client_ca,
            client_crl: raw.client_crl,
            client_certificates: raw.client_certificates,
            min_version: raw.min_version,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCertificate {
    pub(in crate::config) chain: Option<String>,
    pub(in crate::config) key: Option<String>,
    pub(in crate::config) ocsp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCertificateRole {
    pub(in crate::config) subject_cn: Option<String>,
    pub(in crate::config) subject: Option<BTreeMap<String, OneOrMany<String>>>,
    pub(in crate::config) san: Option<OneOrMany<String>>,
    pub(in crate::config) fingerprint: Option<OneOrMany<String>>,
    pub(in crate::config) role: Option<String>,
    pub(in crate::config) spaces: Option<Vec<String>>,
}

//! The table `space.certificate`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::OneOrMany;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCertificateRules {
    pub(in crate::config) rules: Option<Vec<RawCertificateUser>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCertificateUser {
    pub(in crate::config) any: Option<bool>,
    pub(in crate::config) subject_cn: Option<String>,
    pub(in crate::config) subject: Option<BTreeMap<String, OneOrMany<String>>>,
    pub(in crate::config) san: Option<OneOrMany<String>>,
    pub(in crate::config) fingerprint: Option<OneOrMany<String>>,
    pub(in crate::config) directory: Option<String>,
    pub(in crate::config) id: Option<String>,
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) email: Option<String>,
    pub(in crate::config) attributes: Option<BTreeMap<String, OneOrMany<String>>>,
}

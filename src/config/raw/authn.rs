//! The tables of the methods of authentication.

use serde::Deserialize;

use super::OneOrMany;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawJwt {
    pub(in crate::config) issuer: Option<String>,
    pub(in crate::config) audience: Option<OneOrMany<String>>,
    pub(in crate::config) algorithms: Option<Vec<String>>,
    pub(in crate::config) jwks_url: Option<String>,
    pub(in crate::config) jwks_file: Option<String>,
    pub(in crate::config) key_file: Option<String>,
    pub(in crate::config) secret_file: Option<String>,
    pub(in crate::config) leeway: Option<String>,
    pub(in crate::config) directory: Option<String>,
    pub(in crate::config) claims: Option<RawClaims>,
    pub(in crate::config) attributes: Option<Vec<RawAttribute>>,
    pub(in crate::config) header: Option<String>,
    pub(in crate::config) query: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawClaims {
    pub(in crate::config) directory: Option<String>,
    pub(in crate::config) id: Option<String>,
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) email: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawAttribute {
    pub(in crate::config) claim: Option<String>,
    pub(in crate::config) attribute: Option<String>,
    pub(in crate::config) mandatory: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawHeader {
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) directory: Option<String>,
    pub(in crate::config) pattern: Option<String>,
    pub(in crate::config) trusted: Option<Vec<String>>,
    pub(in crate::config) name_header: Option<String>,
    pub(in crate::config) email_header: Option<String>,
    pub(in crate::config) groups_header: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawLocal {
    pub(in crate::config) users: Option<String>,
}

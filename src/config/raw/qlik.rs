//! The table of the Qlik dialect.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawQlik {
    pub(in crate::config) endpoints: Option<bool>,
}

//! The table `admin.session_module`.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawSessionModule {
    pub(in crate::config) space: Option<String>,
}

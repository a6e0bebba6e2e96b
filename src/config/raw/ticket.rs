//! The table of tickets.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawTicket {
    pub(in crate::config) module: Option<String>,
}

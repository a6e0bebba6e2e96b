//! The table `space.websocket`.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawWebSocket {
    pub(in crate::config) origins: Option<Vec<String>>,
    pub(in crate::config) csrf_token: Option<bool>,
    pub(in crate::config) end_notice: Option<bool>,
    pub(in crate::config) activity: Option<String>,
}

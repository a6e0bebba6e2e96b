//! What is particular to the WebSockets of a space.

use crate::proxy::upgrade::Activity;

/// What is particular to the WebSockets of a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// Whether a client is told of its session's end by a JSON-RPC notification, before the
    /// close frame. Default: in spaces with Qlik's identity headers.
    pub end_notices: bool,
    /// What keeps the session alive. Default: data of the client.
    pub activity: Activity,
}

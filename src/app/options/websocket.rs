//! What is particular to the WebSockets of a space.

use crate::domain::OriginPattern;
use crate::proxy::upgrade::Activity;

/// What is particular to the WebSockets of a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// Origins whose pages may open them, beside the space's own; they may also read the
    /// endpoints for browsers. `None`: origins are not looked at, unless there has to be a CSRF
    /// token.
    pub origins: Option<Vec<OriginPattern>>,
    /// Whether the session's CSRF token must be brought along. Default: no.
    pub csrf_token: bool,
    /// Whether a client is told of its session's end by a JSON-RPC notification, before the
    /// close frame. Default: in spaces with Qlik's identity headers.
    pub end_notices: bool,
    /// What keeps the session alive. Default: data of the client.
    pub activity: Activity,
}

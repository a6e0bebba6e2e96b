//! WebSockets through a space.

use crate::domain::OriginPattern;

/// Which pages may open WebSockets in a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// Origins whose pages may, beside the space's own; they may also read the endpoints for
    /// browsers. `None`: origins are not looked at, unless there has to be a CSRF token.
    pub origins: Option<Vec<OriginPattern>>,
    /// Whether the session's CSRF token must be brought along. Default: no.
    pub csrf_token: bool,
}

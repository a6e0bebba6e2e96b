//! What moves in a tunnel that keeps its session alive.

use super::relay::Moved;

/// What moves in an upgraded connection that keeps its session alive. In one that is no
/// WebSocket all bytes are data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// Data of the client. What the upstream sends and a WebSocket's pings, pongs and closes
    /// come without anybody doing anything.
    #[default]
    ClientData,
    /// Anything of the client, and data of the upstream.
    Any,
    /// Nothing: the session lives by its requests alone.
    Nothing,
}

impl Activity {
    /// Whether there is any in what has moved.
    pub(super) const fn is_in(self, moved: Moved) -> bool {
        match self {
            Self::ClientData => moved.client_data,
            Self::Any => moved.client || moved.upstream_data,
            Self::Nothing => false,
        }
    }
}

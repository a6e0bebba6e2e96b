//! How sessions end.

use std::sync::Arc;

use super::Timestamp;
use super::named::named_enum;

named_enum! {
    /// Why a session ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum EndReason, "reason for an end" {
        /// The user logged out.
        LoggedOut = "logged_out",
        /// No request for longer than the idle timeout.
        Idle = "idle",
        /// Older than the absolute timeout.
        Expired = "expired",
        /// An administrator ended it.
        Terminated = "terminated",
        /// A later login of the user needed its place under the limit.
        Displaced = "displaced",
        /// The identity provider revoked it.
        Revoked = "revoked",
        /// The same client authenticated anew.
        Replaced = "replaced",
    }
}

/// The end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// Who, when somebody did: an API key's id or a user.
    pub by: Option<Arc<str>>,
}

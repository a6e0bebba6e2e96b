//! A call that has passed the gate.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::error::QpsError;
use super::input::Input;
use crate::admin::keys::Principal;
use crate::admin::state::Admin;
use crate::domain::{SpaceId, SpaceState};
use crate::sessions::{EndCause, Sessions};
use crate::telemetry::audit::{self, AdminAction};

/// A call that has passed the gate: the caller may do what its route does. Path and body may hold
/// secrets, so it has no `Debug`.
pub(super) struct Call {
    pub(super) admin: Arc<Admin>,
    pub(super) who: Arc<Principal>,
    pub(super) ip: Option<IpAddr>,
    /// The space, where the route is about one.
    pub(super) space: Option<Arc<SpaceState>>,
    /// The path prefix that the path names, without its first slash.
    pub(super) prefix: String,
    pub(super) variables: Vec<String>,
    /// Empty for a method that has none.
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn sessions(&self) -> &Sessions {
        self.admin.sessions()
    }

    /// The space that it is about.
    ///
    /// # Errors
    ///
    /// When the route is about none, which its endpoint does not ask then.
    pub(super) fn space(&self) -> Result<&Arc<SpaceState>, QpsError> {
        self.space.as_ref().ok_or(QpsError::Internal)
    }

    /// The variable segment `index` of the path.
    pub(super) fn variable(&self, index: usize) -> &str {
        self.variables.get(index).map_or("", String::as_str)
    }

    /// What the body says.
    ///
    /// # Errors
    ///
    /// As [`Input::read`].
    pub(super) fn input(&self) -> Result<Input, QpsError> {
        Input::read(&self.body)
    }

    /// Why a session ends that the caller ends.
    pub(super) fn cause(&self) -> EndCause {
        EndCause::terminated_by(Arc::clone(self.who.id()))
    }

    /// Writes down what the caller did.
    pub(super) fn audit(&self, action: &'static str, space: &SpaceId, target: &str, ended: usize) {
        audit::admin_action(&AdminAction {
            action,
            key: self.who.id(),
            client_ip: self.ip,
            space,
            target,
            ended: u64::try_from(ended).unwrap_or(u64::MAX),
        });
    }
}

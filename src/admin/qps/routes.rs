//! Every route of the dialect: what it is, what a caller must be allowed, and who answers.

use super::operations as op;
use crate::admin::openapi::{Operation, Verb};

/// One route.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Route {
    pub(in crate::admin) operation: Operation,
    pub(in crate::admin) need: Need,
    pub(super) endpoint: Endpoint,
}

/// What a caller must be allowed to do in the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Need {
    /// Nothing in particular: the answer is about no space.
    AnyCaller,
    /// To look at it.
    Read,
    /// To administer it.
    Act,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Sessions,
    AddSession,
    Session,
    /// As `Session`, and notes a request of it.
    UseSession,
    EndSession,
    User,
    EndUser,
    Ticket,
    Alive,
    Health,
    LogError,
    Description,
    OpenApi,
}

/// Every route below `/qps`, in the order in which it is described.
pub(in crate::admin) const ROUTES: [Route; 12] = {
    use Endpoint as E;
    use Need as N;
    [
        route(op::SESSIONS, N::Read, E::Sessions),
        route(op::ADD_SESSION, N::Act, E::AddSession),
        route(op::SESSION, N::Read, E::Session),
        route(op::END_SESSION, N::Act, E::EndSession),
        route(op::USER, N::Read, E::User),
        route(op::END_USER, N::Act, E::EndUser),
        route(op::TICKET, N::Act, E::Ticket),
        route(op::ALIVE, N::AnyCaller, E::Alive),
        route(op::HEALTH, N::AnyCaller, E::Health),
        route(op::LOG_ERROR, N::Read, E::LogError),
        route(op::DESCRIPTION, N::AnyCaller, E::Description),
        route(op::OPEN_API, N::AnyCaller, E::OpenApi),
    ]
};

/// Every route of the session module, at the root.
pub(in crate::admin) const MODULE_ROUTES: [Route; 5] = {
    use Endpoint as E;
    use Need as N;
    [
        route(op::MODULE_ADD, N::Act, E::AddSession),
        route(op::MODULE_SESSION, N::Read, E::UseSession),
        route(op::MODULE_END_SESSION, N::Act, E::EndSession),
        route(op::MODULE_USER, N::Read, E::User),
        route(op::MODULE_END_USER, N::Act, E::EndUser),
    ]
};

/// What the description puts before the path of every route below `/qps`.
pub(super) const BASE: &str = "/qps/{prefix}";

const fn route(operation: Operation, need: Need, endpoint: Endpoint) -> Route {
    Route {
        operation,
        need,
        endpoint,
    }
}

impl Route {
    /// Its path behind `qps` and the prefix.
    pub(in crate::admin) fn path(&self) -> &'static str {
        let path = self.operation.path;
        path.strip_prefix(BASE).unwrap_or(path)
    }

    pub(super) const fn method(&self) -> Verb {
        self.operation.method
    }
}

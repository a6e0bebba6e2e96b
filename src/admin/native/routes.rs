//! Every route of the native API: what it is, what a key needs to be allowed, and who answers.

use std::sync::Arc;

use axum::routing::{MethodFilter, MethodRouter, on};

use super::operations as op;
use super::{
    end_many, events, groups, licenses, list, locks, nodes, session, spaces, tasks, transfer, user,
};
use crate::admin::openapi::Operation;
use crate::admin::state::Admin;

/// One route of the API.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Route {
    pub(in crate::admin) operation: Operation,
    pub(in crate::admin) need: Need,
    endpoint: fn(MethodFilter) -> MethodRouter<Arc<Admin>>,
}

/// What a key must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Need {
    /// Nothing in particular: the answer shows only what the key may see.
    AnyKey,
    /// To look at the space in the path.
    Read,
    /// To end sessions of the space in the path.
    End,
    /// To do everything, in every space.
    Everything,
}

/// Every route of the API, in the order in which it is described.
pub(in crate::admin) const ROUTES: [Route; 19] = [
    route(op::SPACES, Need::AnyKey, |method| on(method, spaces::list)),
    route(op::SPACE, Need::Read, |method| on(method, spaces::one)),
    route(op::LIST, Need::Read, |method| on(method, list::list)),
    route(op::GROUPS, Need::Read, |method| on(method, groups::groups)),
    route(op::SESSION, Need::Read, |method| on(method, session::get)),
    route(op::END_SESSION, Need::End, |method| {
        on(method, session::end)
    }),
    route(op::END_MANY, Need::End, |method| {
        on(method, end_many::end_many)
    }),
    route(op::USER, Need::Read, |method| on(method, user::list)),
    route(op::END_USER, Need::End, |method| on(method, user::end)),
    route(op::LOCK, Need::End, |method| on(method, locks::lock)),
    route(op::UNLOCK, Need::End, |method| on(method, locks::unlock)),
    route(op::LOCKS, Need::Read, |method| on(method, locks::list)),
    route(op::LICENSES, Need::Read, |method| {
        on(method, licenses::list)
    }),
    route(op::TASKS, Need::Read, |method| on(method, tasks::list)),
    route(op::TASK, Need::Read, |method| on(method, tasks::get)),
    route(op::NODES, Need::Everything, |method| {
        on(method, nodes::list)
    }),
    route(op::EVENTS, Need::AnyKey, |method| {
        on(method, events::events)
    }),
    route(op::EXPORT, Need::Everything, |method| {
        on(method, transfer::export)
    }),
    route(op::IMPORT, Need::Everything, |method| {
        on(method, transfer::import)
    }),
];

const fn route(
    operation: Operation,
    need: Need,
    endpoint: fn(MethodFilter) -> MethodRouter<Arc<Admin>>,
) -> Route {
    Route {
        operation,
        need,
        endpoint,
    }
}

impl Route {
    /// Its endpoint under its method.
    pub(super) fn endpoint(&self) -> MethodRouter<Arc<Admin>> {
        (self.endpoint)(self.operation.method.filter())
    }
}

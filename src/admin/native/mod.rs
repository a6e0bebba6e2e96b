//! The native API: `/api/v1`, the sessions in JSON.
//!
//! [`ROUTES`] is the whole of it: what a route is, what a key needs to be allowed, and the
//! endpoint. The router and the description are built from it, so a route without a need or
//! without a description cannot be.

mod about;
mod end_job;
mod end_many;
mod events;
mod groups;
mod licenses;
mod list;
mod locks;
mod nodes;
mod operations;
mod request;
mod routes;
mod schema_parts;
mod schemas;
mod schemas_node;
mod session;
mod spaces;
mod tasks;
mod transfer;
mod transfer_schemas;
mod user;
mod which;
mod wire;
mod wire_access;

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::{Extension, Router};

use crate::admin::guard::client_ip;
use crate::admin::keys::{Principal, Role};
use crate::admin::openapi::{API_KEY, CERTIFICATE, Section};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::SpaceId;
use crate::telemetry::audit;

pub(super) use routes::{Need, ROUTES};

/// The API's routes, each behind its need.
pub(super) fn router(admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    ROUTES.iter().fold(Router::new(), |router, route| {
        let allow = from_fn_with_state((Arc::clone(admin), route.need), allow);
        router.route(route.operation.path, route.endpoint().route_layer(allow))
    })
}

/// What the description says of it.
pub(super) fn section() -> Section {
    Section {
        tag: "Native API",
        about: about::about(),
        operations: ROUTES.iter().map(|route| route.operation).collect(),
        segments: operations::SEGMENTS,
        schemas: schemas::schemas(),
        error: ("application/problem+json", "Problem"),
        errors: operations::ERRORS,
        keys: &[API_KEY, CERTIFICATE],
    }
}

/// Lets through what the key may do, and puts the path's space into the request.
///
/// Who does not see all spaces gets the same 403 for a space of others and for one that does
/// not exist, so that the answers tell nothing about which spaces there are.
async fn allow(
    State((admin, need)): State<(Arc<Admin>, Need)>,
    Extension(who): Extension<Arc<Principal>>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if need == Need::AnyKey || need == Need::Everything && who.role() == Role::SiteAdmin {
        return Ok(next.run(request).await);
    }
    let params = params.map_err(|rejection| {
        Problem::new(ProblemKind::InvalidPath).detail(rejection.body_text())
    })?;
    let named = params.iter().find(|(name, _)| *name == "space");
    let id = named.and_then(|(_, id)| SpaceId::new(id).ok());
    let allowed = match (need, &id) {
        (Need::AnyKey, _) => true,
        (Need::Everything, _) => false,
        (Need::Read, Some(id)) => who.may_read(id),
        (Need::End, Some(id)) => who.may_end(id),
        (Need::Read | Need::End, None) => who.sees_all(),
    };
    if !allowed {
        let from = client_ip(request.extensions());
        audit::admin_refused("forbidden", Some(who.id()), from);
        return Err(ProblemKind::Forbidden.into());
    }
    let space = id.and_then(|id| admin.sessions().find_space(&id));
    request
        .extensions_mut()
        .insert(space.ok_or(ProblemKind::UnknownSpace)?);
    Ok(next.run(request).await)
}

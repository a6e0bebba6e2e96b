//! What a request must be before an endpoint sees it.

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use super::routes::Need;
use super::space;
use crate::admin::guard::{check_source, client_ip};
use crate::admin::keys::Role;
use crate::admin::state::Admin;
use crate::telemetry::audit;

/// Refuses requests for other hosts and from pages of other origins.
pub(super) async fn source(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    if let Err(problem) = check_source(&admin, &request) {
        audit::admin_refused(problem.name(), None, client_ip(request.extensions()));
        return Err(problem.into());
    }
    Ok(next.run(request).await)
}

/// Lets through what the caller may do. The request then carries the [`Caller`], and the
/// space of its path.
///
/// Sessions and tasks are for the administrators of the space alone: who administers the
/// site, or looks only, is refused, as the product's reference says.
pub(super) async fn allow(
    State((admin, need)): State<(Arc<Admin>, Need)>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    if need == Need::Nothing {
        return Ok(next.run(request).await);
    }
    let from = client_ip(request.extensions());
    let caller = Caller::identify(&admin, request.headers(), from).await?;
    if need == Need::SpaceAdmin {
        let params = params
            .map_err(|_| Fault::new(FaultKind::UnknownRoute, "the path is not understood"))?;
        let named = params.iter().find(|(name, _)| *name == "space");
        let named = named.map(|(_, named)| named).unwrap_or_default();
        let space = space::find(&admin, named).ok_or_else(|| space::unknown(named))?;
        let who = caller.who();
        if who.role() != Role::SpaceAdmin || !who.may_end(space.id()) {
            caller.audit_refusal("forbidden");
            let why = "only administrators of the shared space may use its sessions";
            return Err(Fault::new(FaultKind::NotAuthorized, why));
        }
        request.extensions_mut().insert(space);
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

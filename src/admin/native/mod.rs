//! The native API: `/api/v1`, the sessions in JSON.
//!
//! [`ROUTES`] is the whole of it: a path, a method, what a key needs to be allowed, and the
//! endpoint. The router is built from it, so a route without a need cannot be.

mod end_many;
mod list;
mod request;
mod session;
mod spaces;
mod user;
mod wire;

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};

use crate::admin::guard::client_ip;
use crate::admin::keys::Principal;
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::SpaceId;
use crate::telemetry::audit;

/// One route of the API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) method: Verb,
    pub(super) path: &'static str,
    pub(super) need: Need,
    endpoint: Endpoint,
}

/// The methods that routes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Delete,
}

/// What a key must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing in particular: the answer shows only what the key may see.
    AnyKey,
    /// To look at the space in the path.
    Read,
    /// To end sessions of the space in the path.
    End,
}

#[derive(Clone, Copy, Debug)]
enum Endpoint {
    Spaces,
    Space,
    List,
    EndMany,
    Session,
    EndSession,
    User,
    EndUser,
}

/// Every route of the API.
pub(super) const ROUTES: [Route; 8] = {
    use Endpoint as E;
    use Need as N;
    use Verb as V;
    [
        route(V::Get, "/api/v1/spaces", N::AnyKey, E::Spaces),
        route(V::Get, "/api/v1/spaces/{space}", N::Read, E::Space),
        route(V::Get, "/api/v1/spaces/{space}/sessions", N::Read, E::List),
        route(
            V::Post,
            "/api/v1/spaces/{space}/sessions/end",
            N::End,
            E::EndMany,
        ),
        route(V::Get, SESSION, N::Read, E::Session),
        route(V::Delete, SESSION, N::End, E::EndSession),
        route(V::Get, USER, N::Read, E::User),
        route(V::Delete, USER, N::End, E::EndUser),
    ]
};

const SESSION: &str = "/api/v1/spaces/{space}/sessions/{session}";
const USER: &str = "/api/v1/spaces/{space}/users/{directory}/{id}/sessions";

const fn route(method: Verb, path: &'static str, need: Need, endpoint: Endpoint) -> Route {
    Route {
        method,
        path,
        need,
        endpoint,
    }
}

/// The API's routes, each behind its need.
pub(super) fn router(admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    ROUTES.iter().fold(Router::new(), |router, route| {
        let allow = from_fn_with_state((Arc::clone(admin), route.need), allow);
        router.route(
            route.path,
            route.endpoint.on(route.method).route_layer(allow),
        )
    })
}

impl Endpoint {
    fn on(self, method: Verb) -> MethodRouter<Arc<Admin>> {
        let method = match method {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Delete => MethodFilter::DELETE,
        };
        match self {
            Self::Spaces => on(method, spaces::list),
            Self::Space => on(method, spaces::one),
            Self::List => on(method, list::list),
            Self::EndMany => on(method, end_many::end_many),
            Self::Session => on(method, session::get),
            Self::EndSession => on(method, session::end),
            Self::User => on(method, user::list),
            Self::EndUser => on(method, user::end),
        }
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
    if need == Need::AnyKey {
        return Ok(next.run(request).await);
    }
    let params = params.map_err(|rejection| {
        Problem::new(ProblemKind::InvalidPath).detail(rejection.body_text())
    })?;
    let named = params.iter().find(|(name, _)| *name == "space");
    let id = named.and_then(|(_, id)| SpaceId::new(id).ok());
    let allowed = match (need, &id) {
        (Need::AnyKey, _) => true,
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

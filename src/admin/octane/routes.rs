//! Every route of the dialect, and the router that is built from them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;

use super::body::MAX_BODY;
use super::fault::{self, Fault, FaultKind};
use super::{about, background_tasks, gate, sessions, sign_in, terminate, update};
use crate::admin::state::Admin;

/// One route of the dialect.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Route {
    pub(in crate::admin) method: Verb,
    pub(in crate::admin) path: &'static str,
    pub(in crate::admin) need: Need,
    endpoint: Endpoint,
}

/// The methods that routes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Verb {
    Get,
    Post,
    Put,
}

/// What a caller must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Need {
    /// Anybody.
    Nothing,
    /// Signed in: the answer shows only what the caller may see.
    AnyKey,
    /// An administrator of the space in the path, and not of more than spaces.
    SpaceAdmin,
}

#[derive(Clone, Copy, Debug)]
enum Endpoint {
    SignIn,
    SignOut,
    CurrentUser,
    Version,
    Spaces,
    Sessions,
    UpdateMany,
    Groups,
    Terminate,
    Session,
    Update,
    Tasks,
    Task,
}

/// Every route of the dialect. Each is also there with a trailing slash, and each below a
/// space also below `/workspaces/{workspace}` of it.
pub(in crate::admin) const ROUTES: [Route; 13] = {
    use Endpoint as E;
    use Need as N;
    use Verb as V;
    [
        route(V::Post, "/authentication/sign_in", N::Nothing, E::SignIn),
        route(V::Post, "/authentication/sign_out", N::Nothing, E::SignOut),
        route(V::Get, "/api/current_user", N::AnyKey, E::CurrentUser),
        route(V::Get, "/admin/server/version", N::AnyKey, E::Version),
        route(V::Get, "/api/shared_spaces", N::AnyKey, E::Spaces),
        route(V::Get, SESSIONS, N::SpaceAdmin, E::Sessions),
        route(V::Put, SESSIONS, N::SpaceAdmin, E::UpdateMany),
        route(V::Get, GROUPS, N::SpaceAdmin, E::Groups),
        route(V::Put, TERMINATE, N::SpaceAdmin, E::Terminate),
        route(V::Get, SESSION, N::SpaceAdmin, E::Session),
        route(V::Put, SESSION, N::SpaceAdmin, E::Update),
        route(V::Get, TASKS, N::SpaceAdmin, E::Tasks),
        route(V::Get, TASK, N::SpaceAdmin, E::Task),
    ]
};

const SPACE: &str = "/api/shared_spaces/{space}";
const WORKSPACE: &str = "/workspaces/{workspace}";
const SESSIONS: &str = "/api/shared_spaces/{space}/sessions";
const GROUPS: &str = "/api/shared_spaces/{space}/sessions/groups";
const TERMINATE: &str = "/api/shared_spaces/{space}/sessions/terminate";
const SESSION: &str = "/api/shared_spaces/{space}/sessions/{id}";
const TASKS: &str = "/api/shared_spaces/{space}/background_tasks";
const TASK: &str = "/api/shared_spaces/{space}/background_tasks/{id}";

/// What the dialect answers for: these paths and all below them.
const BASES: [&str; 4] = [
    "/authentication",
    "/api/current_user",
    "/api/shared_spaces",
    "/admin/server",
];

const fn route(method: Verb, path: &'static str, need: Need, endpoint: Endpoint) -> Route {
    Route {
        method,
        path,
        need,
        endpoint,
    }
}

/// The dialect, to be merged into the side port.
pub(in crate::admin) fn router(admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    let mut routes = Router::new();
    for route in &ROUTES {
        for path in route.spellings() {
            let allow = from_fn_with_state((Arc::clone(admin), route.need), gate::allow);
            routes = routes.route(&path, route.endpoint.on(route.method).route_layer(allow));
        }
    }
    let dialect = routes
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_route)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(admin), gate::source))
        .layer(CatchPanicLayer::custom(fault::of_panic))
        .layer(from_fn(fault::finish))
        .with_state::<()>(Arc::clone(admin));
    BASES.iter().fold(Router::new(), |router, base| {
        router
            .route_service(base, dialect.clone())
            .route_service(&format!("{base}/"), dialect.clone())
            .route_service(&format!("{base}/{{*rest}}"), dialect.clone())
    })
}

impl Route {
    /// The paths that it is found under.
    pub(in crate::admin) fn spellings(&self) -> Vec<String> {
        let mut paths = vec![self.path.to_owned()];
        if let Some(rest) = self.path.strip_prefix(SPACE) {
            paths.push(format!("{SPACE}{WORKSPACE}{rest}"));
        }
        let slashed: Vec<_> = paths.iter().map(|path| format!("{path}/")).collect();
        paths.extend(slashed);
        paths
    }
}

impl Endpoint {
    fn on(self, method: Verb) -> MethodRouter<Arc<Admin>> {
        let method = match method {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
        };
        match self {
            Self::SignIn => on(method, sign_in::sign_in),
            Self::SignOut => on(method, sign_in::sign_out),
            Self::CurrentUser => on(method, about::current_user),
            Self::Version => on(method, about::version),
            Self::Spaces => on(method, about::shared_spaces),
            Self::Sessions => on(method, sessions::list),
            Self::UpdateMany => on(method, update::many),
            Self::Groups => on(method, sessions::groups),
            Self::Terminate => on(method, terminate::terminate),
            Self::Session => on(method, sessions::one),
            Self::Update => on(method, update::one),
            Self::Tasks => on(method, background_tasks::list),
            Self::Task => on(method, background_tasks::one),
        }
    }
}

async fn wrong_method() -> Fault {
    Fault::new(
        FaultKind::MethodNotAllowed,
        "the method is not for this path",
    )
}

async fn unknown_route() -> Fault {
    Fault::new(FaultKind::UnknownRoute, "there is nothing here")
}

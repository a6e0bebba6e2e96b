//! Every route of the dialect, and the router that is built from them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;

use super::body::MAX_BODY;
use super::fault::{self, Fault, FaultKind};
use super::operations as op;
use super::{about, background_tasks, gate, sessions, sign_in, terminate, update};
use crate::admin::openapi::Operation;
use crate::admin::state::Admin;

/// One route of the dialect.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Route {
    pub(in crate::admin) operation: Operation,
    pub(in crate::admin) need: Need,
    endpoint: Endpoint,
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
    [
        route(op::SIGN_IN, N::Nothing, E::SignIn),
        route(op::SIGN_OUT, N::Nothing, E::SignOut),
        route(op::CURRENT_USER, N::AnyKey, E::CurrentUser),
        route(op::VERSION, N::AnyKey, E::Version),
        route(op::SPACES, N::AnyKey, E::Spaces),
        route(op::SESSIONS, N::SpaceAdmin, E::Sessions),
        route(op::UPDATE_MANY, N::SpaceAdmin, E::UpdateMany),
        route(op::GROUPS, N::SpaceAdmin, E::Groups),
        route(op::TERMINATE, N::SpaceAdmin, E::Terminate),
        route(op::SESSION, N::SpaceAdmin, E::Session),
        route(op::UPDATE, N::SpaceAdmin, E::Update),
        route(op::TASKS, N::SpaceAdmin, E::Tasks),
        route(op::TASK, N::SpaceAdmin, E::Task),
    ]
};

const SPACE: &str = "/api/shared_spaces/{space}";
const WORKSPACE: &str = "/workspaces/{workspace}";

/// What the dialect answers for: these paths and all below them.
const BASES: [&str; 4] = [
    "/authentication",
    "/api/current_user",
    "/api/shared_spaces",
    "/admin/server",
];

const fn route(operation: Operation, need: Need, endpoint: Endpoint) -> Route {
    Route {
        operation,
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
            let endpoint = route.endpoint.on(route.operation.method.filter());
            routes = routes.route(&path, endpoint.route_layer(allow));
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
        let path = self.operation.path;
        let mut paths = vec![path.to_owned()];
        if let Some(rest) = path.strip_prefix(SPACE) {
            paths.push(format!("{SPACE}{WORKSPACE}{rest}"));
        }
        let slashed: Vec<_> = paths.iter().map(|path| format!("{path}/")).collect();
        paths.extend(slashed);
        paths
    }
}

impl Endpoint {
    fn on(self, method: MethodFilter) -> MethodRouter<Arc<Admin>> {
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

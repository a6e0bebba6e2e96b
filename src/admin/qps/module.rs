//! The session module: an external proxy keeps its sessions here.
//!
//! Qlik's proxy can leave the sessions of a virtual proxy to a program outside, and calls
//! these routes of it: the session routes of the dialect, at the root and without a prefix.
//! The sessions are ordinary ones of one space, that the configuration names. The caller is
//! who its client certificate says and nobody else, so that an API key in the wrong hands adds
//! no sessions; and since no page can show a certificate without its browser's user having
//! installed it, host and origin are checked as everywhere.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use tower_http::catch_panic::CatchPanicLayer;

use super::call::Call;
use super::error::{self, QpsError};
use super::gate::{check, pass};
use super::path;
use super::routes::MODULE_ROUTES;
use crate::admin::guard::identify_certificate;
use crate::admin::state::Admin;
use crate::domain::SpaceId;

/// The paths that lead here; those with two slashes come from a root that ends in one.
const PATHS: [&str; 8] = [
    "/session",
    "/session/",
    "/session/{*rest}",
    "/user/{*rest}",
    "//session",
    "//session/",
    "//session/{*rest}",
    "//user/{*rest}",
];

#[derive(Clone)]
struct Module {
    admin: Arc<Admin>,
    space: SpaceId,
}

/// The session module of `space`, to be merged into the side port.
pub(in crate::admin) fn router(admin: &Arc<Admin>, space: SpaceId) -> Router<Arc<Admin>> {
    let module = Router::new()
        .fallback(any(serve))
        .layer(CatchPanicLayer::custom(error::of_panic))
        .with_state::<()>(Module {
            admin: Arc::clone(admin),
            space,
        });
    PATHS.iter().fold(Router::new(), |router, path| {
        router.route_service(path, module.clone())
    })
}

async fn serve(State(module): State<Module>, request: Request) -> Result<Response, QpsError> {
    let Module { admin, space } = module;
    let from = check(&admin, &request)?;
    let (parts, body) = request.into_parts();
    let who = identify_certificate(&admin, &parts.extensions)?;
    let segments = path::segments(parts.uri.path())?;
    let (variables, routes) = path::at(&MODULE_ROUTES, &segments).ok_or(QpsError::Route)?;
    let route = path::choose(&routes, &parts.method)?;
    let known = admin.sessions().find_space(&space);
    let call = Call {
        ip: from,
        space: Some(known.ok_or_else(|| QpsError::UnknownProxy(format!("'{space}'")))?),
        prefix: String::new(),
        variables,
        body: Bytes::new(),
        who,
        admin,
    };
    pass(call, route, body).await
}

//! The dialect's router, and what a request must be before an endpoint sees it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use tower_http::catch_panic::CatchPanicLayer;

use super::call::Call;
use super::error::{self, QpsError};
use super::routes::{Endpoint, Need, ROUTES, Route};
use super::{about, path, session, space, ticket, user, xrf};
use crate::admin::guard::{check_source, client_ip, identify};
use crate::admin::keys::Principal;
use crate::admin::openapi::Verb;
use crate::admin::state::Admin;
use crate::domain::SpaceState;
use crate::telemetry::audit;

/// The paths that lead here: `qps` in front, or behind the prefix of a space.
const PATHS: [&str; 9] = [
    "/qps",
    "/qps/",
    "/qps/{*rest}",
    "//qps/{*rest}",
    "/{prefix}/qps",
    "/{prefix}/qps/",
    "/{prefix}/qps/{*rest}",
    "/{prefix}/{next}/qps",
    "/{prefix}/{next}/qps/{*rest}",
];

/// The dialect, to be merged into the side port.
pub(in crate::admin) fn router(admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    let dialect = Router::new()
        .fallback(any(serve))
        .layer(CatchPanicLayer::custom(error::of_panic))
        .with_state::<()>(Arc::clone(admin));
    PATHS.iter().fold(Router::new(), |router, path| {
        router.route_service(path, dialect.clone())
    })
}

async fn serve(State(admin): State<Arc<Admin>>, request: Request) -> Result<Response, QpsError> {
    let from = check(&admin, &request)?;
    let (parts, body) = request.into_parts();
    let who = identify(&admin, &parts.headers, &parts.extensions).await?;
    let named = path::find(&ROUTES, &path::segments(parts.uri.path())?);
    let named = named.ok_or(QpsError::Route)?;
    let route = path::choose(&named.routes, &parts.method)?;
    if let Err(error) = xrf::check(&parts.uri, &parts.headers) {
        audit::admin_refused("xrf", Some(who.id()), from);
        return Err(error);
    }
    let space = match route.need {
        Need::AnyCaller if named.prefix.is_empty() => None,
        _ => Some(space::find(&admin, &who, &named.prefix)?),
    };
    let call = Call {
        ip: from,
        space,
        prefix: named.prefix,
        variables: named.variables,
        body: Bytes::new(),
        who,
        admin,
    };
    pass(call, route, body).await
}

/// The checks that are the same for all dialects; where the request came from.
pub(super) fn check(
    admin: &Admin,
    request: &Request,
) -> Result<Option<std::net::IpAddr>, QpsError> {
    let from = client_ip(request.extensions());
    check_source(admin, request).map_err(|problem| {
        audit::admin_refused(problem.name(), None, from);
        QpsError::from(problem)
    })?;
    Ok(from)
}

/// Lets `call` through to the endpoint of `route`, if the caller may do what that does.
pub(super) async fn pass(mut call: Call, route: &Route, body: Body) -> Result<Response, QpsError> {
    if let Some(space) = &call.space
        && !may(&call.who, route.need, space)
    {
        audit::admin_refused("forbidden", Some(call.who.id()), call.ip);
        return Err(QpsError::Forbidden);
    }
    if route.method() == Verb::Post {
        call.body = read(body).await?;
    }
    match route.endpoint {
        Endpoint::Sessions => session::list(&call).await,
        Endpoint::AddSession => session::add(&call).await,
        Endpoint::Session => session::get(&call).await,
        Endpoint::UseSession => session::note_use(&call).await,
        Endpoint::EndSession => session::end(&call).await,
        Endpoint::User => user::list(&call).await,
        Endpoint::EndUser => user::end(&call).await,
        Endpoint::Ticket => ticket::buy(&call).await,
        Endpoint::Alive => Ok(about::alive()),
        Endpoint::Health => Ok(about::health(&call)),
        Endpoint::LogError => about::log_error(&call),
        Endpoint::Description => Ok(about::description(&call)),
        Endpoint::OpenApi => Ok(about::open_api(&call)),
    }
}

fn may(who: &Principal, need: Need, space: &SpaceState) -> bool {
    match need {
        Need::AnyCaller => true,
        Need::Read => who.may_read(space.id()),
        Need::Act => who.may_end(space.id()),
    }
}

async fn read(body: Body) -> Result<Bytes, QpsError> {
    to_bytes(body, MAX_BODY).await.map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<LengthLimitError>() {
                return QpsError::BodyTooLarge(MAX_BODY);
            }
            cause = error.source();
        }
        QpsError::BodyBroken
    })
}

/// Bytes of a body.
const MAX_BODY: usize = 64 * 1024;

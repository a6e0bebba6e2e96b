//! From what went wrong to a response: the one place where the proxy chooses a status.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::{BodyError, ProxyBody};
use super::connection::Malformed;
use super::record::Record;
use super::router::RouteError;
use super::space::SpaceSettings;
use super::upstream::UpstreamError;
use crate::layer::short_answer;

/// For a request that leads to no space.
pub(super) fn unrouted(headers: &HeaderMap, error: RouteError) -> Response<ProxyBody> {
    let (status, text) = match error {
        RouteError::BadHost => (
            StatusCode::BAD_REQUEST,
            "The Host of this request is no host.",
        ),
        RouteError::BadPath(_) => (
            StatusCode::BAD_REQUEST,
            "The path of this address can be read in more than one way.",
        ),
        RouteError::UnknownHost => (
            StatusCode::MISDIRECTED_REQUEST,
            "Nothing is served under this host name.",
        ),
        RouteError::UnknownPath => (StatusCode::NOT_FOUND, "There is no such page."),
    };
    tracing::debug!(%error, "a request leads to no space");
    short_answer(headers, "Gatepass", status, text).map(ProxyBody::full)
}

/// For a host that the connection's certificate is not for (S07).
pub(super) fn misdirected(headers: &HeaderMap) -> Response<ProxyBody> {
    let text = "This connection was made for another host name. Open a new one.";
    short_answer(headers, "Gatepass", StatusCode::MISDIRECTED_REQUEST, text).map(ProxyBody::full)
}

/// For an HTTP/2 request that cannot be said in HTTP/1.1, or in more than one way.
pub(super) fn malformed(headers: &HeaderMap, error: Malformed) -> Response<ProxyBody> {
    let (status, text) = match error {
        Malformed::TooManyFields { .. } => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "This request has too many header fields.",
        ),
        Malformed::Connect
        | Malformed::NoAuthority
        | Malformed::TwoAuthorities
        | Malformed::ContentLength
        | Malformed::Blanks => (
            StatusCode::BAD_REQUEST,
            "This request cannot be understood.",
        ),
    };
    tracing::debug!(%error, "an HTTP/2 request is refused");
    short_answer(headers, "Gatepass", status, text).map(ProxyBody::full)
}

/// For a target that is no path.
pub(super) fn bad_target(headers: &HeaderMap) -> Response<ProxyBody> {
    let text = "The target of this request cannot be forwarded.";
    short_answer(headers, "Gatepass", StatusCode::BAD_REQUEST, text).map(ProxyBody::full)
}

/// For an upstream that gave no response.
pub(super) fn upstream_failed(
    settings: &SpaceSettings,
    accept: Option<HeaderValue>,
    error: &UpstreamError,
    record: &mut Record,
) -> Response<ProxyBody> {
    let space = settings.gate.space().id();
    let (status, text) = match error {
        UpstreamError::Connect { .. } => (
            StatusCode::BAD_GATEWAY,
            "The application cannot be reached.",
        ),
        UpstreamError::Protocol { .. } => (
            StatusCode::BAD_GATEWAY,
            "The application broke off its answer.",
        ),
        UpstreamError::QueueFull { .. } | UpstreamError::QueueTimeout { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The application is busy. Try again in a moment.",
        ),
        UpstreamError::ConnectTimeout { .. }
        | UpstreamError::HeadTimeout { .. }
        | UpstreamError::RequestStall { .. } => (
            StatusCode::GATEWAY_TIMEOUT,
            "The application does not answer in time.",
        ),
        UpstreamError::RequestBody { source, .. } => match BodyError::behind(source) {
            Some(BodyError::SessionEnded) => (StatusCode::UNAUTHORIZED, "Your session has ended."),
            _ => (
                StatusCode::REQUEST_TIMEOUT,
                "The body of this request did not arrive in time.",
            ),
        },
    };
    match error {
        UpstreamError::RequestBody { .. } => {
            tracing::debug!(%space, error = error as &dyn std::error::Error, "a client's request broke off");
        }
        _ => {
            if matches!(
                error,
                UpstreamError::Connect { .. } | UpstreamError::ConnectTimeout { .. }
            ) {
                settings.metrics.connect_error();
            }
            record.failed();
            tracing::warn!(%space, error = error as &dyn std::error::Error, "an upstream gave no response");
        }
    }
    let mut response = page(settings, accept, status, text);
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    // RFC 9110, section 15.5.2: a 401 names a scheme.
    if status == StatusCode::UNAUTHORIZED
        && let Ok(scheme) = HeaderValue::try_from(format!("Bearer realm=\"{space}\""))
    {
        headers.insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

/// For an upstream that switched protocols in a way the client did not ask for.
pub(super) fn bad_upgrade(
    settings: &SpaceSettings,
    accept: Option<HeaderValue>,
    error: &str,
) -> Response<ProxyBody> {
    tracing::warn!(space = %settings.gate.space().id(), error, "an upgrade failed");
    page(
        settings,
        accept,
        StatusCode::BAD_GATEWAY,
        "The application answered with a protocol that was not asked for.",
    )
}

/// A JSON document of ours.
pub(super) fn json(body: Bytes) -> Response<ProxyBody> {
    let mut response = Response::new(ProxyBody::full(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=60"),
    );
    response
}

fn page(
    settings: &SpaceSettings,
    accept: Option<HeaderValue>,
    status: StatusCode,
    text: &str,
) -> Response<ProxyBody> {
    let mut headers = HeaderMap::new();
    if let Some(accept) = accept {
        headers.insert(ACCEPT, accept);
    }
    short_answer(&headers, settings.gate.title(), status, text).map(ProxyBody::full)
}

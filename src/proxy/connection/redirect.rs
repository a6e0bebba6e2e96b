//! A listener of plain HTTP that sends everybody to https.

use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tokio::net::TcpStream;

use super::http1;
use super::lifetime::Lifetime;
use crate::domain::{RequestPath, host_of_authority};
use crate::proxy::body::ProxyBody;
use crate::proxy::edge::Edge;
use crate::proxy::rescue;
use crate::proxy::router::RouteError;
use crate::proxy::serve::settle_host;

/// Answers every request with its own target at https on `port`.
pub(super) async fn converse(edge: &Edge, stream: TcpStream, port: u16, lifetime: Lifetime) {
    http1::answer(edge, stream, lifetime, |request| {
        redirect(edge, request, port)
    })
    .await;
}

/// Sends `request` to https, when a space answers to its host. Whatever a client may have
/// sent in it is not looked at.
fn redirect<B>(edge: &Edge, request: Request<B>, port: u16) -> Response<ProxyBody> {
    let (mut parts, _) = request.into_parts();
    if settle_host(&mut parts).is_none() {
        return rescue::bad_target(&parts.headers);
    }
    let refused = |error| rescue::unrouted(&parts.headers, error);
    let authority = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = authority.and_then(host_of_authority) else {
        return refused(RouteError::BadHost);
    };
    if !edge.targets.load().answers_to(host) {
        return refused(RouteError::UnknownHost);
    }
    let path = match RequestPath::parse(parts.uri.path()) {
        Ok(path) => path,
        Err(error) => return refused(error.into()),
    };
    match location(host, port, path.as_str(), parts.uri.query()) {
        Some(location) => moved(&parts.method, location),
        None => rescue::bad_target(&parts.headers),
    }
}

fn location(host: &str, port: u16, path: &str, query: Option<&str>) -> Option<HeaderValue> {
    let host = host.to_ascii_lowercase();
    let mut location = format!("https://{host}");
    if port != HTTPS {
        location += &format!(":{port}");
    }
    location += path;
    if let Some(query) = query {
        location += "?";
        location += query;
    }
    HeaderValue::try_from(location).ok()
}

/// 301 is what every client knows, and 308 keeps the method (RFC 9110, section 15.4).
fn moved(method: &Method, location: HeaderValue) -> Response<ProxyBody> {
    let mut response = Response::new(ProxyBody::full("Use https.\n"));
    *response.status_mut() = match *method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// The port that `https://` means by itself.
const HTTPS: u16 = 443;

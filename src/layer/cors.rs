//! Letting pages of other origins read an answer (Fetch, section 3.3): those that the space
//! lists, by their names and with credentials. Others can make a browser send a request, and
//! never read what it says.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;

use super::gate::Gate;
use super::websocket::PageOrigin;

/// What scripts of listed origins may send along: what clients of the Qlik dialect do.
const ALLOWED_HEADERS: &str =
    "authorization, content-type, qlik-csrf-token, qlik-web-integration-id, x-qlik-xrfkey";

impl Gate {
    /// Whether the page that makes the request is of an origin that the space lists.
    pub(super) fn is_listed(&self, parts: &Parts) -> bool {
        match PageOrigin::of(&parts.headers) {
            PageOrigin::Of(origin) => self.0.websocket.lists(&origin),
            PageOrigin::None | PageOrigin::Unreadable => false,
        }
    }

    /// Whether a browser asks for a page of a listed origin what it may send.
    pub(super) fn is_preflight(&self, parts: &Parts) -> bool {
        parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) && self.is_listed(parts)
    }

    /// Lets pages of listed origins read the response, and the header `exposed` of it.
    pub(super) fn share(&self, parts: &Parts, exposed: &HeaderName, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let origin = parts.headers.get(ORIGIN);
        let Some(origin) = origin.filter(|_| self.is_listed(parts)) else {
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone().into());
    }
}

/// Says to a preflight what may be sent.
pub(super) fn allow(methods: &'static str, headers: &mut HeaderMap) {
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

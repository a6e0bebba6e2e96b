//! What a request tells of its client.

use http::header::{ACCEPT, HeaderMap, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, Method};

use crate::authn::AuthnRequest;
use crate::domain::{AccessType, Attributes, Classification, ClassifyRule, ClientInfo, ClientType};

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether a browser loads a page with this request, and so can be sent elsewhere: a GET or
/// HEAD that accepts HTML and was made by navigation, as far as its headers tell (Fetch
/// Metadata). Everything else is a program that reads the status.
pub(super) fn is_page_load(parts: &Parts) -> bool {
    let header = |name: &HeaderName| parts.headers.get(name).map(|value| value.as_bytes());
    matches!(parts.method, Method::GET | Method::HEAD)
        && accepts_html(&parts.headers)
        && header(&X_REQUESTED_WITH).is_none()
        && header(&SEC_FETCH_MODE).is_none_or(|mode| mode == b"navigate")
        && header(&SEC_FETCH_DEST)
            .is_none_or(|dest| matches!(dest, b"document" | b"iframe" | b"frame"))
}

/// Whether the client names HTML among what it takes; `*/*` alone is what programs send.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value.split(',').any(|item| {
                let kind = item.split(';').next().unwrap_or_default().trim();
                kind.eq_ignore_ascii_case("text/html")
                    || kind.eq_ignore_ascii_case("application/xhtml+xml")
            })
        })
}

/// What the session will remember of the client, and the license it uses.
pub(super) fn describe(
    request: AuthnRequest<'_>,
    attributes: &Attributes,
    rules: &[ClassifyRule],
) -> (ClientInfo, Option<std::sync::Arc<str>>) {
    let headers = &request.parts.headers;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let found = Classification::by(rules, attributes, &text);
    let is_browser = is_page_load(request.parts) || headers.contains_key(&SEC_FETCH_MODE);
    let (client_type, access_type) = if is_browser {
        (ClientType::Ui, AccessType::Ui)
    } else {
        (ClientType::Integration, AccessType::Api)
    };
    let client = ClientInfo {
        ip: request.connection.map(|connection| connection.client_ip),
        user_agent: headers.get(USER_AGENT).map(|agent| {
            let agent = String::from_utf8_lossy(agent.as_bytes());
            agent[..agent.floor_char_boundary(ClientInfo::MAX_USER_AGENT)].into()
        }),
        client_type: found.client_type.unwrap_or(client_type),
        access_type: found.access_type.unwrap_or(access_type),
    };
    (client, found.license)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn page(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_page_load(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn s40_only_navigation_is_a_page_load() {
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(page("GET", &[html]));
        assert!(page(
            "HEAD",
            &[
                html,
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document")
            ]
        ));
        assert!(!page("POST", &[html]));
        assert!(!page("GET", &[]));
        assert!(!page("GET", &[("accept", "*/*")]));
        assert!(!page("GET", &[("accept", "application/json")]));
        assert!(!page("GET", &[html, ("sec-fetch-mode", "cors")]));
        assert!(!page(
            "GET",
            &[
                html,
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "image")
            ]
        ));
        assert!(!page(
            "GET",
            &[html, ("x-requested-with", "XMLHttpRequest")]
        ));
    }
}

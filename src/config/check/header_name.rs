//! Names of headers.

use http::HeaderName;

use crate::config::report::Scope;
use crate::proxy::headers::ResponseHeaders;

/// Headers that belong to the connection, to the message's framing or to the gateway: who
/// sets one of them by a template, or takes a user's name from one, opens a hole.
const NOT_TO_BE_TAKEN: [&str; 19] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];

const ALLOWED: &str = "a header of your own, such as `X-User`; none of the connection's, of the \
                       forwarded headers or of the cookies";

pub(super) fn header_name(at: &Scope<'_>, text: &str) -> Option<HeaderName> {
    let name: HeaderName = at.parse(text, ALLOWED)?;
    if NOT_TO_BE_TAKEN.contains(&name.as_str()) {
        at.bad(&format!("`{text}` has a meaning of its own"), ALLOWED);
        return None;
    }
    Some(name)
}

const ON_RESPONSES: &str = "a header that may be the same on all responses, such as \
                            `X-Frame-Options`; none of the connection's, of the cookies, or of \
                            those that tell upstreams who the user is";

/// The name of a header that a space sets on all its responses.
pub(super) fn response_header_name(at: &Scope<'_>, text: &str) -> Option<HeaderName> {
    let name: HeaderName = at.parse(text, ON_RESPONSES)?;
    if let Err(error) = ResponseHeaders::check(&name) {
        at.bad(&error.to_string(), ON_RESPONSES);
        return None;
    }
    Some(name)
}

//! Refusals as gRPC tells them: a response of headers alone, whose status is in `grpc-status`
//! (gRPC over HTTP/2, "Trailers-Only"). A client would take any body for a broken message.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
static GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What `grpc-message` encodes, beside what is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Whether a request with these headers is a gRPC call.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes()
            .strip_prefix(b"application/grpc")
            .is_some_and(|rest| rest.is_empty() || matches!(rest[0], b'+' | b';'))
    })
}

/// The answer to a call that goes no further.
pub(super) fn answer(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(&GRPC_STATUS, HeaderValue::from(code(status)));
    let message = utf8_percent_encode(text, ENCODED).to_string();
    if let Ok(message) = HeaderValue::try_from(message) {
        headers.insert(&GRPC_MESSAGE, message);
    }
    response
}

/// The status code of gRPC for one of HTTP.
fn code(status: StatusCode) -> u16 {
    match status {
        StatusCode::BAD_REQUEST => 3,
        StatusCode::FORBIDDEN => 7,
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::NOT_FOUND => 12,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            14
        }
        StatusCode::UNAUTHORIZED => 16,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_other_requests() {
        let is_call = |kind: &'static str| {
            is_call(&HeaderMap::from_iter([(
                CONTENT_TYPE,
                HeaderValue::from_static(kind),
            )]))
        };
        assert!(is_call("application/grpc") && is_call("application/grpc+proto"));
        assert!(is_call("application/grpc; charset=x"));
        assert!(!is_call("application/grpc-web+proto") && !is_call("application/json"));
        assert!(!super::is_call(&HeaderMap::new()));
    }

    #[test]
    fn an_answer_is_headers_alone() {
        let response = answer(StatusCode::UNAUTHORIZED, "100 % ä");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["grpc-status"], "16");
        assert_eq!(response.headers()["grpc-message"], "100 %25 %C3%A4");
        assert!(response.body().is_empty());
    }
}

//! Authentication that binds a connection to a person (S38).
//!
//! NTLM always, and Negotiate often, authenticates the TCP connection and not the request:
//! whoever sends next on that connection is taken for the person who signed on. Such a
//! connection must never serve another client.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// Whether a request signs its connection on.
pub(super) fn in_request(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(names_a_scheme)
}

/// Whether a response asks for it, so that the next step may be taken on this connection.
pub(super) fn in_response<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
        && response
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .any(names_a_scheme)
}

/// Whether one of the words is such a scheme. A list of challenges has no simple grammar;
/// taking a parameter for a scheme only closes a connection.
fn names_a_scheme(value: &HeaderValue) -> bool {
    value
        .as_bytes()
        .split(|b| matches!(b, b' ' | b',' | b'\t'))
        .any(|word| {
            word.eq_ignore_ascii_case(b"ntlm")
                || word.eq_ignore_ascii_case(b"negotiate")
                || word.eq_ignore_ascii_case(b"kerberos")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s38_sign_on_of_a_connection_is_seen_in_any_spelling() {
        for bound in [
            "NTLM",
            "ntlm TlRM",
            "Negotiate YII=",
            "Basic realm=\"a b\", nEgOtIaTe",
        ] {
            assert!(names_a_scheme(&HeaderValue::from_static(bound)), "{bound}");
        }
        for free in [
            "Basic bnRsbQ==",
            "Bearer ntlm-like",
            "Digest realm=\"x\"",
            "",
        ] {
            assert!(!names_a_scheme(&HeaderValue::from_static(free)), "{free}");
        }
    }
}

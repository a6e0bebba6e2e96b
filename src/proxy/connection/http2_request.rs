//! From an HTTP/2 request to one that the rest of the proxy, and an HTTP/1.1 upstream, read in
//! one way only.
//!
//! The h2 crate has refused what RFC 9113, sections 8.2 and 8.3 call malformed: fields of the
//! connection (`Connection`, `Transfer-Encoding`, `Upgrade`, `Keep-Alive`,
//! `Proxy-Connection`), a `TE` other than `trailers`, upper-case names, control bytes in
//! values, pseudo-headers that are unknown, repeated or among the fields, a content that is
//! not as long as `Content-Length` says. What it lets through is refused here.

use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};

/// Why an HTTP/2 request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum Malformed {
    /// It asks for a tunnel, which the edge does not make.
    #[error("CONNECT")]
    Connect,
    /// More fields than may be.
    #[error("{count} header fields, at most {most} are allowed")]
    TooManyFields {
        /// So many there are.
        count: usize,
        /// So many there may be.
        most: usize,
    },
    /// Neither `:authority` nor `Host` (RFC 9113, section 8.3.1).
    #[error("neither :authority nor Host")]
    NoAuthority,
    /// More than one `Host`, or one that is not `:authority`.
    #[error("Host and :authority differ, or Host stands twice")]
    TwoAuthorities,
    /// `Content-Length` is repeated or no number.
    #[error("Content-Length is repeated or no number")]
    ContentLength,
    /// A value begins or ends with a blank (RFC 9113, section 8.2.1).
    #[error("a field's value begins or ends with a blank")]
    Blanks,
}

/// Checks `request`, and brings its cookies into the one header that HTTP/1.1 has for them.
/// The authority stays in the target.
pub(super) fn settle<B>(request: &mut Request<B>, most: usize) -> Result<(), Malformed> {
    if request.method() == Method::CONNECT {
        return Err(Malformed::Connect);
    }
    let count = request.headers().len();
    if count > most {
        return Err(Malformed::TooManyFields { count, most });
    }
    check_authority(request)?;
    let headers = request.headers_mut();
    if headers.values().any(has_outer_blank) {
        return Err(Malformed::Blanks);
    }
    check_length(headers)?;
    join_cookies(headers);
    Ok(())
}

fn check_authority<B>(request: &Request<B>) -> Result<(), Malformed> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (request.uri().authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => Err(Malformed::TwoAuthorities),
        (None, None, None) => Err(Malformed::NoAuthority),
        (Some(authority), Some(host), None)
            if !host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Err(Malformed::TwoAuthorities)
        }
        _ => Ok(()),
    }
}

/// One of digits, or none: what HTTP/1.1 calls a length. That the content is as long was
/// checked, or is being checked, against this value.
fn check_length(headers: &HeaderMap) -> Result<(), Malformed> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let is_number =
        |value: &HeaderValue| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(()),
        (Some(length), None) if is_number(length) => Ok(()),
        _ => Err(Malformed::ContentLength),
    }
}

fn has_outer_blank(value: &HeaderValue) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_blank(value.as_bytes().first()) || is_blank(value.as_bytes().last())
}

/// Clients may send each cookie in a field of its own; they belong together again before
/// anything reads them (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
        .expect("legal values joined by legal bytes are legal");
    headers.insert(COOKIE, joined);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(uri: &str, fields: &[(&str, &str)]) -> Result<Request<()>, Malformed> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request = request.header(*name, value);
        }
        let mut request = request.body(()).unwrap();
        settle(&mut request, 8).map(|()| request)
    }

    #[test]
    fn crumbs_become_one_cookie_header() {
        let fields = [
            ("cookie", "a=1"),
            ("x", "y"),
            ("cookie", "gatepass=t; b=2"),
            ("cookie", "c=3"),
        ];
        let request = settled("https://a/", &fields).unwrap();
        let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; gatepass=t; b=2; c=3"]);
        assert_eq!(request.headers()["x"], "y");
        assert!(settled("https://a/", &[("cookie", "a=1")]).is_ok());
    }

    #[test]
    fn s34_a_request_has_one_authority() {
        for (uri, hosts, wanted) in [
            ("https://a.example:8443/", &[][..], Ok(())),
            ("/", &["a.example"], Ok(())),
            ("https://a.example/", &["A.Example"], Ok(())),
            (
                "https://a.example/",
                &["b.example"],
                Err(Malformed::TwoAuthorities),
            ),
            (
                "https://a.example/",
                &["a.example:443"],
                Err(Malformed::TwoAuthorities),
            ),
            (
                "https://a.example/",
                &["a.example", "a.example"],
                Err(Malformed::TwoAuthorities),
            ),
            ("/", &["a", "b"], Err(Malformed::TwoAuthorities)),
            ("/", &[], Err(Malformed::NoAuthority)),
        ] {
            let fields: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            let found = settled(uri, &fields).map(drop);
            assert_eq!(found, wanted, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn s34_what_http_1_would_read_otherwise_is_refused() {
        for (fields, wanted) in [
            (&[("content-length", "5")][..], Ok(())),
            (
                &[("content-length", "5"), ("content-length", "5")],
                Err(Malformed::ContentLength),
            ),
            (&[("content-length", "+5")], Err(Malformed::ContentLength)),
            (&[("content-length", "")], Err(Malformed::ContentLength)),
            (&[("x", " y")], Err(Malformed::Blanks)),
            (&[("x", "y\t")], Err(Malformed::Blanks)),
            (&[("x", "")], Ok(())),
            (
                &[("x", "y"); 9],
                Err(Malformed::TooManyFields { count: 9, most: 8 }),
            ),
        ] {
            let found = settled("https://a/", fields).map(drop);
            assert_eq!(found, wanted, "{fields:?}");
        }
        let mut connect = Request::builder()
            .method("CONNECT")
            .uri("a.example:443")
            .body(())
            .unwrap();
        assert_eq!(settle(&mut connect, 8), Err(Malformed::Connect));
    }
}

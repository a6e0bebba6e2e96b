//! What an authenticator sees of a request.

use std::borrow::Cow;

use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::domain::Connection;

/// A request as authenticators see it: everything but the body.
#[derive(Clone, Copy, Debug)]
pub struct AuthnRequest<'a> {
    /// Method, target, headers.
    pub parts: &'a Parts,
    /// The connection it came on; `None` when the server does not tell, and then nobody is a
    /// trusted peer.
    pub connection: Option<Connection>,
}

/// Where a request carries a credential that is not for the upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Consumed {
    /// The `Authorization` header, where its scheme is Bearer.
    BearerToken,
    /// Every value of this header.
    Header(HeaderName),
    /// Every query parameter of this name.
    QueryParameter(Box<str>),
    /// Every query parameter of this name, in any case. The name is in lower case.
    AnyCaseParameter(Box<str>),
}

impl Consumed {
    /// `query` without the parameters that this names; `None` when it names none of them. A
    /// name is recognised in any percent-encoding, as it was when the credential was read.
    #[must_use]
    pub fn strip_query(&self, query: &str) -> Option<String> {
        let is_named = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            match self {
                Self::QueryParameter(known) => percent_decode_str(name).eq(known.bytes()),
                Self::AnyCaseParameter(known) => named_in_any_case(name, known),
                Self::BearerToken | Self::Header(_) => false,
            }
        };
        query.split('&').any(|pair| is_named(&pair)).then(|| {
            let kept: Vec<_> = query.split('&').filter(|pair| !is_named(pair)).collect();
            kept.join("&")
        })
    }
}

/// A header that may be sent once.
pub(super) enum Single<'a> {
    Absent,
    Value(&'a HeaderValue),
    Repeated,
}

/// The only value of `name` in `headers`. A header that is there twice has no value: two
/// programs on the path would read it differently.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Single<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::Value(value),
        (Some(_), Some(_)) => Single::Repeated,
    }
}

/// Whether `name`, as it stands in a query, is `known` (in lower case) in any case and any
/// percent-encoding. Allocates nothing.
pub(super) fn named_in_any_case(name: &str, known: &str) -> bool {
    percent_decode_str(name)
        .map(|byte| byte.to_ascii_lowercase())
        .eq(known.bytes())
}

/// The parameters of a query, names and values with their percent-encoding undone.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                percent_decode_str(name).into(),
                percent_decode_str(value).into(),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumed_parameter_is_stripped_however_it_is_spelled() {
        let consumed = Consumed::QueryParameter("token".into());
        for (query, expected) in [
            ("a=1&token=x&b=2", Some("a=1&b=2")),
            ("token=x", Some("")),
            ("%74oken=x&a=%20", Some("a=%20")),
            ("token&a&token=y", Some("a")),
            ("tokens=x&a=token", None),
            ("", None),
        ] {
            assert_eq!(
                consumed.strip_query(query).as_deref(),
                expected,
                "{query:?}"
            );
        }
        assert_eq!(Consumed::BearerToken.strip_query("token=x"), None);
        let any_case = Consumed::AnyCaseParameter("token".into());
        for (query, expected) in [
            ("a=1&ToKeN=x&b", Some("a=1&b")),
            ("%54%6Fken=x", Some("")),
            ("token", Some("")),
            ("tokens=x&to+ken=y", None),
        ] {
            assert_eq!(
                any_case.strip_query(query).as_deref(),
                expected,
                "{query:?}"
            );
            let exact = consumed.strip_query(query);
            assert_eq!(exact.is_some(), query == "token", "{query:?}");
        }
    }
}

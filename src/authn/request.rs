//! What an authenticator sees of a request.

use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

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

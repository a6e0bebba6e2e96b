//! Where a request carries its token.

use std::borrow::Cow;

use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderName};

use super::token::has_token_shape;
use crate::authn::request::{Single, parameters, single};
use crate::authn::{AuthnRequest, Consumed};

/// The places a token is taken from. `Authorization: Bearer` always is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    pub(super) header: Option<HeaderName>,
    pub(super) query: Option<Box<str>>,
    pub(super) ignore_opaque: bool,
}

/// Why no one token can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceError {
    #[error("the {0} that carries the token is repeated")]
    Repeated(&'static str),
    #[error("the {0} that carries the token is not plain text")]
    NotText(&'static str),
    #[error("the Authorization header has the scheme Bearer and no token")]
    Empty,
    #[error("the request carries tokens in several places")]
    Several,
}

impl Sources {
    /// The request's only token. RFC 6750, section 2: a client sends it in one way, and two
    /// are refused, as somebody else may have read the other one.
    pub(super) fn token<'a>(
        &self,
        request: &AuthnRequest<'a>,
    ) -> Result<Option<Cow<'a, str>>, SourceError> {
        let mut found = self.bearer(request)?.map(Cow::Borrowed);
        if let Some(name) = &self.header {
            let token = text(single(&request.parts.headers, name), "header")?;
            keep(&mut found, token.map(Cow::Borrowed))?;
        }
        if let Some(name) = &self.query {
            let mut of_name = parameters(request.parts.uri.query().unwrap_or(""))
                .filter(|(parameter, _)| parameter.as_ref() == name.as_bytes());
            let first = of_name.next();
            if of_name.next().is_some() {
                return Err(SourceError::Repeated("query parameter"));
            }
            let token = first
                .map(|(_, value)| match value {
                    Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
                    Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
                })
                .map(|text| text.ok_or(SourceError::NotText("query parameter")))
                .transpose()?;
            keep(&mut found, token.filter(|token| !token.is_empty()))?;
        }
        Ok(found)
    }

    /// What to take off before forwarding.
    pub(super) fn consumed(&self) -> Vec<Consumed> {
        std::iter::once(Consumed::BearerToken)
            .chain(self.header.clone().map(Consumed::Header))
            .chain(self.query.clone().map(Consumed::QueryParameter))
            .collect()
    }

    fn bearer<'a>(&self, request: &AuthnRequest<'a>) -> Result<Option<&'a str>, SourceError> {
        const WHAT: &str = "Authorization header";
        let value = match single(&request.parts.headers, &AUTHORIZATION) {
            Single::Absent => return Ok(None),
            Single::Repeated => return Err(SourceError::Repeated(WHAT)),
            Single::Value(value) => value,
        };
        // The scheme is compared as bytes, so that a stray byte in somebody else's
        // credentials is none of our business.
        let bytes = value.as_bytes().trim_ascii();
        let Some((scheme, rest)) = bytes.split_at_checked(SCHEME.len()) else {
            return Ok(None);
        };
        if !scheme.eq_ignore_ascii_case(SCHEME) || rest.first().is_some_and(|b| *b != b' ') {
            return Ok(None);
        }
        let token =
            std::str::from_utf8(rest.trim_ascii_start()).map_err(|_| SourceError::NotText(WHAT))?;
        if token.is_empty() {
            return Err(SourceError::Empty);
        }
        if self.ignore_opaque && !has_token_shape(token) {
            return Ok(None);
        }
        Ok(Some(token))
    }
}

fn text<'a>(header: Single<'a>, what: &'static str) -> Result<Option<&'a str>, SourceError> {
    match header {
        Single::Absent => Ok(None),
        Single::Repeated => Err(SourceError::Repeated(what)),
        Single::Value(value) => as_text(value)
            .map(|text| Some(text).filter(|text| !text.is_empty()))
            .ok_or(SourceError::NotText(what)),
    }
}

fn as_text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
}

fn keep<'a>(
    found: &mut Option<Cow<'a, str>>,
    new: Option<Cow<'a, str>>,
) -> Result<(), SourceError> {
    match (&found, new) {
        (_, None) => Ok(()),
        (Some(_), Some(_)) => Err(SourceError::Several),
        (None, new) => {
            *found = new;
            Ok(())
        }
    }
}

const SCHEME: &[u8] = b"bearer";

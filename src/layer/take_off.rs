//! Taking off a request what is for the gateway and not for the application behind it.

use std::borrow::Cow;

use http::Uri;
use http::header::{AUTHORIZATION, HeaderValue, REFERER};
use http::request::Parts;

use super::gate::Gate;
use crate::authn::Consumed;

impl Gate {
    /// Takes off what authenticators and the gateway's own checks read from the request:
    /// tokens and tickets are for the gateway. Those in the query go from `Referer`, too: it
    /// may be the address of a page that was loaded with one.
    pub fn take_off_credentials(&self, parts: &mut Parts) {
        for consumed in self.consumed() {
            match consumed {
                Consumed::BearerToken => take_off_bearer(parts),
                Consumed::Header(name) => drop(parts.headers.remove(name)),
                Consumed::QueryParameter(_) | Consumed::AnyCaseParameter(_) => {}
            }
        }
        if let Some(query) = parts.uri.query()
            && let Cow::Owned(query) = self.clean_query(query)
        {
            let target = target(parts.uri.path(), &query);
            let mut uri = parts.uri.clone().into_parts();
            uri.path_and_query = target.parse().ok();
            if let Ok(uri) = Uri::from_parts(uri) {
                parts.uri = uri;
            }
        }
        let referer = parts.headers.get(REFERER).and_then(|r| r.to_str().ok());
        if let Some((place, query)) = referer.and_then(|referer| referer.split_once('?'))
            && let Cow::Owned(query) = self.clean_query(query)
        {
            match HeaderValue::try_from(target(place, &query)) {
                Ok(clean) => drop(parts.headers.insert(REFERER, clean)),
                Err(_) => drop(parts.headers.remove(REFERER)),
            }
        }
    }

    /// What [`take_off_credentials`](Self::take_off_credentials) takes off.
    #[must_use]
    pub fn consumed(&self) -> &[Consumed] {
        &self.0.consumed
    }

    /// `query` without what is for the gateway; borrowed when there was nothing.
    pub(super) fn clean_query<'q>(&self, query: &'q str) -> Cow<'q, str> {
        let mut clean = Cow::Borrowed(query);
        for consumed in self.consumed() {
            if let Some(without) = consumed.strip_query(&clean) {
                clean = Cow::Owned(without);
            }
        }
        clean
    }
}

/// `path` with `query` behind it, if there is any.
pub(super) fn target(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

fn take_off_bearer(parts: &mut Parts) {
    let is_bearer = |value: &HeaderValue| {
        let scheme = value.as_bytes().get(..7);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
    };
    if parts.headers.get_all(AUTHORIZATION).iter().any(is_bearer) {
        parts.headers.remove(AUTHORIZATION);
    }
}

//! Headers that a space wants on all its responses.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::name_set::NameSet;
use super::names::IDENTITY;
use super::scrub::Scrub;
use super::{hop_by_hop, names};
use crate::layer::SetCookie;

/// The headers of a space's responses: set, or removed from what the upstream says.
#[derive(Clone, Debug, Default)]
pub struct ResponseHeaders(Box<[(HeaderName, Option<HeaderValue>)]>);

/// Why a header cannot be the same on all responses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("response header `{0}` {1}")]
pub struct ResponseHeaderError(HeaderName, &'static str);

impl ResponseHeaders {
    /// Headers and their values; one with an empty value is removed.
    ///
    /// # Errors
    ///
    /// When a header cannot be the same on all responses; see [`check`](Self::check).
    pub fn new(
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<Self, ResponseHeaderError> {
        let headers = headers.into_iter().map(|(name, value)| {
            Self::check(&name)?;
            Ok((name, Some(value).filter(|value| !value.is_empty())))
        });
        Ok(Self(headers.collect::<Result<_, _>>()?))
    }

    /// Whether `name` may be the same on all responses.
    ///
    /// # Errors
    ///
    /// When it belongs to the connection or to one message, or is a name by which the gateway
    /// tells upstreams of the user.
    pub fn check(name: &HeaderName) -> Result<(), ResponseHeaderError> {
        let refuse = |why| Err(ResponseHeaderError(name.clone(), why));
        if hop_by_hop::NAMES.contains(&name) {
            return refuse("belongs to the connection");
        }
        if *name == SetCookie::NAME {
            return refuse("is for one client");
        }
        if names::OF_ONE_RESPONSE.contains(&name) {
            return refuse("belongs to one response");
        }
        if NameSet::new(IDENTITY.iter().map(|n| n.as_str()), &[]).contains(name.as_str()) {
            return refuse("tells who the user is, and never reaches a client");
        }
        Ok(())
    }

    /// Checks that none of them is a name that `scrub` takes out of responses.
    ///
    /// # Errors
    ///
    /// When one is.
    pub fn check_against(&self, scrub: &Scrub) -> Result<(), ResponseHeaderError> {
        match self.0.iter().find(|(name, _)| scrub.withholds(name)) {
            Some((name, _)) => Err(ResponseHeaderError(
                name.clone(),
                "tells who the user is, and never reaches a client",
            )),
            None => Ok(()),
        }
    }

    /// Sets and removes them in an upstream's response.
    pub(super) fn put_into(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => drop(headers.insert(name, value.clone())),
                None => drop(headers.remove(name)),
            }
        }
    }

    /// Adds those that a response does not have. The gateway's own pages keep what they say
    /// themselves: a policy for the application's pages may not take off theirs.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            if let Some(value) = value {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    }

    #[test]
    fn an_upstreams_header_is_replaced_and_ours_are_kept() {
        let wanted = ResponseHeaders::new([
            pair("x-frame-options", "SAMEORIGIN"),
            pair("server", ""),
            pair("x-extra", "1"),
        ])
        .unwrap();
        let mut headers: HeaderMap = [
            pair("x-frame-options", "DENY"),
            pair("server", "theirs"),
            pair("etag", "e"),
        ]
        .into_iter()
        .collect();
        headers.append("x-frame-options", HeaderValue::from_static("ALLOWALL"));
        let mut ours = headers.clone();
        wanted.put_into(&mut headers);
        let expected: HeaderMap = [
            pair("x-frame-options", "SAMEORIGIN"),
            pair("x-extra", "1"),
            pair("etag", "e"),
        ]
        .into_iter()
        .collect();
        assert_eq!(headers, expected);
        wanted.add_to(&mut ours);
        assert_eq!(ours["x-frame-options"], "DENY");
        assert_eq!(ours["server"], "theirs");
        assert_eq!(ours["x-extra"], "1");
    }

    #[test]
    fn s05_what_belongs_to_a_message_or_tells_of_the_user_is_refused() {
        for name in [
            "connection",
            "transfer-encoding",
            "content-length",
            "content-encoding",
            "location",
            "remote-user",
            "remote_user",
            "x-qlik-user",
            "x-gatepass-assertion",
        ] {
            let name = HeaderName::from_static(name);
            assert!(ResponseHeaders::check(&name).is_err(), "{name}");
        }
        assert!(ResponseHeaders::check(&SetCookie::NAME).is_err());
        for name in [
            "x-frame-options",
            "content-security-policy",
            "server",
            "cache-control",
        ] {
            let name = HeaderName::from_static(name);
            assert!(ResponseHeaders::check(&name).is_ok(), "{name}");
        }
        let account = HeaderName::from_static("x-account");
        let wanted = ResponseHeaders::new([pair("x_account", "1")]).unwrap();
        assert!(wanted.check_against(&Scrub::new([&account], [])).is_err());
        assert!(wanted.check_against(&Scrub::default()).is_ok());
    }
}

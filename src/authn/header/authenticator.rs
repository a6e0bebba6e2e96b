//! The authenticator: from headers to an identity.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HeaderName, USER_AGENT};
use ipnet::IpNet;

use super::builder::HeaderAuthenticatorBuilder;
use super::pattern::UserPattern;
use crate::authn::request::{Single, single};
use crate::authn::{
    Authentication, Authenticator, AuthnFuture, AuthnRequest, Consumed, Credential, Failure,
    FailureReason, Outcome,
};
use crate::domain::{Attributes, Identity, Method, SpaceId, TokenDigest};

/// Authenticates by a header that a trusted proxy sets.
#[derive(Clone, Debug)]
pub struct HeaderAuthenticator {
    pub(super) space: SpaceId,
    pub(super) user: HeaderName,
    pub(super) rule: UserRule,
    pub(super) trusted: Vec<IpNet>,
    pub(super) name: Option<HeaderName>,
    pub(super) email: Option<HeaderName>,
    pub(super) attributes: Vec<(HeaderName, Arc<str>)>,
}

/// How the header's value names a user.
#[derive(Clone, Debug)]
pub(super) enum UserRule {
    /// The value is the id, in this directory.
    Directory(Box<str>),
    /// The value has both.
    Pattern(UserPattern),
}

impl HeaderAuthenticator {
    /// An authenticator for `space` that reads the user from `header`. Say
    /// [`directory`](HeaderAuthenticatorBuilder::directory) or
    /// [`pattern`](HeaderAuthenticatorBuilder::pattern), and whom to
    /// [trust](HeaderAuthenticatorBuilder::trust).
    pub fn builder(space: &SpaceId, header: HeaderName) -> HeaderAuthenticatorBuilder {
        HeaderAuthenticatorBuilder::new(Self {
            space: space.clone(),
            user: header,
            rule: UserRule::Directory("".into()),
            trusted: Vec::new(),
            name: None,
            email: None,
            attributes: Vec::new(),
        })
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        std::iter::once(&self.user)
            .chain(&self.name)
            .chain(&self.email)
            .chain(self.attributes.iter().map(|(header, _)| header))
    }

    /// The address of the client, when the peer may say who the user is.
    fn vouched_client(&self, request: &AuthnRequest<'_>) -> Option<IpAddr> {
        let connection = request.connection?;
        let peer = connection.peer.ip().to_canonical();
        self.trusted
            .iter()
            .any(|network| network.contains(&peer))
            .then_some(connection.client_ip)
    }

    /// The only value of `header`, trimmed; `None` when it is absent or blank.
    fn value<'a>(
        &self,
        request: &AuthnRequest<'a>,
        header: &HeaderName,
    ) -> Result<Option<&'a str>, Failure> {
        let fail = |what: &str| {
            Failure::new(
                Method::Header,
                FailureReason::BadHeader,
                format!("the header `{header}` {what}"),
            )
        };
        match single(&request.parts.headers, header) {
            Single::Absent => Ok(None),
            Single::Repeated => Err(fail("is repeated")),
            Single::Value(value) => std::str::from_utf8(value.as_bytes())
                .map(|text| Some(text.trim()).filter(|text| !text.is_empty()))
                .map_err(|_| fail("is not UTF-8")),
        }
    }

    fn read(&self, request: &AuthnRequest<'_>) -> Result<Option<Identity>, Failure> {
        let Some(value) = self.value(request, &self.user)? else {
            return Ok(None);
        };
        let bad = |what: String| {
            Failure::new(
                Method::Header,
                FailureReason::BadHeader,
                format!("the header `{}` {what}", self.user),
            )
        };
        let (directory, id) = match &self.rule {
            UserRule::Directory(directory) => (&**directory, value),
            UserRule::Pattern(pattern) => pattern
                .split(value)
                .ok_or_else(|| bad("does not match its pattern".to_owned()))?,
        };
        let mut identity = Identity::new(directory, id).map_err(|e| bad(e.to_string()))?;
        if let Some(header) = &self.name {
            let name = self.value(request, header)?.unwrap_or("");
            identity = identity.with_name(name).map_err(|e| bad(e.to_string()))?;
        }
        if let Some(header) = &self.email {
            let email = self.value(request, header)?.unwrap_or("");
            identity = identity.with_email(email).map_err(|e| bad(e.to_string()))?;
        }
        let mut pairs = Vec::new();
        for (header, attribute) in &self.attributes {
            let list = self.value(request, header)?.unwrap_or("");
            let values = list.split(',').map(str::trim).filter(|v| !v.is_empty());
            let values: Vec<Box<str>> = values.map(Into::into).collect();
            if !values.is_empty() {
                pairs.push((Arc::clone(attribute), values));
            }
        }
        let attributes: Attributes = pairs.into_iter().collect();
        Ok(Some(identity.with_attributes(attributes)))
    }
}

impl Authenticator for HeaderAuthenticator {
    fn method(&self) -> Method {
        Method::Header
    }

    /// Over all headers that are read, the client's address and its program: the same user at
    /// another client, or with other groups, is another session.
    fn credential(&self, request: &AuthnRequest<'_>) -> Option<TokenDigest> {
        let client = self.vouched_client(request)?;
        self.value(request, &self.user).ok()??;
        let client = client.to_canonical().to_string();
        let headers = &request.parts.headers;
        let mut parts: smallvec::SmallVec<[&[u8]; 12]> = smallvec::smallvec![
            self.space.as_str().as_bytes(),
            Method::Header.as_str().as_bytes(),
            client.as_bytes(),
            headers.get(USER_AGENT).map_or(&[][..], |v| v.as_bytes()),
        ];
        for header in self.headers() {
            match single(headers, header) {
                Single::Repeated => return None,
                // Absent and empty mean the same, so they may share a digest.
                Single::Absent => parts.push(&[]),
                Single::Value(value) => parts.push(value.as_bytes()),
            }
        }
        Some(TokenDigest::of_parts(&parts))
    }

    fn authenticate<'a>(&'a self, request: AuthnRequest<'a>) -> AuthnFuture<'a> {
        let outcome = if self.vouched_client(&request).is_none() {
            if request.parts.headers.contains_key(&self.user) {
                let peer = request.connection.map(|c| c.peer.ip());
                tracing::debug!(
                    header = %self.user, ?peer,
                    "a peer that is not trusted sent an identity header; it is ignored"
                );
            }
            Outcome::NotRequested
        } else {
            match self.read(&request) {
                Ok(None) => Outcome::NotRequested,
                Ok(Some(identity)) => Outcome::Authenticated(Authentication {
                    identity,
                    method: Method::Header,
                    credential: self.credential(&request).map(|digest| Credential {
                        digest,
                        valid_for: None,
                    }),
                    sign_on: None,
                }),
                Err(failure) => Outcome::Failed(failure),
            }
        };
        Box::pin(std::future::ready(outcome))
    }

    fn consumed(&self) -> Vec<Consumed> {
        self.headers().cloned().map(Consumed::Header).collect()
    }
}

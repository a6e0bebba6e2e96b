//! The authenticator: from a request to an identity.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::builder::{Directory, JwtAuthenticatorBuilder};
use super::claims::{self, Expected};
use super::jwks_url::{JwksUrl, KeyLookupError};
use super::key::{KeySet, VerifyingKey};
use super::source::Sources;
use super::token::{MAX_TOKEN, Unverified, cut, has_token_shape};
use crate::authn::mapping::{self, AttributeMapping, ClaimPath, Claims, MappingError};
use crate::authn::{
    Authentication, Authenticator, AuthnFuture, AuthnRequest, Challenge, Consumed, Credential,
    Failure, FailureReason, Outcome,
};
use crate::domain::{Clock, Identity, Method, SpaceId, TokenDigest};

/// Authenticates by a JWT; the module's page says what is checked.
///
/// The token itself is the credential: until it expires (leeway included), a request with the
/// same text finds the session without a signature being verified again.
///
/// A request without a token is challenged to send one. A bearer token that is no JWT is
/// refused, unless the builder's [`ignore_opaque`](JwtAuthenticatorBuilder::ignore_opaque)
/// says that another method, or the application, takes such tokens.
pub struct JwtAuthenticator {
    pub(super) space: SpaceId,
    pub(super) expected: Expected,
    pub(super) keys: Keys,
    pub(super) sources: Sources,
    pub(super) directory: Directory,
    pub(super) id: ClaimPath,
    pub(super) name: ClaimPath,
    pub(super) email: ClaimPath,
    pub(super) attributes: Vec<AttributeMapping>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Where keys come from.
pub(super) enum Keys {
    Fixed(Arc<KeySet>),
    Url(JwksUrl),
}

impl JwtAuthenticator {
    /// Starts an authenticator. Say at least the issuer, the audience and the keys.
    ///
    /// ```
    /// use gatepass::authn::jwt::JwtAuthenticator;
    ///
    /// let jwt = JwtAuthenticator::builder()
    ///     .issuer("https://login.example.com")
    ///     .audience("sales")
    ///     .jwks_url("http://127.0.0.1:9000/jwks")
    ///     .build()?;
    /// # Ok::<(), gatepass::authn::jwt::JwtConfigError>(())
    /// ```
    pub fn builder() -> JwtAuthenticatorBuilder {
        JwtAuthenticatorBuilder::default()
    }

    async fn check(&self, text: &str) -> Result<Authentication, Failure> {
        let fail =
            |e: super::token::TokenError| claims::fail(FailureReason::BadToken, e.to_string());
        let token = Unverified::parse(text).map_err(fail)?;
        if !self.verifies(&token).await? {
            let detail = format!("by {:?}, with {:?}", shown(&token), token.algorithm);
            return Err(claims::fail(FailureReason::BadSignature, detail));
        }
        let claims = token.claims().map_err(fail)?;
        let valid_for = self.expected.check(&claims, self.clock.wall())?;
        Ok(Authentication {
            identity: self.identity(&claims)?,
            method: Method::Jwt,
            credential: Some(Credential {
                digest: self.digest(text),
                valid_for: Some(valid_for),
            }),
            sign_on: None,
        })
    }

    /// Whether the signature is by the one key that the token can be of.
    async fn verifies(&self, token: &Unverified<'_>) -> Result<bool, Failure> {
        let kid = token.kid.as_deref();
        let verify = |key: &VerifyingKey| key.verifies(token);
        let found = match &self.keys {
            Keys::Fixed(keys) => keys.find(token.algorithm, kid).map(verify),
            Keys::Url(url) => match url.with_key(token.algorithm, kid, verify).await {
                Ok(verified) => Some(verified),
                Err(KeyLookupError::Unknown) => None,
                Err(KeyLookupError::Unavailable) => {
                    let detail = format!("no keys could be had from {}", url.address());
                    return Err(claims::fail(FailureReason::KeysUnavailable, detail));
                }
            },
        };
        found.ok_or_else(|| {
            let detail = format!("kid {:?}, algorithm {:?}", shown(token), token.algorithm);
            claims::fail(FailureReason::UnknownKey, detail)
        })
    }

    fn identity(&self, claims: &Claims) -> Result<Identity, Failure> {
        let directory = match &self.directory {
            Directory::Fixed(directory) => Cow::Borrowed(&**directory),
            Directory::Claim(path) => Cow::Borrowed(mandatory_text(claims, path)?),
        };
        let unfit =
            |e: crate::domain::IdentityError| claims::fail(FailureReason::BadClaim, e.to_string());
        let id = mandatory_text(claims, &self.id)?;
        let mut user = Identity::new(&directory, id).map_err(unfit)?;
        if let Some(name) = optional_text(claims, &self.name)? {
            user = user.with_name(name).map_err(unfit)?;
        }
        if let Some(email) = optional_text(claims, &self.email)?.filter(|_| email_holds(claims)) {
            user = user.with_email(email).map_err(unfit)?;
        }
        let attributes = mapping::attributes(&self.attributes, claims).map_err(|error| {
            let reason = match error {
                MappingError::Missing(_) => FailureReason::MissingClaim,
                MappingError::NotPlain(_) => FailureReason::BadClaim,
            };
            claims::fail(reason, error.to_string())
        })?;
        Ok(user.with_attributes(attributes))
    }

    fn digest(&self, token: &str) -> TokenDigest {
        TokenDigest::of_parts(&[
            self.space.as_str().as_bytes(),
            Method::Jwt.as_str().as_bytes(),
            self.expected.issuer.as_bytes(),
            token.as_bytes(),
        ])
    }
}

impl Authenticator for JwtAuthenticator {
    fn method(&self) -> Method {
        Method::Jwt
    }

    fn credential(&self, request: &AuthnRequest<'_>) -> Option<TokenDigest> {
        let token = self.sources.token(request).ok()??;
        (token.len() <= MAX_TOKEN && has_token_shape(&token)).then(|| self.digest(&token))
    }

    fn authenticate<'a>(&'a self, request: AuthnRequest<'a>) -> AuthnFuture<'a> {
        Box::pin(async move {
            match self.sources.token(&request) {
                Ok(None) => Outcome::Challenge(Challenge::Bearer {
                    realm: self.space.as_str().into(),
                    error: None,
                }),
                Ok(Some(token)) => match self.check(&token).await {
                    Ok(authentication) => Outcome::Authenticated(authentication),
                    Err(failure) => Outcome::Failed(failure),
                },
                Err(error) => {
                    Outcome::Failed(claims::fail(FailureReason::BadHeader, error.to_string()))
                }
            }
        })
    }

    fn consumed(&self) -> Vec<Consumed> {
        self.sources.consumed()
    }
}

impl fmt::Debug for JwtAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuthenticator")
            .field("space", &self.space)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

fn shown(token: &Unverified<'_>) -> Option<String> {
    token.kid.as_deref().map(cut)
}

fn optional_text<'a>(claims: &'a Claims, path: &ClaimPath) -> Result<Option<&'a str>, Failure> {
    match path.find(claims) {
        None => Ok(None),
        Some(value) => match value.as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(claims::bad(path.as_str(), "a text")),
        },
    }
}

fn mandatory_text<'a>(claims: &'a Claims, path: &ClaimPath) -> Result<&'a str, Failure> {
    optional_text(claims, path)?
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| claims::missing(path.as_str()))
}

/// Whether the issuer stands for the e-mail address. `email_verified` may be absent; where it
/// is there, it is the JSON value true or the address does not count (`"true"` does not do, and
/// `"false"` is not an odd way to say yes).
fn email_holds(claims: &Claims) -> bool {
    claims
        .get("email_verified")
        .is_none_or(|flag| flag.as_bool() == Some(true))
}

//! Makes a [`JwtAuthenticator`].

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use jsonwebtoken::Algorithm;

use super::authenticator::{JwtAuthenticator, Keys};
use super::claims::Expected;
use super::jwks_url::{JwksUrl, JwksUrlError, JwksUrlSettings};
use super::key::{KeyError, KeySet, VerifyingKey};
use super::source::Sources;
use crate::authn::{AttributeMapping, ClaimPath, ClaimPathError};
use crate::domain::{Clock, Identity, IdentityError, SpaceId, SystemClock};

/// Where a token's user directory comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// It is the same for all.
    Fixed(Box<str>),
    /// It is in this claim.
    Claim(ClaimPath),
}

/// Makes a [`JwtAuthenticator`]. Issuer, audience and keys have no default; the rest has.
#[derive(Debug, Default)]
#[must_use]
pub struct JwtAuthenticatorBuilder {
    space: Option<SpaceId>,
    issuer: Option<String>,
    audiences: Vec<Box<str>>,
    leeway: Option<Duration>,
    algorithms: Vec<Algorithm>,
    keys: Vec<VerifyingKey>,
    jwks: Vec<KeySet>,
    jwks_url: Option<String>,
    url_settings: JwksUrlSettings,
    header: Option<HeaderName>,
    query: Option<String>,
    ignore_opaque: bool,
    directory: Option<Directory>,
    claims: [Option<ClaimPath>; 3],
    attributes: Vec<AttributeMapping>,
    clock: Option<Arc<dyn Clock>>,
}

/// Why a [`JwtAuthenticator`] cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwtConfigError {
    /// The issuer is not said.
    #[error("the issuer of the tokens is not said")]
    NoIssuer,
    /// The audience is not said.
    #[error("the audience of the tokens is not said: tokens for anybody would be taken")]
    NoAudience,
    /// There are no keys.
    #[error("no key, key set or address of keys is given")]
    NoKeys,
    /// Keys are given and fetched.
    #[error("keys are given, and an address to fetch them from as well")]
    KeysAndUrl,
    /// A key, or a set of them, cannot be used.
    #[error("the keys cannot be used")]
    Keys(#[from] KeyError),
    /// The address of the keys cannot be used.
    #[error("the address of the keys cannot be used")]
    Url(#[from] JwksUrlError),
    /// The leeway is too long.
    #[error("a leeway of {0:?} is more than 5 minutes")]
    Leeway(Duration),
    /// The header has a meaning of its own.
    #[error("the header `{0}` cannot carry a token of its own")]
    Header(HeaderName),
    /// The query parameter has no name.
    #[error("the query parameter for tokens has no name")]
    QueryParameter,
    /// The fixed directory cannot be one.
    #[error("the user directory cannot be used")]
    Directory(#[from] IdentityError),
    /// A claim's name cannot be one.
    #[error(transparent)]
    Claim(#[from] ClaimPathError),
}

impl JwtAuthenticatorBuilder {
    /// The directory of users when neither [`directory`](Self::directory) nor
    /// [`directory_claim`](Self::directory_claim) says another.
    pub const DEFAULT_DIRECTORY: &'static str = "JWT";
    /// How far clocks may differ, when [`leeway`](Self::leeway) says nothing else.
    pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
    /// The longest leeway (RFC 7519 allows "a few minutes").
    pub const MAX_LEEWAY: Duration = Duration::from_secs(300);

    /// The space it is for. Default: `default`.
    pub fn space(mut self, space: &SpaceId) -> Self {
        self.space = Some(space.clone());
        self
    }

    /// What `iss` has to be, to the letter.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// What `aud` has to be or contain. Said more than once: any of these.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// How far the issuer's clock may differ from ours. At most [`Self::MAX_LEEWAY`].
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = Some(leeway);
        self
    }

    /// The only algorithms that are taken. Default: those that each key is fit for.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms.extend(algorithms);
        self
    }

    /// Tokens may be signed by this key.
    pub fn key(mut self, key: VerifyingKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Tokens may be signed by a key of this set.
    pub fn jwks(mut self, keys: KeySet) -> Self {
        self.jwks.push(keys);
        self
    }

    /// Keys are fetched from this address: https, or http on this machine.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// How keys are fetched and kept.
    pub fn jwks_url_settings(mut self, settings: JwksUrlSettings) -> Self {
        self.url_settings = settings;
        self
    }

    /// Tokens are taken from this header too, as they are, without a scheme.
    pub fn header(mut self, header: HeaderName) -> Self {
        self.header = Some(header);
        self
    }

    /// Tokens are taken from this query parameter too. An address is copied, logged and kept
    /// in histories: prefer a header where the client can send one.
    pub fn query_parameter(mut self, name: impl Into<String>) -> Self {
        self.query = Some(name.into());
        self
    }

    /// Whether a bearer token that cannot be a JWT (it has not exactly two dots) counts as
    /// none instead of being refused. It is taken off before forwarding all the same.
    pub fn ignore_opaque(mut self, ignore: bool) -> Self {
        self.ignore_opaque = ignore;
        self
    }

    /// All users are of this directory.
    pub fn directory(mut self, directory: impl Into<Box<str>>) -> Self {
        self.directory = Some(Directory::Fixed(directory.into()));
        self
    }

    /// The user directory is in this claim, which tokens then need to have.
    pub fn directory_claim(mut self, claim: ClaimPath) -> Self {
        self.directory = Some(Directory::Claim(claim));
        self
    }

    /// The user id is in this claim. Default: `sub`.
    pub fn id_claim(mut self, claim: ClaimPath) -> Self {
        self.claims[0] = Some(claim);
        self
    }

    /// The user's name is in this claim. Default: `name`.
    pub fn name_claim(mut self, claim: ClaimPath) -> Self {
        self.claims[1] = Some(claim);
        self
    }

    /// The user's e-mail address is in this claim. Default: `email`. It is left out when the
    /// token has `email_verified` as anything but true.
    pub fn email_claim(mut self, claim: ClaimPath) -> Self {
        self.claims[2] = Some(claim);
        self
    }

    /// This claim becomes an attribute.
    pub fn attribute(mut self, mapping: AttributeMapping) -> Self {
        self.attributes.push(mapping);
        self
    }

    /// The clock that tells whether a token is expired.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The authenticator. Keys at an address are fetched when the first token comes.
    ///
    /// # Errors
    ///
    /// When something is missing or cannot be used; nothing is guessed.
    pub fn build(self) -> Result<JwtAuthenticator, JwtConfigError> {
        let issuer = self.issuer.filter(|issuer| !issuer.is_empty());
        let issuer = issuer.ok_or(JwtConfigError::NoIssuer)?;
        if self.audiences.is_empty() || self.audiences.iter().any(|a| a.is_empty()) {
            return Err(JwtConfigError::NoAudience);
        }
        let leeway = self.leeway.unwrap_or(Self::DEFAULT_LEEWAY);
        if leeway > Self::MAX_LEEWAY {
            return Err(JwtConfigError::Leeway(leeway));
        }
        if let Some(header) = &self.header
            && (header == AUTHORIZATION || header == COOKIE)
        {
            return Err(JwtConfigError::Header(header.clone()));
        }
        if self.query.as_ref().is_some_and(String::is_empty) {
            return Err(JwtConfigError::QueryParameter);
        }
        let directory = self
            .directory
            .unwrap_or_else(|| Directory::Fixed(Self::DEFAULT_DIRECTORY.into()));
        if let Directory::Fixed(directory) = &directory {
            Identity::new(directory, "x")?;
        }
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));

        let all: Vec<VerifyingKey> = self
            .jwks
            .into_iter()
            .flat_map(|set| set.keys().to_vec())
            .chain(self.keys)
            .collect();
        let keys = match (all.is_empty(), self.jwks_url) {
            (true, None) => return Err(JwtConfigError::NoKeys),
            (false, Some(_)) => return Err(JwtConfigError::KeysAndUrl),
            (false, None) if self.algorithms.is_empty() => Keys::Fixed(Arc::new(KeySet::new(all)?)),
            (false, None) => Keys::Fixed(Arc::new(KeySet::new(all)?.only(&self.algorithms)?)),
            (true, Some(url)) => Keys::Url(JwksUrl::new(
                &url,
                self.url_settings,
                self.algorithms,
                Arc::clone(&clock),
            )?),
        };
        let [id, name, email] = self.claims;
        let or =
            |claim: Option<ClaimPath>, default| claim.map_or_else(|| ClaimPath::new(default), Ok);
        Ok(JwtAuthenticator {
            space: self
                .space
                .unwrap_or_else(|| SpaceId::new("default").expect("these characters are taken")),
            expected: Expected {
                issuer: issuer.into(),
                audiences: self.audiences,
                leeway,
            },
            keys,
            sources: Sources {
                header: self.header,
                query: self.query.map(Into::into),
                ignore_opaque: self.ignore_opaque,
            },
            directory,
            id: or(id, "sub")?,
            name: or(name, "name")?,
            email: or(email, "email")?,
            attributes: self.attributes,
            clock,
        })
    }
}

//! Makes a [`HeaderAuthenticator`].

use std::sync::Arc;

use http::header::HeaderName;
use ipnet::IpNet;

use super::authenticator::{HeaderAuthenticator, UserRule};
use super::pattern::{PatternError, UserPattern};
use crate::domain::{Identity, IdentityError};

/// Makes a [`HeaderAuthenticator`].
#[derive(Debug)]
#[must_use]
pub struct HeaderAuthenticatorBuilder {
    made: HeaderAuthenticator,
    directory: Option<String>,
    pattern: Option<String>,
}

/// Why a [`HeaderAuthenticator`] cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderConfigError {
    /// Nobody may send the header.
    #[error("no trusted peer is named for the header `{0}`: it would never be believed")]
    NobodyTrusted(HeaderName),
    /// Everybody may send the header.
    #[error("`{network}` trusts every peer to send the header `{header}`")]
    EverybodyTrusted {
        /// The header.
        header: HeaderName,
        /// The network, with a prefix of length 0.
        network: IpNet,
    },
    /// Directory and pattern are both given, or neither.
    #[error("the header `{0}` needs either a directory or a pattern")]
    DirectoryOrPattern(HeaderName),
    /// The directory cannot be one.
    #[error("the directory of header `{header}` cannot be used")]
    Directory {
        /// The header.
        header: HeaderName,
        /// Why.
        source: IdentityError,
    },
    /// The pattern cannot be one.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// One header has two uses.
    #[error("the header `{0}` is used for two things")]
    Reused(HeaderName),
}

impl HeaderAuthenticatorBuilder {
    pub(super) fn new(made: HeaderAuthenticator) -> Self {
        Self {
            made,
            directory: None,
            pattern: None,
        }
    }

    /// The header's value is the user id, in this directory.
    pub fn directory(mut self, directory: impl Into<String>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The header's value has directory and id; see [`UserPattern`].
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    /// Peers of `network` may send the header.
    pub fn trust(mut self, network: IpNet) -> Self {
        self.made.trusted.push(network);
        self
    }

    /// The user's name is in this header.
    pub fn name_header(mut self, header: HeaderName) -> Self {
        self.made.name = Some(header);
        self
    }

    /// The user's e-mail address is in this header.
    pub fn email_header(mut self, header: HeaderName) -> Self {
        self.made.email = Some(header);
        self
    }

    /// `header` has a list, separated by commas, that becomes the values of `attribute`.
    pub fn attribute_header(mut self, header: HeaderName, attribute: impl Into<Arc<str>>) -> Self {
        self.made.attributes.push((header, attribute.into()));
        self
    }

    /// The authenticator.
    ///
    /// # Errors
    ///
    /// When nobody or everybody is trusted, when not exactly one of directory and pattern is
    /// given or it cannot be one, or when one header has two uses.
    pub fn build(self) -> Result<HeaderAuthenticator, HeaderConfigError> {
        let mut made = self.made;
        let header = made.user.clone();
        if made.trusted.is_empty() {
            return Err(HeaderConfigError::NobodyTrusted(header));
        }
        if let Some(network) = made.trusted.iter().find(|n| n.prefix_len() == 0) {
            return Err(HeaderConfigError::EverybodyTrusted {
                header,
                network: *network,
            });
        }
        made.rule = match (self.directory, self.pattern) {
            (Some(directory), None) => {
                Identity::new(&directory, "x").map_err(|source| HeaderConfigError::Directory {
                    header: header.clone(),
                    source,
                })?;
                UserRule::Directory(directory.into())
            }
            (None, Some(pattern)) => UserRule::Pattern(UserPattern::parse(&pattern)?),
            _ => return Err(HeaderConfigError::DirectoryOrPattern(header)),
        };
        let all: Vec<_> = made.headers().collect();
        if let Some((_, twice)) = all.iter().enumerate().find(|(i, h)| all[..*i].contains(h)) {
            return Err(HeaderConfigError::Reused((*twice).clone()));
        }
        Ok(made)
    }
}

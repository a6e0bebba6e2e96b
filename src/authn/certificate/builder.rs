//! Makes a [`CertificateAuthenticator`].

use std::sync::Arc;

use super::authenticator::CertificateAuthenticator;
use super::user::{CertificateUser, Certificates};
use crate::domain::{CertificateRule, Clock, SpaceId, SystemClock, TokenDigest};

/// Makes a [`CertificateAuthenticator`]. The users have no default; the rest has.
#[derive(Debug, Default)]
#[must_use]
pub struct CertificateAuthenticatorBuilder {
    space: Option<SpaceId>,
    users: Vec<CertificateUser>,
    clock: Option<Arc<dyn Clock>>,
}

/// Why a [`CertificateAuthenticator`] cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateConfigError {
    /// No certificate would be anybody.
    #[error("it is not said which certificates are which users")]
    NoUsers,
    /// A rule that names nothing means no certificate.
    #[error("number {0} of the certificates names nothing by which to tell one")]
    Nameless(usize),
    /// Nothing after one that means every certificate is ever reached.
    #[error("number {0} of the certificates means every one, so those after it are never reached")]
    Unreachable(usize),
}

impl CertificateAuthenticatorBuilder {
    /// The space it is for. Default: `default`.
    pub fn space(mut self, space: &SpaceId) -> Self {
        self.space = Some(space.clone());
        self
    }

    /// Some certificates, and who they are. Asked in the order in which they are said.
    pub fn user(mut self, user: CertificateUser) -> Self {
        self.users.push(user);
        self
    }

    /// The clock by which certificates expire. Default: the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The authenticator.
    ///
    /// # Errors
    ///
    /// [`CertificateConfigError`] when some of what was said would have no effect.
    pub fn build(self) -> Result<CertificateAuthenticator, CertificateConfigError> {
        let numbered = || self.users.iter().zip(1..);
        if self.users.is_empty() {
            return Err(CertificateConfigError::NoUsers);
        }
        let nameless = Certificates::Matching(CertificateRule::default());
        if let Some((_, at)) = numbered().find(|(user, _)| *user.certificates() == nameless) {
            return Err(CertificateConfigError::Nameless(at));
        }
        let any = numbered().find(|(user, _)| *user.certificates() == Certificates::Any);
        if let Some((_, at)) = any
            && at < self.users.len()
        {
            return Err(CertificateConfigError::Unreachable(at));
        }
        Ok(CertificateAuthenticator {
            space: self
                .space
                .unwrap_or_else(|| SpaceId::new("default").expect("these characters are taken")),
            said: TokenDigest::of(format!("{:?}", self.users).as_bytes()),
            users: self.users.into(),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
        })
    }
}

//! The authenticator: from a verified certificate to an identity.

use std::sync::Arc;

use super::builder::CertificateAuthenticatorBuilder;
use super::user::{CertificateUser, refuse};
use crate::authn::{
    Authentication, Authenticator, AuthnFuture, AuthnRequest, Consumed, Credential, Failure,
    FailureReason, Outcome,
};
use crate::domain::{ClientCertificate, Clock, Method, SpaceId, TokenDigest};

/// Authenticates by the client certificate of the request's connection; the module's page says
/// how.
#[derive(Clone, Debug)]
pub struct CertificateAuthenticator {
    pub(super) space: SpaceId,
    pub(super) users: Arc<[CertificateUser]>,
    /// Over `users`: when they change, a certificate has to be looked at again.
    pub(super) said: TokenDigest,
    pub(super) clock: Arc<dyn Clock>,
}

impl CertificateAuthenticator {
    /// Starts an authenticator. Say at least one [user](CertificateAuthenticatorBuilder::user).
    pub fn builder() -> CertificateAuthenticatorBuilder {
        CertificateAuthenticatorBuilder::default()
    }

    /// The request's certificate, and what is said of it.
    fn find<'r>(
        &self,
        request: &AuthnRequest<'r>,
    ) -> Option<(&'r ClientCertificate, &CertificateUser)> {
        let certificate: &Arc<ClientCertificate> = request.parts.extensions.get()?;
        let mut users = self.users.iter();
        let user = users.find(|user| user.certificates().include(certificate))?;
        Some((certificate, user))
    }

    fn check(
        &self,
        certificate: &ClientCertificate,
        user: &CertificateUser,
    ) -> Result<Authentication, Failure> {
        // A connection may outlast the certificate that it began with.
        let now = self.clock.wall();
        if certificate.not_after <= now {
            let what = format!("its time was over at {}", certificate.not_after);
            return Err(refuse(certificate, FailureReason::Expired, &what));
        }
        Ok(Authentication {
            identity: user.identity(certificate)?,
            method: Method::Certificate,
            credential: Some(Credential {
                digest: self.digest(certificate),
                valid_for: Some(certificate.not_after.since(now)),
            }),
            sign_on: None,
        })
    }

    fn digest(&self, certificate: &ClientCertificate) -> TokenDigest {
        TokenDigest::of_parts(&[
            self.space.as_str().as_bytes(),
            Method::Certificate.as_str().as_bytes(),
            &certificate.fingerprint,
            self.said.as_bytes(),
        ])
    }
}

impl Authenticator for CertificateAuthenticator {
    fn method(&self) -> Method {
        Method::Certificate
    }

    fn credential(&self, request: &AuthnRequest<'_>) -> Option<TokenDigest> {
        let (certificate, _) = self.find(request)?;
        Some(self.digest(certificate))
    }

    fn authenticate<'a>(&'a self, request: AuthnRequest<'a>) -> AuthnFuture<'a> {
        let outcome = match self.find(&request) {
            None => {
                if let Some(certificate) = request.parts.extensions.get::<Arc<ClientCertificate>>()
                {
                    tracing::debug!(
                        space = %self.space,
                        certificate.subject = ?certificate.to_string(),
                        certificate.fingerprint = certificate.fingerprint_hex(),
                        "a client's certificate is nobody's here; other methods are asked"
                    );
                }
                Outcome::NotRequested
            }
            Some((certificate, user)) => match self.check(certificate, user) {
                Ok(authentication) => Outcome::Authenticated(authentication),
                Err(failure) => Outcome::Failed(failure),
            },
        };
        Box::pin(std::future::ready(outcome))
    }

    /// Nothing: the certificate stays with the connection.
    fn consumed(&self) -> Vec<Consumed> {
        Vec::new()
    }
}

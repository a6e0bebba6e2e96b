//! The authenticator, which sends people to the login page.

use std::sync::Arc;

use super::LocalUsers;
use crate::authn::{Authenticator, AuthnFuture, AuthnRequest, Challenge, Consumed, Outcome};
use crate::domain::{Method, TokenDigest};

/// Sends whoever is nobody yet to the login page. The page opens the session itself, with what
/// [`LocalUsers::verify`] says, so that a password is in no request but the login's.
#[derive(Clone, Debug)]
pub struct LocalAuthenticator(Arc<LocalUsers>);

impl LocalAuthenticator {
    /// For these users.
    #[must_use]
    pub const fn new(users: Arc<LocalUsers>) -> Self {
        Self(users)
    }
}

impl Authenticator for LocalAuthenticator {
    fn method(&self) -> Method {
        Method::Local
    }

    fn credential(&self, _: &AuthnRequest<'_>) -> Option<TokenDigest> {
        None
    }

    fn authenticate<'a>(&'a self, _: AuthnRequest<'a>) -> AuthnFuture<'a> {
        Box::pin(std::future::ready(Outcome::Challenge(Challenge::LoginPage)))
    }

    fn consumed(&self) -> Vec<Consumed> {
        Vec::new()
    }

    fn login(&self) -> Option<Arc<LocalUsers>> {
        Some(Arc::clone(&self.0))
    }
}

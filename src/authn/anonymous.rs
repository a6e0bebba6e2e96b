//! Nobody in particular.

use uuid::Uuid;

use super::{Authentication, Authenticator, AuthnFuture, AuthnRequest, Consumed, Outcome};
use crate::domain::{Identity, Method, TokenDigest, random};

/// Who becomes anonymous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnonymousMode {
    /// Whoever sends no credential. A request without one never meets the login page on its
    /// own: it gets an anonymous session, and the user logs in by visiting the login page. A
    /// credential that does not hold is refused all the same.
    Allow,
    /// Everybody: no other method is asked, whatever a request carries.
    Always,
}

/// Gives every session an identity of its own, `NONE\anonymous` followed by a random UUID, so
/// that two anonymous visitors are never the same user.
///
/// Add it with [`Chain::with_anonymous`](super::Chain::with_anonymous), which puts it where
/// its mode needs it to be.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous(AnonymousMode);

impl Anonymous {
    /// The user directory of anonymous users.
    pub const DIRECTORY: &'static str = "NONE";

    /// With this mode.
    #[must_use]
    pub const fn new(mode: AnonymousMode) -> Self {
        Self(mode)
    }

    /// For whoever sends no credential.
    #[must_use]
    pub const fn allow() -> Self {
        Self(AnonymousMode::Allow)
    }

    /// For everybody.
    #[must_use]
    pub const fn always() -> Self {
        Self(AnonymousMode::Always)
    }

    /// Its mode.
    #[must_use]
    pub const fn mode(&self) -> AnonymousMode {
        self.0
    }
}

impl Authenticator for Anonymous {
    fn method(&self) -> Method {
        Method::Anonymous
    }

    fn credential(&self, _: &AuthnRequest<'_>) -> Option<TokenDigest> {
        None
    }

    fn authenticate<'a>(&'a self, _: AuthnRequest<'a>) -> AuthnFuture<'a> {
        Box::pin(std::future::ready(Outcome::Authenticated(Authentication {
            identity: somebody(),
            method: Method::Anonymous,
            credential: None,
            sign_on: None,
        })))
    }

    fn consumed(&self) -> Vec<Consumed> {
        Vec::new()
    }
}

fn somebody() -> Identity {
    let guid = uuid::Builder::from_random_bytes(random::bytes()).into_uuid();
    let id = format!("anonymous{}", Uuid::as_hyphenated(&guid));
    Identity::new(Anonymous::DIRECTORY, &id)
        .and_then(|user| user.with_name("Anonymous"))
        .expect("the parts are short and plain")
}

//! Who is the caller? One file or folder per method; credentials go in, an [`Outcome`] comes
//! out, never a response.
//!
//! A space has a [`Chain`] of [`Authenticator`]s, asked in the order of its configuration and
//! only when a request carries no live session. The rules:
//!
//! - The first authenticator that says who the caller is decides.
//! - A bad credential decides too: a forged token never falls through to another method, least
//!   of all to anonymous.
//! - A challenge ("log in first") is remembered, and later methods are still asked.
//! - An outage is no bad credential: [`FailureReason::is_outage`] tells them apart, so that a
//!   key server that is down logs nobody out.
//!
//! Some credentials come with every request (a token, a header of a trusted proxy). Their
//! digest is cheap, so a session that such a credential has opened is found again without
//! verifying anything; see [`Authenticator::credential`].

use std::future::Future;
use std::pin::Pin;

use crate::domain::{Method, TokenDigest};

mod anonymous;
pub mod certificate;
mod chain;
pub mod header;
pub mod jwt;
#[cfg(feature = "local")]
pub mod local;
mod mapping;
mod outcome;
mod request;
#[cfg(test)]
mod tests;
pub mod ticket;

pub use anonymous::{Anonymous, AnonymousMode};
pub use chain::Chain;
pub use mapping::{AttributeMapping, ClaimPath, ClaimPathError};
pub use outcome::{
    Authentication, BearerError, Challenge, Credential, Failure, FailureReason, Outcome,
};
pub use request::{AuthnRequest, Consumed};

/// What [`Authenticator::authenticate`] returns: boxed, as it runs once per session and not
/// once per request.
pub type AuthnFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One way to find out who a caller is, built for one space.
///
/// An implementer owes:
///
/// - [`Outcome::NotRequested`] only when the request carries no credential of this method. One
///   that is there and does not hold is [`Outcome::Failed`].
/// - A [`credential`](Self::credential) that depends on everything the verdict depends on
///   within the request, and on the space, so that no session opens to another request.
/// - Every header and parameter that carries a credential named in
///   [`consumed`](Self::consumed), so that none reaches an upstream.
pub trait Authenticator: Send + Sync + 'static {
    /// The method that sessions opened by this authenticator are marked with.
    fn method(&self) -> Method;

    /// The digest of the credential that `request` carries for this method, so that a live
    /// session can be found without verifying again. Cheap: it runs on requests that have a
    /// session. `None` when the request carries none, and always for methods without a
    /// credential that can be used again.
    fn credential(&self, request: &AuthnRequest<'_>) -> Option<TokenDigest>;

    /// Who the caller is.
    fn authenticate<'a>(&'a self, request: AuthnRequest<'a>) -> AuthnFuture<'a>;

    /// What has to be taken off a request before it is forwarded, whether or not this
    /// authenticator was asked.
    fn consumed(&self) -> Vec<Consumed>;

    /// The users that may log in with a password, for the login page; `None` for every method
    /// but `local`.
    #[cfg(feature = "local")]
    fn login(&self) -> Option<std::sync::Arc<local::LocalUsers>> {
        None
    }

    /// Where people log in elsewhere; `None` for every method but `ticket`.
    fn login_module(&self) -> Option<std::sync::Arc<ticket::LoginModule>> {
        None
    }
}

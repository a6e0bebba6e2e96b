//! Bodies on their way through the proxy, in both directions.
//!
//! A response's body gives its upstream connection back when it has been read to its end,
//! fails when nothing comes for too long and, when it is tied to a session, when the session
//! ends (S17). A request's body is watched for stalling clients, and ends with its session,
//! too. The trailers of both pass only through filters (S01, S05).

mod bond;
mod request;
mod response;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::time::Duration;

pub use request::{RequestBody, TrailerFilter};
pub use response::{ProxyBody, outlasts_its_request};

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The upstream's response did.
    #[error("the upstream's response broke off")]
    Upstream(#[source] hyper::Error),
    /// The client's request did.
    #[error("the client's request broke off")]
    Client(#[source] hyper::Error),
    /// Nothing came for so long.
    #[error("nothing came for {0:?}")]
    Idle(Duration),
    /// The session it belonged to has ended.
    #[error("the session has ended")]
    SessionEnded,
}

impl BodyError {
    /// The body's error among the causes of `error`; hyper wraps it.
    #[must_use]
    pub fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |error| (*error).source())
            .find_map(|error| error.downcast_ref())
    }
}

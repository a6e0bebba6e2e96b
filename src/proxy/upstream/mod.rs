//! Connections to upstreams: a pool for each worker, over [`hyper::client::conn::http1`].
//!
//! A worker has one [`Pool`]. For each space it makes an [`Upstream`] of it: a set of
//! addresses, of which [`Upstream::send`] picks the one with the fewest requests in flight.
//!
//! - A request that finds an idle connection takes no timer, no boxed future and no
//!   allocation beyond hyper's.
//! - The [`Lease`] that comes with a response gives the connection back when the response's
//!   body has been read to its end and hyper says that the connection is ready again. Dropped
//!   earlier, it closes the connection.
//! - A request is sent again only where nothing of it was written (hyper hands it back).
//! - A connection that is bound to a person by NTLM or Negotiate serves one exchange (S38).
//! - An address that cannot be connected to is left alone for a while; others serve.
//!
//! Nothing here is shared between workers: the locks are never contended.

mod address;
mod bound_auth;
mod connect;
mod endpoint;
mod error;
mod health;
mod lease;
mod pool;
mod progress;
mod send;

#[cfg(test)]
mod tests;

pub use address::{AddressError, UpstreamAddress, UpstreamAddresses};
pub use error::UpstreamError;
pub use lease::Lease;
pub use pool::{Pool, PoolStats};
pub use progress::{Progress, UpstreamBody};
pub use send::{Upstream, UpstreamSettings};

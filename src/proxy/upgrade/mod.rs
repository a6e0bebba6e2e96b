//! HTTP/1.1 upgrades: WebSocket and any other protocol a client and an upstream agree on
//! (RFC 9110, section 7.8).
//!
//! The one place that touches hyper's upgrades. In the order of a request:
//! 1. [`UpgradeRequest::take`] sees that the client asks for one, and
//!    [`UpgradeRequest::apply`] asks the upstream for the same.
//! 2. Nothing of the new protocol moves until the upstream's 101, which
//!    [`UpgradeRequest::accept`] checks. With any other status the request is dropped and
//!    the response is an ordinary one (S35).
//! 3. [`Accepted::start`] gives the client its 101 and spawns the *tunnel*. The upstream
//!    connection never returns to a pool.
//! 4. At the end of the session (S17) and at shutdown the tunnel is closed: a WebSocket with
//!    close frames, between two frames of its own, and where the space wants it with a notice
//!    of the session's end before, between two messages; any other protocol at once.
//!
//! Everything else is relayed as it is, pings and pongs too: the gateway sends none of its own
//! and answers none.

mod activity;
mod frames;
mod handshake;
mod notice;
mod relay;
mod tunnel;

#[cfg(test)]
mod tests;

pub use activity::Activity;
pub use handshake::{Accepted, UpgradeError, UpgradeRequest};
pub use tunnel::{TunnelEnd, TunnelOptions, TunnelReport};

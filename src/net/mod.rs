//! Sockets and what can be known before a request is one: listening, the strict reading of
//! HTTP/1, who the client is behind trusted proxies, waiting times, draining.
//!
//! A connection is put together like this (TLS, when there is any, stands between the
//! socket and the guard):
//!
//! ```text
//! bind -> Acceptor::accept -> StrictHttp1::new -> TokioIo -> hyper::server::conn::http1
//!                             |-- control(): upgrades and what was refused
//!                             `-- configure(): the limits and times that hyper keeps
//! ```
//!
//! [`Draining`] tells each connection when to finish, and counts it until it has.

mod client_addr;
mod drain;
mod listener;
pub mod strict_h1;
mod timeouts;
pub mod tls;

pub use client_addr::{TrustedProxies, TrustedProxiesError};
pub use drain::{Drain, Drained, Draining, Tracked};
pub use listener::{Acceptor, ListenError, bind};
pub use timeouts::Timeouts;

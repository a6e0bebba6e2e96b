//! The reverse proxy: the life of a request, from the socket to the upstream and back.
//!
//! 1. **accept** (`server`, `connection`): a thread per core, each with its own listening
//!    socket, runtime and upstream connections. TLS, then HTTP/1, read strictly
//!    ([`net::strict_h1`](crate::net)), or HTTP/2.
//! 2. **route** ([`router`]): host and path, read once, lead to a [`ProxySpace`].
//! 3. **resolve**, **authenticate**, **establish**, **authorize**: the space's
//!    [`Gate`](crate::layer::Gate), the same as the tower layer's.
//! 4. **scrub** and **assert** ([`headers`]): what a client may not say is removed, what the
//!    gateway says is set.
//! 5. **forward** ([`upstream`]): over a pooled connection; bodies stream ([`body`]).
//! 6. **answer**: the upstream's response, with our cookie when the session is new; an upgrade
//!    ([`upgrade`]) or stream is tied to the session's end. What fails becomes a response in
//!    `rescue`.
//! 7. **record**: metrics and, where asked for, the access log.
//!
//! `serve` is this list as code.

pub mod body;
mod connection;
pub mod deadline;
mod edge;
mod forward;
#[cfg(test)]
mod front;
pub mod headers;
mod record;
mod rescue;
pub mod router;
mod serve;
mod server;
mod space;
pub mod upgrade;
pub mod upstream;
mod worker;

pub use edge::{Edge, EdgeSettings, EdgeTls};
pub use server::{EdgeError, EdgeServer, EdgeSockets};
pub use space::{ProxySpace, SpaceSettings, Targets};

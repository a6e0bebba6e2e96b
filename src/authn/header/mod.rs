//! A header that a trusted proxy sets.
//!
//! The header says who the user is, and nothing in it can be checked: what counts is who sent
//! it. So the peers that may send it are listed, the list has no default and cannot be
//! "everybody", and the peer is the socket's other end, never an address out of a header.
//! From anybody else the header is not there.

mod authenticator;
mod builder;
mod pattern;

pub use authenticator::HeaderAuthenticator;
pub use builder::{HeaderAuthenticatorBuilder, HeaderConfigError};
pub use pattern::{PatternError, UserPattern};

#[cfg(test)]
mod tests;

//! The gateway as its users have it: over sockets, with real clients before it and a scripted
//! upstream behind it.
//!
//! `kit` is what the stories are told with. The other folders mirror the sources and what is
//! seen from outside: `edge` is what a browser or a program meets, `upstream` what an
//! application meets, `admin` the side port, `app` starting, reloading and stopping, `cli` the
//! command, `layer` the tower layer in programs of other people. A test of a requirement is
//! named after it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "server")]
mod admin_cli;
#[cfg(feature = "server")]
mod kit;
#[cfg(feature = "server")]
mod net;
#[cfg(feature = "server")]
mod proxy;
#[cfg(feature = "server")]
mod story;

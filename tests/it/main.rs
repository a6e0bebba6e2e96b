//! The gateway as its users have it: over sockets, with real clients before it and a scripted
//! upstream behind it.
//!
//! `kit` is what the stories are told with. The other folders mirror the sources and what is
//! seen from outside: `edge` is what a browser or a program meets, `upstream` what an
//! application meets, `admin` the side port, `app` starting, reloading and stopping, `cli` the
//! command, `layer` the tower layer in programs of other people. A test of a requirement is
//! named after it.

#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, unused_imports, reason = "most of the kit is for servers")
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "server")]
mod admin;
#[cfg(feature = "server")]
mod admin_cli;
#[cfg(feature = "server")]
mod app;
#[cfg(feature = "server")]
mod authn;
#[cfg(feature = "server")]
mod cli;
#[cfg(feature = "server")]
mod endpoints;
mod kit;
mod layer;
#[cfg(feature = "server")]
mod net;
#[cfg(feature = "server")]
mod proxy;
#[cfg(feature = "server")]
mod sessions;
#[cfg(feature = "server")]
mod store;
#[cfg(feature = "server")]
mod story;

//! From raw texts and numbers to options: what each key means, and what it may be.
//!
//! A bad value is reported and the default taken in its place, so that one reading finds
//! everything that is wrong. Whether anything was reported decides in the end.

mod access;
mod admin;
mod authn;
mod certificate_role;
mod edge;
mod gateway;
mod header_name;
mod identity_headers;
mod jwt;
mod license;
mod network;
mod redis;
mod space;
mod spaces;
mod store;
mod tls;

pub(super) use gateway::gateway;

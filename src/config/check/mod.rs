//! From raw texts and numbers to options: what each key means, and what it may be.
//!
//! A bad value is reported and the default taken in its place, so that one reading finds
//! everything that is wrong. Whether anything was reported decides in the end.

mod access;
mod admin;
mod authn;
mod certificate;
mod certificate_role;
mod cookie;
mod edge;
mod gateway;
mod header_name;
mod identity_headers;
mod jwt;
mod license;
mod network;
mod qlik;
mod redis;
mod response_headers;
mod session_module;
mod space;
mod spaces;
mod store;
mod ticket;
mod tls;
mod upstream_tls;
mod websocket;

pub(super) use gateway::gateway;

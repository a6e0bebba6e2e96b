//! The reverse proxy.

pub mod headers;

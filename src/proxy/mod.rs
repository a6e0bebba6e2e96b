//! The reverse proxy.

pub mod headers;
pub mod router;

//! Gatepass.
pub mod domain;
#[cfg(feature = "server")]
pub mod net;

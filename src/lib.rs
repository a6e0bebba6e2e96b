//! Gatepass.
#[cfg(feature = "server")]
pub mod app;
pub mod domain;

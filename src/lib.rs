//! Gatepass.
#[cfg(feature = "server")]
pub mod admin;
pub mod domain;
pub mod sessions;
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;

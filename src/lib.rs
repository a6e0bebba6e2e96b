//! Gatepass.
#[cfg(feature = "server")]
pub mod app;
pub mod authn;
#[cfg(feature = "server")]
pub mod config;
pub mod domain;
pub mod layer;
pub mod sessions;
pub mod store;

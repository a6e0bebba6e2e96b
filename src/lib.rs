//! Gatepass.
#[cfg(feature = "server")]
pub mod app;
pub mod authn;
pub mod domain;
pub mod layer;
pub mod sessions;
pub mod store;

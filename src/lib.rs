//! Gatepass.
pub mod domain;
#[cfg(feature = "server")]
pub mod proxy;
pub mod sessions;
pub mod store;

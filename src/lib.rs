//! Gatepass.
pub mod domain;
pub mod sessions;
pub mod store;

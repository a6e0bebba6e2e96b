//! Gatepass.
pub mod authn;
pub mod domain;
pub mod sessions;
pub mod store;

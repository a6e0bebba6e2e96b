//! Gatepass.
pub mod authn;
pub mod domain;
pub mod layer;
pub mod sessions;
pub mod store;

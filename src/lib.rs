//! Gatepass.
pub mod authn;
pub mod domain;

//! Gatepass.
pub mod domain;

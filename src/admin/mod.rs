//! The side port.
pub mod keys;

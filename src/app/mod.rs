//! The composition root: options become a running gateway.

pub mod options;

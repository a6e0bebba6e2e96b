//! The composition root: where the rooms below are wired into a running gateway.

pub mod demo;

//! Gatepass.
#[cfg(feature = "server")]
pub mod admin;
#[cfg(feature = "server")]
pub mod app;
pub mod authn;
#[cfg(feature = "server")]
pub mod config;
pub mod domain;
pub mod layer;
#[cfg(feature = "server")]
pub mod net;
#[cfg(feature = "server")]
pub mod proxy;
pub mod sessions;
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;

//! The side port.

mod access;
mod api;
mod ports;
mod qps;
mod tls;

//! Real clients shake hands with real listeners, over loopback.

mod clients;
mod files;
mod pki;
mod resumption;
mod shaking;
mod wire;

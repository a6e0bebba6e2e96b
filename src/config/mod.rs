//! The configuration file: from text to [`GatewayOptions`](crate::app::options::GatewayOptions).
//!
//! 1. `tree`: TOML becomes a tree whose every piece knows its place; `env` puts environment
//!    variables over it.
//! 2. `deserialize`, `raw`: the tree becomes structs of texts and numbers; unknown keys and
//!    wrong kinds of values are found.
//! 3. `check`: texts and numbers become options; what is out of range, at odds with
//!    something else, unreadable or without effect is found.
//!
//! Every error of all three is reported at once, with its place ([`ConfigErrors`]). serde and
//! the environment end here.

mod check;
mod deserialize;
mod duration;
mod env;
mod error;
mod load;
mod raw;
mod report;
mod suggest;
mod tree;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrors};
pub use load::{Config, Loaded};

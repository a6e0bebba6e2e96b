//! What the stories are told with: a gateway that really runs, an upstream that does as its
//! script says and remembers what it was sent, and people and programs who use both.

pub(crate) mod actors;
#[cfg(feature = "server")]
pub(crate) mod cases;
#[cfg(feature = "server")]
pub(crate) mod command;
#[cfg(feature = "server")]
pub(crate) mod frames;
#[cfg(feature = "server")]
pub(crate) mod h2;
#[cfg(feature = "server")]
pub(crate) mod house;
#[cfg(feature = "server")]
pub(crate) mod log;
#[cfg(feature = "server")]
#[allow(dead_code, reason = "the unit tests use the rest of it")]
pub(crate) mod redis;
#[cfg(feature = "server")]
pub(crate) mod served;
pub(crate) mod socket;
#[cfg(feature = "server")]
pub(crate) mod tls;
#[cfg(feature = "server")]
pub(crate) mod tokens;
#[cfg(feature = "server")]
pub(crate) mod upstream;
pub(crate) mod wait;
pub(crate) mod wire;

pub(crate) use actors::{Admin, Browser, Script};
#[cfg(feature = "server")]
pub(crate) use cases::for_all;
#[cfg(feature = "server")]
pub(crate) use h2::H2;
#[cfg(feature = "server")]
pub(crate) use house::{House, LOCAL, PORTS};
#[cfg(feature = "server")]
pub(crate) use served::Served;
pub(crate) use socket::Socket;
#[cfg(feature = "server")]
pub(crate) use tls::{Authority, Trust};
#[cfg(feature = "server")]
pub(crate) use upstream::{Seen, Upstream};
pub(crate) use wait::{eventually, soon};
pub(crate) use wire::{Answer, Wire};

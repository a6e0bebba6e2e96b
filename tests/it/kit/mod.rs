//! What the stories are told with: a gateway that really runs, an upstream that does as its
//! script says and remembers what it was sent, and people and programs who use both.

pub(crate) mod actors;
pub(crate) mod cases;
pub(crate) mod command;
pub(crate) mod house;
pub(crate) mod log;
pub(crate) mod socket;
pub(crate) mod tokens;
pub(crate) mod upstream;
pub(crate) mod wait;
pub(crate) mod wire;

pub(crate) use actors::{Admin, Browser, Script};
pub(crate) use cases::for_all;
pub(crate) use house::{House, LOCAL, PORTS};
pub(crate) use socket::Socket;
pub(crate) use upstream::{Seen, Upstream};
pub(crate) use wait::{eventually, soon};
pub(crate) use wire::{Answer, Wire};

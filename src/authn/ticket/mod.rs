//! One-time tickets in the address, bought for a user by a trusted program.
//!
//! The dialect is that of the Qlik Sense Proxy Service: a browser without a session is sent to
//! a [`LoginModule`], which asks for name and password in its own way, buys a ticket at the
//! side port and sends the browser back with `qlikTicket=...` behind the address. The ticket
//! opens one session and is worth nothing after that.

mod authenticator;
mod module;
mod parameter;
#[cfg(test)]
mod tests;

pub use authenticator::TicketAuthenticator;
pub use module::{LoginModule, LoginModuleError};
pub use parameter::{brings_ticket, forces_login};

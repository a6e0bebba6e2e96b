//! Tickets, and where people log in to get one.

/// How a space deals with one-time tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketOptions {
    /// The address of the login module, which
    /// [`LoginModule::check_address`](crate::authn::ticket::LoginModule::check_address) takes;
    /// a space that has one names its hosts. `None`: browsers are sent nowhere.
    pub module: Option<String>,
}

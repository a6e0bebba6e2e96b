//! The table `space.ticket`, and what else tickets need.

use crate::app::options::{AdminOptions, AuthnMethod, SpaceOptions, TicketOptions};
use crate::authn::ticket::LoginModule;
use crate::config::raw::RawTicket;
use crate::config::report::{Scope, read};

const MODULE: &str =
    "an address without a fragment, such as `https://login.example.com/login?realm=sales`";
const SIDE_PORT: &str = "`https://HOST:PORT` or `http://HOST:PORT`, as login modules reach it";

pub(super) fn ticket(raw: RawTicket, table: &Scope<'_>) -> TicketOptions {
    TicketOptions {
        module: read(table, "module", raw.module, |at, text| {
            at.accept(LoginModule::check_address(&text), MODULE)
                .map(|()| text)
        }),
    }
}

/// The address of the side port that login modules are told.
pub(super) fn side_port(at: &Scope<'_>, text: &str) -> Option<String> {
    at.accept(LoginModule::check_side_port(text), SIDE_PORT)
        .map(|()| text.trim_end_matches('/').to_owned())
}

/// What a space with a login module has to say beside it. Tickets are sent to the address that
/// a browser asked for, so a host that anybody may make up must not be in it (S09).
pub(super) fn hosts(methods: Option<&[AuthnMethod]>, has_hosts: bool, space: &Scope<'_>) {
    let has_module = methods.is_some_and(|methods| module(methods).is_some());
    if has_module && !has_hosts {
        space.key("hosts").missing(
            "the hosts of the space, as with a login module tickets are sent to the host that a \
             request names",
        );
    }
}

/// That modules can be told where the side port is.
pub(super) fn reachable(spaces: &[SpaceOptions], admin: &AdminOptions, table: &Scope<'_>) {
    let has_module = spaces.iter().any(|space| module(&space.authn).is_some());
    if has_module && admin.listen.ip().is_unspecified() && admin.url.is_none() {
        table.key("url").missing(&format!(
            "{SIDE_PORT}; `listen` names no address that could be told to a login module"
        ));
    }
}

fn module(methods: &[AuthnMethod]) -> Option<&str> {
    methods.iter().find_map(|method| match method {
        AuthnMethod::Ticket(ticket) => ticket.module.as_deref(),
        _ => None,
    })
}

//! The Qlik dialect: the API of Qlik's proxy service, for the ticket and session modules,
//! portals and scripts that are written against it.
//!
//! | path, below `/qps` | what |
//! |---|---|
//! | `/session[/{id}]` | list, add, look at one, end one |
//! | `/user/{directory}/{id}` | of one user: list, end all |
//! | `/ticket` | buys a ticket for a user |
//! | `/alive`, `/health`, `/about/...` | about the gateway |
//! | `/error` | a line for the log |
//!
//! Each is also at `/qps/{prefix}/...` and `/{prefix}/qps/...`, for the space with this path
//! prefix; without one, it is the space whose prefix is empty. Empty segments count for
//! nothing: clients write `/qps//session` and `/session/`. Nothing is ever redirected.
//!
//! The same five session routes at the root of the side port are the *session module*, which
//! an external proxy keeps its sessions in: see [`module`]. It needs no Xrf key.
//!
//! A request passes [`gate`]: host and origin → who calls → the route → the Xrf key → the
//! space → what the caller may do there → the endpoint. [`input`] reads bodies in any
//! spelling, all JSON that is answered is in [`wire`], all errors are [`error::QpsError`]s.

mod about;
mod attributes;
mod call;
mod error;
mod gate;
mod input;
mod json;
mod lookup;
mod module;
mod operations;
mod path;
mod routes;
mod schemas;
mod session;
mod space;
mod ticket;
mod user;
mod wire;
mod xrf;

pub(super) use gate::router;
pub(super) use module::router as module_router;
pub(super) use operations::{module_section, section};
#[cfg(test)]
pub(super) use routes::{MODULE_ROUTES, Need, ROUTES};

//! The Octane dialect: the sessions API of the product of that name, for the scripts and
//! libraries that are written against it.
//!
//! | path | what |
//! |---|---|
//! | `/authentication/sign_in`, `sign_out` | opens and ends a session of the API client |
//! | `/api/current_user`, `/admin/server/version` | who calls, and whom |
//! | `/api/shared_spaces` | the spaces that the caller may look at |
//! | `/api/shared_spaces/{space}/sessions[/{id}]` | list, look at one, end some |
//! | `/api/shared_spaces/{space}/sessions/groups` | count by a field |
//! | `/api/shared_spaces/{space}/sessions/terminate` | end in the background |
//! | `/api/shared_spaces/{space}/background_tasks[/{id}]` | how far that is |
//!
//! All of it also with a trailing slash, and what is below a space also below
//! `/workspaces/{n}`. Sessions and tasks are for the administrators of the space only.
//!
//! A request passes: one that writes errors out → the net for panics → host and origin →
//! who calls → what the route needs → the endpoint. Errors are [`fault::Fault`]s, all JSON
//! is in `wire`.

mod about;
mod background_tasks;
mod body;
mod caller;
mod cookie;
mod fault;
mod form;
mod gate;
mod narrowing;
mod operations;
mod page;
mod routes;
mod schemas;
mod sessions;
mod sign_in;
mod space;
mod task_wire;
mod terminate;
mod update;
mod wire;

pub(super) use operations::section;
pub(super) use routes::router;
#[cfg(test)]
pub(super) use routes::{Need, ROUTES};

//! The side port: administrators see every session and end any of them.
//!
//! [`router`] is an [`axum::Router`] to serve on a port of your own, apart from the public
//! one and by default on loopback only; [`AdminServer`] serves it with limits and a graceful
//! end. Who calls must bear an [API key](keys), or show a client
//! certificate that has a role.
//!
//! | path | what |
//! |---|---|
//! | `/health/live`, `/health/ready` | health checks, without a key |
//! | `/metrics` | OpenMetrics |
//! | `/api/v1/spaces[/{space}]` | spaces and their counts |
//! | `/api/v1/spaces/{space}/sessions[/{sessionId}]` | list, look at one, end one |
//! | `/api/v1/spaces/{space}/sessions/end` | end many |
//! | `/api/v1/spaces/{space}/users/{directory}/{id}/sessions` | of one user: list, end all |
//! | `/authentication`, `/api/shared_spaces` and more | the Octane dialect |
//! | `/qps/...`, `/{prefix}/qps/...` | the Qlik dialect |
//! | `/session/...`, `/user/...` | Qlik's session module, where it is on |
//! | `/api/v1/nodes` | the nodes that share the sessions |
//! | `/openapi.json`, `/docs` | all of it described, for programs and for people |
//!
//! A request passes: one that finishes every answer (problems as RFC 9457 JSON, `no-store`)
//! → the net for panics → the guard (host, origin, JSON, key) → the route's own need
//! (403) → the handler.

mod builder;
mod connection;
mod cursor;
mod guard;
mod hosts;
pub mod keys;
mod native;
mod observe;
mod octane;
mod openapi;
mod ops;
mod problem;
mod progress;
mod qps;
mod raw_targets;
mod server;
mod spaces;
mod state;
#[cfg(test)]
mod tests;
mod this_node;
mod traffic;

use axum::Router;

use crate::sessions::Sessions;

pub use builder::AdminBuilder;
pub use observe::SessionObserver;
pub use server::AdminServer;
pub use spaces::{AdminSpaces, SpaceInfo};
pub use this_node::ThisNode;

use keys::ApiKeys;

/// The side port for `sessions`, open to the bearers of `keys`, answering to loopback names
/// only. [`builder`] for more.
///
/// ```
/// use gatepass::admin::keys::{ApiKeys, NewKey, Role};
/// use gatepass::domain::Clock;
/// use gatepass::sessions::Sessions;
///
/// let sessions = Sessions::default();
/// let now = sessions.clock().wall();
/// let (key, bearer) = NewKey::new("ops", Role::SiteAdmin).make(now)?;
/// println!("curl -H 'Authorization: Bearer {}' ...", *bearer);
/// let side_port: axum::Router = gatepass::admin::router(sessions, ApiKeys::new([key]));
/// # Ok::<(), gatepass::admin::keys::KeyError>(())
/// ```
pub fn router(sessions: Sessions, keys: ApiKeys) -> Router {
    builder(sessions, keys).build()
}

/// A side port with settings of its own.
pub fn builder(sessions: Sessions, keys: ApiKeys) -> AdminBuilder {
    AdminBuilder::new(sessions, keys)
}

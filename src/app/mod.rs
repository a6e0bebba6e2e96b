//! The composition root: from options to a gateway that runs, and from new options to a
//! gateway that runs differently. Wiring only.
//!
//! [`Gateway::start`] builds everything the options name before it binds a socket, so what is
//! wrong with them is known while nothing has happened yet. [`Gateway::reload`] builds the
//! same anew and exchanges it in one step, or not at all.

mod authn;
mod beside;
pub mod demo;
mod edge;
mod error;
mod explain;
mod gateway;
mod kept_tasks;
mod node_name;
pub mod options;
mod plan;
mod presence;
mod space;
mod store;
mod store_thread;
mod tls;

pub use beside::shared_sessions;
pub use error::{BuildError, SpaceError, StartError};
pub use explain::{ExplainError, Explanation};
pub use gateway::Gateway;
pub use store::OpenError;

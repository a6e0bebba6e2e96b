//! A store that several nodes share, as small as its contract allows: one server, which does
//! one thing at a time, and a stream of changes that can lose its beginning.
//!
//! Every use of the server is a point at which others may go first, before it and after it, so
//! answers may be as late as they like.

mod feed;
mod node;
mod server;
mod store;
mod unmodelled;

pub use feed::{ChangeFeed, Push, Pusher};
pub use node::Node;
pub use server::Fleet;
pub use store::{BELIEVED_FOR, FleetStore};

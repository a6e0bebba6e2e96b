//! Real Redis servers and the network before them: the ones that the unit tests use.

#[path = "../../../../src/store/redis/tests/cable.rs"]
pub(crate) mod cable;
#[path = "../../../../src/store/redis/tests/fleet.rs"]
pub(crate) mod fleet;
#[path = "../../../../src/store/redis/tests/server.rs"]
pub(crate) mod server;

pub(crate) use cable::{Cable, Lines, Network};
pub(crate) use fleet::{Cluster, Watched};
pub(crate) use server::RedisServer;

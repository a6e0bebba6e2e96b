//! What outlives the process.

mod credentials;
mod disk_full;
mod kill;
mod redis;
mod restart;
mod side_port;

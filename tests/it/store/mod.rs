//! What outlives the process.

mod disk_full;
mod kill;
mod redis;
mod restart;
mod transfer;

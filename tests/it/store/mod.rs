//! What outlives the process.

mod credentials;
mod disk_full;
mod faults;
mod kill;
mod redis;
mod restart;

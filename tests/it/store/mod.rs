//! What outlives the process.

mod disk_full;
mod kill;
mod restart;

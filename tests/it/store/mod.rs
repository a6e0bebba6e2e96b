//! What outlives the process.

mod disk_full;
mod fleet_view;
mod kill;
mod nodes;
mod redis;
mod restart;

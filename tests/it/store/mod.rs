//! What outlives the process.

mod credentials;
mod disk_full;
mod faults;
mod fleet_view;
mod kill;
mod nodes;
mod redis;
mod restart;
mod side_port;
mod transfer;

//! Sessions as their owners and administrators see them.

mod cookies;
mod licenses;
mod lifetimes;
mod limits;
mod renewal;
mod secrecy;

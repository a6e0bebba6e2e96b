//! Sessions as their owners and administrators see them.

mod cookies;
mod lifetimes;
mod limits;
mod renewal;
mod secrecy;

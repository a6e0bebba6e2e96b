//! The command.

mod cert;
mod check;
mod demo;
mod files;
mod serve;
mod store;
mod token;

//! The store that is a file beside the configuration: one process has it, and what it
//! acknowledged outlives it.
//!
//! - Open sessions are in memory as well, as the very objects of the table, so that only what
//!   changes goes to the disk: a session that begins or ends, locks, tickets that are taken.
//!   That is acknowledged once it is there (`fsync`); a thread of its own writes, and changes
//!   that are asked for at the same time share one trip to the disk (`writer`).
//! - Sessions that have ended are in the file only, and are read from it on threads that may
//!   wait.
//! - When a session was last active is written every few seconds, beside its record.
//! - The file is verified page by page when it is opened. A disk that is full makes the store
//!   unavailable until there is room, and nothing else.

mod change;
mod compact;
mod credentials;
mod database;
mod error;
mod import;
mod load;
mod offline;
mod open_sessions;
mod purge_notes;
mod read;
mod refreshes;
mod store;
mod tables;
mod tickets;
mod writer;

#[cfg(test)]
mod tests;

use super::record::{codec, notes, session as record};

pub use super::record::FormatError;
pub use error::FileError;
pub use offline::{Contents, Imported, StoreFile, TransferError};
pub use store::FileStore;

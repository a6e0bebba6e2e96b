//! Records in bytes, each with the version of its format: what the file holds, and Redis.

pub(in crate::store) mod codec;
pub(in crate::store) mod notes;
pub(in crate::store) mod session;

pub use codec::FormatError;

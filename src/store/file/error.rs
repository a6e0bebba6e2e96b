//! What keeps a file from being used, and the way out of it.

use std::io;
use std::path::PathBuf;

use super::codec::FormatError;

/// Why a store's file cannot be used. Every message names the file and a way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Another process has it.
    #[error(
        "the store {} is in use by another process: end that process (`gatepass store export` and `import` can ask a running gateway instead, with --url), or name another file in `store.path`",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written, or not be made.
    #[error(
        "the store {} cannot be opened: name a file in `store.path` that this process may read and write, in a folder that is there",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "{} is no store of Gatepass ({why}): name another file in `store.path`, or move this one away to begin anew",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that is seen.
        why: String,
    },
    /// A later version of the program wrote it.
    #[error(
        "the store {} has format {found}, and this version of Gatepass knows formats up to {known}: run the version that wrote it",
        path.display()
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The latest known.
        known: u64,
    },
    /// It is damaged.
    #[error(
        "the store {} is damaged ({why}): `gatepass store check` says how far, `gatepass store export` saves what can be read, and `gatepass store import` makes a new file of that",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Why the open file could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The file, or the disk below it.
    #[error(transparent)]
    File(Box<redb::Error>),
    /// What is in it.
    #[error("{what} is damaged")]
    Format {
        what: String,
        #[source]
        source: FormatError,
    },
    /// The thread that writes.
    #[error("{0}")]
    Writer(&'static str),
}

impl Trouble {
    /// That `what` cannot be read.
    pub(super) fn format(what: impl Into<String>, source: FormatError) -> Self {
        let what = what.into();
        Self::Format { what, source }
    }
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
}

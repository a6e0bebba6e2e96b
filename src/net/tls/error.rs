//! What goes wrong with TLS: when it is set up, and when a client shakes hands.

use std::io;
use std::path::PathBuf;

/// Why a listener's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file has not what it should have.
    #[error("`{}`: {what}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// Why a client's connection did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// It took too long.
    #[error("the TLS handshake took too long")]
    TimedOut,
    /// It failed.
    #[error("the TLS handshake failed")]
    Failed(#[source] io::Error),
}

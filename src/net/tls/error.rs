//! What goes wrong with TLS: when it is set up, and when a client shakes hands.

use std::io;
use std::path::{Path, PathBuf};

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
    /// A listener without a certificate.
    #[error("there is no certificate to show")]
    NoCertificate,
    /// The machine's own authorities cannot be had.
    #[error("the machine's list of authorities cannot be read: {0}")]
    NoRoots(String),
    /// The library refuses for another reason.
    #[error("TLS cannot be set up")]
    Library(#[source] rustls::Error),
}

impl TlsError {
    pub(super) fn content(path: &Path, what: impl Into<String>) -> Self {
        Self::Content {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn foreign_key(key: &Path, chain: &Path) -> Self {
        let chain = chain.display();
        Self::content(
            key,
            format!("it is not the key of the certificate in `{chain}`"),
        )
    }
}

/// Why a client's connection did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// It took too long.
    #[error("the TLS handshake took too long")]
    TimedOut,
    /// The client left before it was over, as port scanners and health checks do.
    #[error("the client closed the connection during the TLS handshake")]
    Left,
    /// What came is not TLS.
    #[error("the client does not speak TLS; it may speak plain HTTP to an https port")]
    NotTls,
    /// The client gave up with an alert.
    #[error("the client gave up: {0}")]
    GaveUp(String),
    /// The client can do nothing that the listener can.
    #[error("client and listener have no {0} in common")]
    NothingInCommon(&'static str),
    /// A certificate is required and the client has shown none.
    #[error("the client has shown no certificate, and one is required")]
    NoClientCertificate,
    /// The client's certificate was refused.
    #[error("the client's certificate is refused: {0}")]
    ClientCertificate(String),
    /// It failed otherwise.
    #[error("the TLS handshake failed")]
    Failed(#[source] io::Error),
}

impl HandshakeError {
    /// Whether it is about certificates or settings, which an administrator wants to read of
    /// without asking for details; scanners and clients that hang up bring about the others.
    #[must_use]
    pub const fn is_notable(&self) -> bool {
        matches!(
            self,
            Self::GaveUp(_)
                | Self::NothingInCommon(_)
                | Self::NoClientCertificate
                | Self::ClientCertificate(_)
        )
    }
}

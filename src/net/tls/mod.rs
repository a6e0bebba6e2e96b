//! TLS on a listener: which certificate is shown to whom, whose certificate is asked for,
//! and what is known of a connection afterwards.
//!
//! [`TlsAcceptor`] is built from [`TlsSettings`], shared by all workers (session resumption
//! works whichever of them a client comes back to), and exchanges its certificates while
//! connections go on ([`TlsAcceptor::replace`]).

mod acceptor;
mod error;
mod facts;
mod settings;

pub use acceptor::{TlsAcceptor, TlsStream};
pub use error::{HandshakeError, TlsError};
pub use facts::{Protocol, TlsFacts};
pub use settings::{CertificateFiles, ClientAuth, TlsSettings, TlsVersion};

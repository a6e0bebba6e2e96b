//! How a caller reached us, and with what.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::named::named_enum;

named_enum! {
    /// What kind of program a client is (`client_type` in the Octane dialect).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum ClientType, "client type" {
        /// A person's browser.
        #[default]
        Ui = "UI",
        /// A program that integrates.
        Integration = "Integration",
        /// A build server.
        Ci = "CI",
    }
}

named_enum! {
    /// Whether a person looks or a program calls (`access_type` in the Octane dialect).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum AccessType, "access type" {
        /// A page in a browser.
        #[default]
        Ui = "UI",
        /// A program.
        Api = "API",
    }
}

impl fmt::Display for ClientType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for AccessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a session remembers of the client that opened it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address, seen through trusted proxies only; `None` when the layer runs
    /// on a server that does not tell it.
    pub ip: Option<IpAddr>,
    /// The User-Agent header, cut at [`ClientInfo::MAX_USER_AGENT`] bytes.
    pub user_agent: Option<Arc<str>>,
    /// What kind of program it is.
    pub client_type: ClientType,
    /// Whether a person looks or a program calls.
    pub access_type: AccessType,
}

impl ClientInfo {
    /// Bytes of a User-Agent header that are kept.
    pub const MAX_USER_AGENT: usize = 256;
}

/// The scheme a client used, as far as the gateway can know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS, here or at a trusted proxy.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The facts of the connection that a request came on. A server puts it into the request's
/// extensions; without it the layer knows no address and takes the scheme from its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The socket's other end: a client, or the last proxy before us.
    pub peer: SocketAddr,
    /// The client's address: the peer, or what trusted proxies vouch for.
    pub client_ip: IpAddr,
    /// The scheme the client used.
    pub scheme: Scheme,
}

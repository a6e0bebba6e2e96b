//! How people prove who they are.

use super::named::named_enum;

named_enum! {
    /// How a session's user was authenticated.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum Method, "authentication method" {
        /// A signed token.
        Jwt = "jwt",
        /// A header from a trusted peer.
        Header = "header",
        /// A name and a password, here.
        Local = "local",
        /// A one-time ticket that a trusted program bought for the user.
        Ticket = "ticket",
        /// A client certificate.
        Certificate = "certificate",
        /// A trusted program that opened the session and chose its secret.
        SessionModule = "session-module",
        /// Nobody in particular.
        Anonymous = "anonymous",
        /// By the program that embeds the layer.
        Custom = "custom",
        /// An administrator's API key, at the side port and there only.
        ApiKey = "api-key",
    }
}

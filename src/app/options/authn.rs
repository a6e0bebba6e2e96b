//! How a space finds out who a caller is.

use std::path::PathBuf;

use http::HeaderName;
use ipnet::IpNet;

use super::{CertificateOptions, JwtOptions, TicketOptions};

/// One method of authentication with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthnMethod {
    /// A signed token that came with the request.
    Jwt(JwtOptions),
    /// A header that a trusted peer set.
    Header(HeaderOptions),
    /// A one-time ticket in the address.
    Ticket(TicketOptions),
    /// The client certificate of the connection.
    Certificate(CertificateOptions),
    /// A user name and a password, on the login page.
    Local(LocalOptions),
    /// Nobody in particular.
    Anonymous(AnonymousMode),
}

impl AuthnMethod {
    /// Its name in the configuration.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Jwt(_) => "jwt",
            Self::Header(_) => "header",
            Self::Ticket(_) => "ticket",
            Self::Certificate(_) => "certificate",
            Self::Local(_) => "local",
            Self::Anonymous(_) => "anonymous",
        }
    }
}

/// When callers are taken in without saying who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnonymousMode {
    /// When no other method knows them; they may log in later.
    #[default]
    Allow,
    /// Always; nobody ever logs in.
    Always,
}

/// A header that names the user, set by a peer that is trusted to have checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderOptions {
    /// The header.
    pub name: HeaderName,
    /// How its value names the user.
    pub user: HeaderUser,
    /// The peers that may send it; at least one, none of them a whole address family.
    pub trusted: Vec<IpNet>,
    /// A header with the user's display name.
    pub name_header: Option<HeaderName>,
    /// A header with the user's e-mail address.
    pub email_header: Option<HeaderName>,
    /// A header with the user's groups, separated by commas; they become the attribute
    /// `group`.
    pub groups_header: Option<HeaderName>,
}

/// How a header's value names a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderUser {
    /// The value is the id; the directory is fixed.
    Id {
        /// The directory.
        directory: String,
    },
    /// The value has both: a pattern with `$ud` for the directory and `$id` for the id,
    /// once each, in which a doubled backslash stands for one.
    Pattern(String),
}

/// Names and passwords in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalOptions {
    /// The users file, readable when it was checked.
    pub users: PathBuf,
}

//! What keeps a gateway from being built or started.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::store::OpenError;
use crate::admin::keys::KeysFileError;
use crate::authn::certificate::CertificateConfigError;
use crate::authn::header::HeaderConfigError;
use crate::authn::jwt::{JwtConfigError, KeyError};
use crate::authn::local::UsersFileError;
use crate::authn::ticket::LoginModuleError;
use crate::domain::{SpaceId, Timestamp};
use crate::net::tls::TlsError;
use crate::net::{ListenError, TrustedProxiesError};
use crate::proxy::EdgeError;
use crate::proxy::headers::{AssertionKeyError, ProfileError, ResponseHeaderError, TemplateError};
use crate::proxy::upstream::AddressError;
use crate::store::StoreError;

/// Options that cannot be made into a gateway; nothing was started or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A space cannot be built.
    #[error("space {space}: {part}")]
    Space {
        /// Which.
        space: SpaceId,
        /// Which part of it.
        part: &'static str,
        /// What is wrong.
        #[source]
        source: SpaceError,
    },
    /// The keys file cannot be used.
    #[error("[admin] api_keys")]
    Keys(#[from] KeysFileError),
    /// The trusted proxies cannot be used.
    #[error("[edge] trusted_proxies")]
    TrustedProxies(#[from] TrustedProxiesError),
    /// A certificate, a key or a list of authorities cannot be used.
    #[error("{option}")]
    Tls {
        /// The option that names it.
        option: &'static str,
        /// What is wrong with which file.
        source: TlsError,
    },
    /// No key for assertions can be made.
    #[error("a key for assertions cannot be made")]
    AssertionKey(#[source] AssertionKeyError),
    /// The demo's well-known secrets would be offered to a network.
    #[error("{} has the demo's well-known {what}, and {address} is no loopback address: demo data are for this machine only", path.display())]
    DemoData {
        /// The file with the demo's secret.
        path: PathBuf,
        /// What the secret is.
        what: &'static str,
        /// Where it would be accepted.
        address: SocketAddr,
    },
}

/// What is wrong with a part of a space.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// A users file.
    #[error(transparent)]
    Users(#[from] UsersFileError),
    /// A key, or a set of keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The settings of JWT authentication.
    #[error(transparent)]
    Jwt(#[from] JwtConfigError),
    /// A claim's path.
    #[error(transparent)]
    Claim(#[from] crate::authn::ClaimPathError),
    /// The settings of header authentication.
    #[error(transparent)]
    Header(#[from] HeaderConfigError),
    /// The login module.
    #[error(transparent)]
    Module(#[from] LoginModuleError),
    /// The settings of authentication by client certificates.
    #[error(transparent)]
    Certificate(#[from] CertificateConfigError),
    /// The identity headers.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The headers of responses.
    #[error(transparent)]
    ResponseHeaders(#[from] ResponseHeaderError),
    /// A custom header's template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The assertion's key.
    #[error(transparent)]
    AssertionKey(#[from] AssertionKeyError),
    /// The authorities of https upstreams.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An upstream's address.
    #[error(transparent)]
    Upstream(#[from] AddressError),
    /// A file.
    #[error("{} cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its options cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store does not say what was open.
    #[error("the store's sessions cannot be taken up")]
    Recover(#[source] StoreError),
    /// Another gateway that runs has the node's name.
    #[error(
        "the node name `{name}` is that of a gateway that runs (version {version}, edge {edges}, since {started}): give each its own, [store.redis] node"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The version of the other.
        version: String,
        /// Where the other's edge listens.
        edges: String,
        /// When the other started.
        started: Timestamp,
    },
    /// The store did not take the node in.
    #[error("the store does not take this node in")]
    Fleet(#[source] StoreError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The edge does not start.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// A socket of the side port cannot be used.
    #[error("the side port's socket cannot be used")]
    SidePort(#[source] io::Error),
}

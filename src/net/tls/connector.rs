//! TLS towards upstreams.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

use super::{TlsClientSettings, TlsError, client};

/// A connection to an upstream over TLS.
pub type UpstreamTlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Shakes hands with upstreams, for HTTP/1.1. Cheap to clone.
///
/// Two are equal when they would trust the same upstreams: what one has connected, the other
/// may use.
#[derive(Clone)]
pub struct TlsConnector {
    settings: TlsClientSettings,
    roots: Arc<RootCertStore>,
    config: Arc<ClientConfig>,
}

impl TlsConnector {
    /// Reads the files that `settings` name.
    ///
    /// # Errors
    ///
    /// [`TlsError`] with the file that cannot be used.
    pub fn new(settings: &TlsClientSettings) -> Result<Self, TlsError> {
        let roots = Arc::new(client::roots(settings)?);
        let mut config = client::config(Arc::clone(&roots), settings.certificate.as_ref())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            settings: settings.clone(),
            roots,
            config: Arc::new(config),
        })
    }

    /// Shakes hands on `stream` with an upstream that must be `host`: a DNS name, or an IP
    /// address without brackets.
    ///
    /// # Errors
    ///
    /// When it is not, and when the connection breaks.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<UpstreamTlsStream> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        tokio_rustls::TlsConnector::from(Arc::clone(&self.config))
            .connect(name, stream)
            .await
    }
}

impl PartialEq for TlsConnector {
    fn eq(&self, other: &Self) -> bool {
        let same_roots =
            Arc::ptr_eq(&self.roots, &other.roots) || self.roots.roots == other.roots.roots;
        self.settings == other.settings && same_roots
    }
}

impl Eq for TlsConnector {}

impl Hash for TlsConnector {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Few differ in anything else.
        self.settings.ca.hash(state);
        self.roots.len().hash(state);
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

//! TLS towards a side port, for the command line.

use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use super::{TlsError, files};

/// What a client trusts, and what it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsClientSettings {
    /// The authorities (PEM) that servers' certificates must come from; `None`: those that the
    /// machine trusts.
    pub ca: Option<PathBuf>,
    /// The client's own certificate with its chain, and its key (PEM).
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Connects to http and https addresses.
pub type HttpsConnector = hyper_rustls::HttpsConnector<HttpConnector>;

/// A connector by `settings`, speaking HTTP/1.1.
///
/// # Errors
///
/// [`TlsError`] with the file that cannot be used.
pub fn https_connector(settings: &TlsClientSettings) -> Result<HttpsConnector, TlsError> {
    connector(roots(settings)?, settings.certificate.as_ref())
}

/// A connector of the same type for http addresses alone: it trusts no server.
///
/// # Errors
///
/// As [`https_connector`]; there is no file to fail on.
pub fn http_connector() -> Result<HttpsConnector, TlsError> {
    connector(RootCertStore::empty(), None)
}

fn connector(
    roots: RootCertStore,
    own: Option<&(PathBuf, PathBuf)>,
) -> Result<HttpsConnector, TlsError> {
    Ok(hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config(roots, own)?)
        .https_or_http()
        .enable_http1()
        .build())
}

/// The client's side of TLS: it trusts `roots`, and shows its `own` certificate.
pub(super) fn config(
    roots: impl Into<Arc<RootCertStore>>,
    own: Option<&(PathBuf, PathBuf)>,
) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Library)?
        .with_root_certificates(roots);
    match own {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            let certificates = files::certificates(chain, &files::read(chain)?)?;
            let own = builder.with_client_auth_cert(certificates, files::private_key(key)?);
            own.map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::foreign_key(key, chain),
                error => TlsError::content(key, error.to_string()),
            })
        }
    }
}

/// The authorities that `settings` name.
pub(super) fn roots(settings: &TlsClientSettings) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &settings.ca {
        for certificate in files::certificates(path, &files::read(path)?)? {
            roots
                .add(certificate)
                .map_err(|_| TlsError::content(path, "a certificate of it is garbled"))?;
        }
        return Ok(roots);
    }
    // Some machines have a garbled certificate among their good ones.
    let native = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(native.certs);
    if added == 0 {
        let reason = native.errors.first().map(ToString::to_string);
        let reason = reason.unwrap_or_else(|| "there is none".to_owned());
        return Err(TlsError::NoRoots(reason));
    }
    Ok(roots)
}

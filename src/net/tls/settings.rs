//! What a listener's TLS is made of.

use std::path::PathBuf;

/// What a listener's TLS is made of. All files are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificates, at least one. A client gets the first that covers the name it asks
    /// for (SNI); one that asks for none, or for a name that no certificate covers, gets the
    /// first of all.
    pub certificates: Vec<CertificateFiles>,
    /// Whether clients are asked for certificates; `None`: they are not.
    pub client: Option<ClientAuth>,
    /// The oldest version that is spoken. Default: TLS 1.2.
    pub min_version: TlsVersion,
}

/// A certificate, its chain and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, followed by those that lead to the authority.
    pub chain: PathBuf,
    /// Its private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// An OCSP response (DER) to staple.
    pub ocsp: Option<PathBuf>,
}

/// Which certificates of clients are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuth {
    /// The authorities that must have issued them.
    pub ca: PathBuf,
    /// Lists of revoked certificates. With any, every certificate of a chain must be covered
    /// by one of them that is not out of date.
    pub crl: Vec<PathBuf>,
    /// Whether a client without a certificate is turned away.
    pub required: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

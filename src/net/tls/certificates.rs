//! The certificates of a listener, from their files to the handshake.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::names::{Names, covered_by};
use super::wall::timestamp;
use super::{CertificateFiles, TlsError, files, ocsp};
use crate::domain::{HostPattern, Timestamp};

/// The certificates of a listener: one is chosen for each client.
#[derive(Debug)]
pub(super) struct Certificates {
    keys: Vec<Arc<CertifiedKey>>,
    names: Arc<Names>,
}

impl Certificates {
    /// Reads `listed`. What will make clients turn away is warned of: time runs out without
    /// anybody's doing, and a gateway that does not start helps nobody then.
    pub(super) fn read(
        listed: &[CertificateFiles],
        provider: &CryptoProvider,
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        if listed.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        for files in listed {
            let (key, covered) = certified(files, provider, now)?;
            keys.push(Arc::new(key));
            names.push(covered);
        }
        Ok(Self {
            keys,
            names: Arc::new(Names::new(names)),
        })
    }

    pub(super) fn names(&self) -> &Arc<Names> {
        &self.names
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let chosen = self.names.choose(hello.server_name());
        self.keys.get(chosen).map(Arc::clone)
    }
}

/// A certificate with its key, and the names it covers.
fn certified(
    listed: &CertificateFiles,
    provider: &CryptoProvider,
    now: Timestamp,
) -> Result<(CertifiedKey, Vec<HostPattern>), TlsError> {
    let CertificateFiles { chain, key, ocsp } = listed;
    let certificates = files::certificates(chain, &files::read(chain)?)?;
    let signing = provider
        .key_provider
        .load_private_key(files::private_key(key)?)
        .map_err(|_| TlsError::content(key, "its key is garbled, or of a kind that TLS has not"))?;

    let leaf = parse(chain, &certificates[0])?;
    let own = |certificate: &CertificateDer<'_>| -> Option<bool> {
        let public = signing.public_key()?;
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        Some(certificate.public_key().raw == &*public)
    };
    if own(&certificates[0]) == Some(false) {
        if certificates[1..]
            .iter()
            .any(|other| own(other) == Some(true))
        {
            let what = "its first certificate must be the listener's own, not an authority's";
            return Err(TlsError::content(chain, what));
        }
        return Err(TlsError::foreign_key(key, chain));
    }
    let validity = leaf.validity();
    let ends = timestamp(validity.not_after.timestamp());
    if ends < now {
        tracing::warn!(file = %chain.display(), expired = %ends, "a certificate has expired: clients will turn away");
    } else if now < timestamp(validity.not_before.timestamp()) {
        tracing::warn!(file = %chain.display(), "a certificate is not valid yet: clients will turn away");
    }
    let covered = covered_by(&leaf);
    let staple = ocsp.as_deref().map(|path| ocsp::read(path, &leaf, now));
    let staple = staple.transpose()?;
    drop(leaf);
    let mut certified = CertifiedKey::new(certificates, signing);
    certified.ocsp = staple;
    Ok((certified, covered))
}

/// `der` as a certificate.
fn parse<'d>(path: &Path, der: &'d [u8]) -> Result<X509Certificate<'d>, TlsError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(TlsError::content(path, "its certificate is garbled")),
    }
}

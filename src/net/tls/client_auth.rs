//! Whose certificates are taken: the authorities and the lists of revoked certificates.
//!
//! It fails closed: without a usable authority there is no listener, and with lists no
//! certificate is taken of which they do not say, up to date, that it was not revoked.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::wall::timestamp;
use super::{ClientAuth, TlsError, files};
use crate::domain::Timestamp;

/// What is asked of clients, with the contents of all files: what decides on a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientPolicy {
    auth: ClientAuth,
    ca: Vec<u8>,
    crl: Vec<Vec<u8>>,
    good_until: Option<Timestamp>,
}

impl ClientPolicy {
    /// Reads the files that `auth` names, and makes what verifies certificates by them.
    pub(super) fn read(
        auth: &ClientAuth,
        provider: &Arc<CryptoProvider>,
        now: Timestamp,
    ) -> Result<(Self, Arc<dyn ClientCertVerifier>), TlsError> {
        let ca = files::read(&auth.ca)?;
        let mut roots = RootCertStore::empty();
        for certificate in files::certificates(&auth.ca, &ca)? {
            roots
                .add(certificate)
                .map_err(|_| TlsError::content(&auth.ca, "a certificate of it is garbled"))?;
        }
        let roots = Arc::new(roots);
        let builder = || {
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
        };

        let (mut lists, mut contents, mut good_until) = (Vec::new(), Vec::new(), None);
        for path in &auth.crl {
            let bytes = files::read(path)?;
            for list in files::revocation_lists(path, &bytes)? {
                let refused = |what: String| TlsError::content(path, what);
                builder()
                    .with_crls([list.clone()])
                    .build()
                    .map_err(|error| refused(format!("a revocation list is unusable: {error}")))?;
                let next = next_update(&list)
                    .ok_or_else(|| refused("a revocation list is garbled".to_owned()))?;
                if next < now {
                    tracing::warn!(file = %path.display(), expired = %next, "a revocation list is out of date: clients with its authority's certificates are turned away");
                }
                good_until = Some(good_until.map_or(next, |until: Timestamp| until.min(next)));
                lists.push(list);
            }
            contents.push(bytes);
        }
        let mut verifier = builder().with_crls(lists).enforce_revocation_expiration();
        if !auth.required {
            verifier = verifier.allow_unauthenticated();
        }
        let verifier = verifier
            .build()
            .map_err(|error| TlsError::content(&auth.ca, error.to_string()))?;
        let policy = Self {
            auth: auth.clone(),
            ca,
            crl: contents,
            good_until,
        };
        Ok((policy, verifier))
    }

    /// When the first of the lists is out of date; `None` without lists.
    pub(super) const fn lists_are_good_until(&self) -> Option<Timestamp> {
        self.good_until
    }
}

/// When the next list will be out, and this one out of date. One that does not say is refused
/// by the verifier.
fn next_update(list: &CertificateRevocationListDer<'_>) -> Option<Timestamp> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    let next = list.next_update()?;
    Some(timestamp(next.timestamp()))
}

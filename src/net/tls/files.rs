//! Reading the files that settings name.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::TlsError;

/// The bytes of the file `path`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The certificates in `pem`, at least one.
pub(super) fn certificates(
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = sections(path, pem)?;
    if found.is_empty() {
        let what = "it has no certificate (`-----BEGIN CERTIFICATE-----`)";
        return Err(TlsError::content(path, what));
    }
    Ok(found)
}

/// The private key in the file `path`.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = Zeroizing::new(read(path)?);
    let key = sections(path, &pem)?.into_iter().next();
    key.ok_or_else(|| {
        let encrypted = [&b"ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"];
        let what = if encrypted.iter().any(|mark| contains(&pem, mark)) {
            "its key is encrypted; `openssl pkey -in FILE -out NEW` writes it without a password"
        } else {
            "it has no private key (`-----BEGIN PRIVATE KEY-----`)"
        };
        TlsError::content(path, what)
    })
}

/// The revocation lists in `bytes`, PEM or one in DER, as authorities publish them; at least
/// one.
pub(super) fn revocation_lists(
    path: &Path,
    bytes: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    if bytes.first() == Some(&DER_SEQUENCE) {
        return Ok(vec![bytes.to_vec().into()]);
    }
    let found = sections(path, bytes)?;
    if found.is_empty() {
        let what = "it has no revocation list (`-----BEGIN X509 CRL-----`)";
        return Err(TlsError::content(path, what));
    }
    Ok(found)
}

/// Everything in `pem` that is a `T`. Sections of other kinds are passed over: a file may have
/// a key beside its certificates.
fn sections<T: PemObject>(path: &Path, pem: &[u8]) -> Result<Vec<T>, TlsError> {
    let wrong = |error: pem::Error| {
        let what = match error {
            pem::Error::MissingSectionEnd { .. } => "it ends within a section".to_owned(),
            pem::Error::IllegalSectionStart { .. } => "a `-----BEGIN` line is garbled".to_owned(),
            pem::Error::Base64Decode(_) => "a section is garbled: it is not base64".to_owned(),
            other => format!("it is no PEM file: {other}"),
        };
        TlsError::content(path, what)
    };
    let all = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    let mut found = Vec::new();
    for section in all {
        let (kind, der) = section.map_err(wrong)?;
        found.extend(T::from_pem(kind, der));
    }
    Ok(found)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// The first byte of what DER writes as a sequence, which no PEM file starts with.
const DER_SEQUENCE: u8 = 0x30;

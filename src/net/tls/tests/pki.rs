//! An authority and what it issues, in a folder.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::time::ASN1Time;

use crate::domain::{Clock as _, SystemClock};
use crate::net::tls::{CertificateFiles, ClientAuth, TlsSettings, TlsVersion};

/// An authority, and the folder that everything is written to.
pub(super) struct Pki {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A client's certificate and key.
pub(super) struct ClientPair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Pki {
    pub(super) fn new() -> Self {
        Self::named("Test authority")
    }

    pub(super) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn ca(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()
    }

    pub(super) fn ca_file(&self) -> PathBuf {
        self.write("ca.pem", &self.pem)
    }

    /// A listener's certificate for `names`, in files named after `file`.
    pub(super) fn server(&self, file: &str, names: &[&str]) -> CertificateFiles {
        self.server_with(file, names, |_| {})
    }

    pub(super) fn server_with(
        &self,
        file: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> CertificateFiles {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        CertificateFiles {
            chain: self.write(&format!("{file}.pem"), leaf.pem() + &self.pem),
            key: self.write(&format!("{file}.key"), key.serialize_pem()),
            ocsp: None,
        }
    }

    pub(super) fn client(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ClientPair {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from_slice(&[0x0a, 0x0b]));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        ClientPair {
            chain: vec![leaf.der().clone()],
            key: key.into(),
        }
    }

    /// A list of revoked certificates that is good for `days` from now.
    pub(super) fn crl(&self, file: &str, days: i64, revoked: &[&[u8]]) -> PathBuf {
        let revoked = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: in_days(-30).to_datetime(),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: in_days(-60).to_datetime(),
            next_update: in_days(days).to_datetime(),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer).unwrap().pem().unwrap();
        self.write(file, pem)
    }

    /// What a listener needs that asks for this authority's certificates.
    pub(super) fn auth(&self, required: bool) -> ClientAuth {
        ClientAuth {
            ca: self.ca_file(),
            crl: Vec::new(),
            required,
        }
    }
}

/// A listener with `certificates` that asks for none.
pub(super) fn settings(certificates: Vec<CertificateFiles>) -> TlsSettings {
    TlsSettings {
        certificates,
        client: None,
        min_version: TlsVersion::Tls12,
    }
}

/// `days` from now.
pub(super) fn in_days(days: i64) -> ASN1Time {
    let now = SystemClock::new().wall().unix_seconds();
    ASN1Time::from_timestamp(now + days * 86_400).unwrap()
}

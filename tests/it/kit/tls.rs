//! TLS from both sides: an authority with what it issues, and clients that trust it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use gatepass::net::tls::CertificateFiles;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::soon;
use super::wire::{Dial, Io};

/// An authority of the test's own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// What a client trusts, and the name it asks for.
#[derive(Clone)]
pub(crate) struct Trust {
    roots: Arc<RootCertStore>,
    /// Remembers sessions.
    kept: Arc<ClientConfig>,
    /// The client's own certificate.
    own: Option<Arc<Own>>,
    name: ServerName<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Issues a certificate for `names` to files in `folder`, named after `file`.
    pub(crate) fn issue(&self, folder: &Path, file: &str, names: &[&str]) -> CertificateFiles {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let write = |kind: &str, text: String| {
            let path = folder.join(format!("{file}.{kind}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        CertificateFiles {
            chain: write("pem", leaf.pem()),
            key: write("key", key.serialize_pem()),
            ocsp: None,
        }
    }

    /// A client that trusts this authority, and asks for no name.
    pub(crate) fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let roots = Arc::new(roots);
        Trust {
            kept: Arc::new(config(&roots, None, &["http/1.1"])),
            own: None,
            roots,
            name: ServerName::try_from("127.0.0.1").unwrap(),
        }
    }
}

impl Authority {
    /// A server with a certificate for `names`.
    pub(crate) fn acceptor(&self, names: &[&str]) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key.into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Issues `site.pem` and `site.key`.
    pub(crate) fn issue_for_this_machine(&self, folder: &Path) {
        self.issue(folder, "site", &["127.0.0.1", "localhost"]);
    }
}

/// A client's own certificate.
pub(crate) struct Own {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Writes its certificate to a file.
    pub(crate) fn write(&self, path: &Path) {
        let pem = pem_of(&self.certificate);
        std::fs::write(path, pem).unwrap();
    }

    /// Issues a certificate for a client: the parts of its subject, and its e-mail address.
    pub(crate) fn issue_client(&self, subject: &[(DnType, &str)], email: Option<&str>) -> Own {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (part, value) in subject {
            params.distinguished_name.push(part.clone(), *value);
        }
        let names = email.map(|email| SanType::Rfc822Name(email.try_into().unwrap()));
        params.subject_alt_names.extend(names);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Own {
            certificate: leaf.der().clone(),
            key: key.into(),
        }
    }

    /// A client that trusts this authority and shows its certificate for `name`, which it
    /// also gets in files named `client` in `folder`.
    pub(crate) fn client(&self, folder: &Path, name: &str) -> Trust {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join("client.pem"), leaf.pem()).unwrap();
        std::fs::write(folder.join("client.key"), key.serialize_pem()).unwrap();
        let own = Arc::new(Own {
            certificate: leaf.der().clone(),
            key: key.into(),
        });
        let trust = self.trust();
        Trust {
            kept: Arc::new(config(&trust.roots, Some(&own), &["http/1.1"])),
            own: Some(own),
            ..trust
        }
    }
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

impl Trust {
    /// The same client with a certificate of its own.
    pub(crate) fn with(mut self, own: Own) -> Self {
        self.kept = Arc::new(config(&self.roots, Some(&own), &["http/1.1"]));
        self.own = Some(Arc::new(own));
        self
    }

    /// The same client, which shows the certificate of `other`.
    pub(crate) fn showing(mut self, other: &Self) -> Self {
        self.own.clone_from(&other.own);
        self
    }

    /// The same client asking for `name`.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = ServerName::try_from(name.to_owned()).unwrap();
        self
    }

    /// A connection for HTTP/1.1.
    pub(crate) async fn http1(&self, to: SocketAddr) -> TlsStream<TcpStream> {
        let stream = self.connect(to, &["http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream
    }

    /// A connection for HTTP/2.
    pub(crate) async fn http2(&self, to: SocketAddr) -> TlsStream<TcpStream> {
        let stream = self.connect(to, &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream
    }

    /// Makes connections for HTTP/1.1.
    pub(crate) fn dial(&self) -> Dial {
        let trust = self.clone();
        Arc::new(move |to| {
            let trust = trust.clone();
            Box::pin(async move { Box::new(trust.http1(to).await) as Box<dyn Io> })
        })
    }

    pub(crate) async fn connect(
        &self,
        to: SocketAddr,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect_with(
            to,
            Arc::new(config(&self.roots, self.own.as_deref(), protocols)),
        )
        .await
    }

    /// A connection for HTTP/1.1, which resumes the session of the last one of these.
    pub(crate) async fn again(&self, to: SocketAddr) -> TlsStream<TcpStream> {
        self.connect_with(to, Arc::clone(&self.kept)).await.unwrap()
    }

    async fn connect_with(
        &self,
        to: SocketAddr,
        config: Arc<ClientConfig>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = soon(TcpStream::connect(to)).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(config);
        soon(connector.connect(self.name.clone(), stream)).await
    }
}

fn config(roots: &Arc<RootCertStore>, own: Option<&Own>, protocols: &[&str]) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Arc::clone(roots));
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder
            .with_client_auth_cert(vec![own.certificate.clone()], own.key.clone_key())
            .unwrap(),
    };
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    config
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Whether a session was resumed on a connection.
pub(crate) fn has_resumed(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
}

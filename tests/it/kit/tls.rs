//! TLS from both sides: an authority with what it issues, and clients that trust it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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
    pub(crate) fn issue(&self, folder: &Path, file: &str, names: &[&str]) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let write = |kind: &str, text: String| {
            std::fs::write(folder.join(format!("{file}.{kind}")), text).unwrap();
        };
        write("pem", leaf.pem());
        write("key", key.serialize_pem());
    }

    /// Issues `site.pem` and `site.key`.
    pub(crate) fn issue_for_this_machine(&self, folder: &Path) {
        self.issue(folder, "site", &["127.0.0.1", "localhost"]);
    }

    /// A client that trusts this authority, and asks for no name.
    pub(crate) fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let roots = Arc::new(roots);
        Trust {
            kept: Arc::new(config(&roots, &["http/1.1"])),
            roots,
            name: ServerName::try_from("127.0.0.1").unwrap(),
        }
    }
}

impl Trust {
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
        self.connect_with(to, Arc::new(config(&self.roots, protocols)))
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

fn config(roots: &Arc<RootCertStore>, protocols: &[&str]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    config
}

/// Whether a session was resumed on a connection.
pub(crate) fn has_resumed(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
}

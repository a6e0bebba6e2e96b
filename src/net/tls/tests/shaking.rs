//! One client, one listener, one handshake.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::pki::ClientPair;
use crate::net::tls::{HandshakeError, TlsAcceptor, TlsFacts, TlsStream};

pub(super) type ClientStream = tokio_rustls::client::TlsStream<TcpStream>;

/// What became of a handshake, on both sides.
#[derive(Debug)]
pub(super) struct Shaken {
    pub(super) server: Result<(TlsStream, TlsFacts), HandshakeError>,
    pub(super) client: Result<ClientStream, io::Error>,
}

/// A client that takes every certificate and remembers the OCSP response beside it.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) config: ClientConfig,
    staple: Arc<Mutex<Vec<u8>>>,
}

const LIMIT: Duration = Duration::from_secs(10);
pub(super) const BOTH: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

impl Caller {
    pub(super) fn new() -> Self {
        Self::speaking(BOTH, None)
    }

    pub(super) fn with(pair: &ClientPair) -> Self {
        Self::speaking(BOTH, Some(pair))
    }

    pub(super) fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        pair: Option<&ClientPair>,
    ) -> Self {
        let staple = Arc::default();
        let verifier = TakesAll(Arc::clone(&staple), aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match pair {
            None => builder.with_no_client_auth(),
            Some(pair) => builder
                .with_client_auth_cert(pair.chain.clone(), pair.key.clone_key())
                .unwrap(),
        };
        Self { config, staple }
    }

    pub(super) fn alpn(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|p| p.as_bytes().to_vec());
        self.config.alpn_protocols = protocols.collect();
        self
    }

    /// The OCSP response of the last handshake.
    pub(super) fn staple(&self) -> Vec<u8> {
        self.staple.lock().unwrap().clone()
    }

    /// Shakes hands with `acceptor`, asking for `name`, or for nobody when it is an address.
    pub(super) async fn shake(&self, acceptor: &TlsAcceptor, name: &str) -> Shaken {
        let connector = tokio_rustls::TlsConnector::from(Arc::new(self.config.clone()));
        let (ours, theirs) = pair_of_sockets().await;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let client = async {
            let mut stream = connector.connect(name, ours).await?;
            // A refusal comes behind the client's last word, and so do tickets.
            let mut greeting = [0; 5];
            stream.read_exact(&mut greeting).await?;
            Ok(stream)
        };
        let server = async {
            let (mut stream, facts) = acceptor.accept(theirs, LIMIT).await?;
            stream.write_all(b"hello").await.unwrap();
            stream.flush().await.unwrap();
            Ok((stream, facts))
        };
        let (client, server) = tokio::join!(client, server);
        Shaken { server, client }
    }
}

impl Shaken {
    pub(super) fn facts(self) -> TlsFacts {
        self.server.unwrap().1
    }

    /// The certificate that the client was shown.
    pub(super) fn leaf(&self) -> CertificateDer<'static> {
        let (_, connection) = self.client.as_ref().unwrap().get_ref();
        connection.peer_certificates().unwrap()[0].clone()
    }

    /// What the listener logs, and what the client is told.
    pub(super) fn refusal(self) -> (String, String) {
        (
            self.server.unwrap_err().to_string(),
            self.client.unwrap_err().to_string(),
        )
    }
}

/// Two ends of a connection.
pub(super) async fn pair_of_sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connecting = TcpStream::connect(listener.local_addr().unwrap());
    let (ours, theirs) = tokio::join!(connecting, listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

#[derive(Debug)]
struct TakesAll(Arc<Mutex<Vec<u8>>>, CryptoProvider);

impl ServerCertVerifier for TakesAll {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = ocsp.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.1.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.1.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

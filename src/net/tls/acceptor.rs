//! From a socket to a TLS connection.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ServerConfig;
use rustls::{HandshakeKind, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::certificates::Certificates;
use super::client_auth::ClientPolicy;
use super::facts::Shown;
use super::names::Names;
use super::resumption::Resumption;
use super::wall::Wall;
use super::{
    HandshakeError, Protocol, TlsError, TlsFacts, TlsSettings, TlsVersion, client_certificate,
};
use crate::domain::{Clock, SystemClock};

/// A client's connection over TLS.
pub type TlsStream = tokio_rustls::server::TlsStream<TcpStream>;

/// Shakes hands with clients. Cheap to clone; all clones share certificates and resumable
/// sessions.
#[derive(Clone, Debug)]
pub struct TlsAcceptor {
    now: Arc<ArcSwap<State>>,
    wall: Wall,
}

/// What new clients are shown, read and checked, not yet in force: see
/// [`TlsAcceptor::put`].
#[derive(Debug)]
#[must_use]
pub struct NewTls(State);

#[derive(Debug)]
struct State {
    config: Arc<ServerConfig>,
    names: Arc<Names>,
    resumption: Resumption,
}

impl TlsAcceptor {
    /// Reads the files that `settings` name.
    ///
    /// # Errors
    ///
    /// [`TlsError`] with the file that cannot be used.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsError> {
        Self::with_clock(settings, Arc::new(SystemClock::new()))
    }

    /// As [`new`](Self::new); whether certificates are valid is told by `clock`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(settings: &TlsSettings, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let wall = Wall::new(clock);
        let state = State::read(settings, &wall, None)?;
        Ok(Self {
            now: Arc::new(ArcSwap::from_pointee(state)),
            wall,
        })
    }

    /// Reads the files that `settings` name; changes nothing yet.
    ///
    /// # Errors
    ///
    /// [`TlsError`] with the file that cannot be used.
    pub fn read(&self, settings: &TlsSettings) -> Result<NewTls, TlsError> {
        let current = self.now.load();
        State::read(settings, &self.wall, Some(&current.resumption)).map(NewTls)
    }

    /// Shows new clients what was [read](Self::read); open connections go on. Sessions are
    /// resumed across the exchange unless what is asked of clients changed, be it in the
    /// settings or in the files: a resumed session is not verified again.
    pub fn put(&self, new: NewTls) {
        self.now.store(Arc::new(new.0));
    }

    /// [Reads](Self::read) the files again and [puts](Self::put) them into force.
    ///
    /// # Errors
    ///
    /// [`TlsError`]; then everything is as it was.
    pub fn replace(&self, settings: &TlsSettings) -> Result<(), TlsError> {
        self.put(self.read(settings)?);
        Ok(())
    }

    /// Shakes hands on `stream`, within `limit`.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]; the client has been told with a TLS alert where that is possible.
    pub async fn accept(
        &self,
        stream: TcpStream,
        limit: Duration,
    ) -> Result<(TlsStream, TlsFacts), HandshakeError> {
        let state = self.now.load_full();
        let deadline = Instant::now() + limit;
        let shaking = tokio_rustls::TlsAcceptor::from(Arc::clone(&state.config))
            .accept(stream)
            .into_fallible();
        match timeout_at(deadline, shaking).await {
            Err(_) => Err(HandshakeError::TimedOut),
            Ok(Err((error, stream))) => {
                linger(stream).await;
                Err(HandshakeError::of(error))
            }
            Ok(Ok(mut stream)) => match state.facts(&stream, &self.wall) {
                Ok(facts) => Ok((stream, facts)),
                Err(error) => {
                    let _ = timeout(LINGER, stream.shutdown()).await;
                    Err(error)
                }
            },
        }
    }
}

impl State {
    fn read(
        settings: &TlsSettings,
        wall: &Wall,
        earlier: Option<&Resumption>,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let now = wall.now();
        let certificates = Certificates::read(&settings.certificates, &provider, now)?;
        let client = settings.client.as_ref();
        let client = client.map(|auth| ClientPolicy::read(auth, &provider, now));
        let (policy, verifier) = client.transpose()?.unzip();
        let resumption = match earlier {
            Some(earlier) => earlier.under(policy, wall)?,
            None => Resumption::new(policy, wall)?,
        };

        let names = Arc::clone(certificates.names());
        let builder = versions(provider, wall, settings.min_version)?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
        config.session_storage = resumption.sessions();
        config.ticketer = resumption.tickets();
        // Early data can be replayed by anybody who saw them.
        config.max_early_data_size = 0;
        Ok(Self {
            config: Arc::new(config),
            names,
            resumption,
        })
    }

    /// What is known of a connection that was made with this.
    fn facts(&self, stream: &TlsStream, wall: &Wall) -> Result<TlsFacts, HandshakeError> {
        let (_, connection) = stream.get_ref();
        let refused = |why: &str| HandshakeError::ClientCertificate(why.to_owned());
        let certificate = match connection.peer_certificates().and_then(<[_]>::first) {
            None => None,
            Some(der) => {
                let read = client_certificate::read(der);
                Some(read.ok_or_else(|| refused("it cannot be read"))?)
            }
        };
        // A session that is resumed was verified when it was new.
        if certificate
            .as_ref()
            .is_some_and(|c| c.not_after < wall.now())
        {
            return Err(refused("it has expired"));
        }
        let name = connection.server_name();
        let protocol = match connection.alpn_protocol() {
            Some(H2) => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok(TlsFacts {
            protocol,
            server_name: name.map(|name| {
                let name = name.to_ascii_lowercase();
                name.strip_suffix('.').unwrap_or(&name).into()
            }),
            certificate: certificate.map(Arc::new),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            shown: Shown {
                names: Arc::clone(&self.names),
                index: self.names.choose(name),
            },
        })
    }
}

/// A configuration's beginning: library, versions, time.
fn versions(
    provider: Arc<CryptoProvider>,
    wall: &Wall,
    min: TlsVersion,
) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, TlsError> {
    let versions: &[&SupportedProtocolVersion] = match min {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    ServerConfig::builder_with_details(provider, Arc::new(wall.clone()))
        .with_protocol_versions(versions)
        .map_err(TlsError::Library)
}

/// Lets a refused client read the alert that was written: closing a socket with something
/// unread on it would take it back (RFC 9112, section 9.6, on the same trouble).
async fn linger(mut stream: TcpStream) {
    let drain = async {
        let mut waste = [0; 1024];
        let mut left = MAX_WASTE;
        let _ = stream.shutdown().await;
        while let Ok(read @ 1..) = stream.read(&mut waste).await {
            left = left.saturating_sub(read);
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
}

const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";
/// How long a refused client may take to close its connection.
const LINGER: Duration = Duration::from_millis(500);
/// Bytes of a refused client that are read and thrown away.
const MAX_WASTE: usize = 64 * 1024;

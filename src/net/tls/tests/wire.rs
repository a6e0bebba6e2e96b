//! Names, protocols and versions; what comes in odd pieces.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use super::pki::{Pki, settings};
use super::shaking::{BOTH, Caller, pair_of_sockets};
use crate::net::tls::{HandshakeError, Protocol, TlsAcceptor, TlsSettings, TlsVersion};

fn two_sites(pki: &Pki) -> TlsSettings {
    settings(vec![
        pki.server("first", &["first.example", "127.0.0.1"]),
        pki.server("second", &["second.example", "*.wild.example"]),
    ])
}

#[tokio::test]
async fn s07_the_certificate_is_the_one_for_the_name() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&two_sites(&pki)).unwrap();
    let caller = Caller::new();
    let first = caller.shake(&acceptor, "first.example").await.leaf();
    let second = caller.shake(&acceptor, "second.example").await.leaf();
    assert_ne!(first, second);
    for (name, leaf) in [
        ("SECOND.Example", &second),
        ("x.wild.example", &second),
        ("X.WILD.example", &second),
        ("x.y.wild.example", &first),
        ("wild.example", &first),
        ("unknown.example", &first),
        ("127.0.0.1", &first),
    ] {
        let shaken = caller.shake(&acceptor, name).await;
        assert_eq!(&shaken.leaf(), leaf, "{name}");
        let asked = shaken.facts().server_name;
        let lower = name.to_ascii_lowercase();
        let expected = (name != "127.0.0.1").then_some(&*lower);
        assert_eq!(asked.as_deref(), expected, "{name}");
    }
}

#[tokio::test]
async fn s07_a_connection_serves_the_hosts_of_its_certificate() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&two_sites(&pki)).unwrap();
    let second = Caller::new().shake(&acceptor, "second.example").await;
    let second = second.facts();
    for host in [
        "second.example",
        "second.example:8443",
        "SECOND.example.",
        "second.example.:443",
        "any.wild.example",
    ] {
        assert!(second.serves(host), "{host}");
    }
    for host in [
        "first.example",
        "unknown.example",
        "127.0.0.1",
        "[::1]:443",
        "",
        "a b",
    ] {
        assert!(!second.serves(host), "{host}");
    }
    let nameless = Caller::new().shake(&acceptor, "127.0.0.1").await.facts();
    for host in [
        "127.0.0.1:8443",
        "[::1]",
        "first.example",
        "unknown.example",
    ] {
        assert!(nameless.serves(host), "{host}");
    }
    assert!(!nameless.serves("second.example"));
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_wants_it() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&two_sites(&pki)).unwrap();
    for (offered, protocol) in [
        (&["h2", "http/1.1"][..], Protocol::Http2),
        (&["http/1.1"], Protocol::Http1),
        (&[], Protocol::Http1),
    ] {
        let shaken = Caller::new()
            .alpn(offered)
            .shake(&acceptor, "first.example")
            .await;
        assert_eq!(shaken.facts().protocol, protocol, "{offered:?}");
    }
    let other = Caller::new()
        .alpn(&["spdy/3"])
        .shake(&acceptor, "first.example")
        .await;
    let (log, alert) = other.refusal();
    assert_eq!(log, "client and listener have no protocol (ALPN) in common");
    assert!(alert.contains("NoApplicationProtocol"), "{alert}");
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_1_3_can_be_asked_for() {
    let pki = Pki::new();
    let both = two_sites(&pki);
    let newest = TlsSettings {
        min_version: TlsVersion::Tls13,
        ..both.clone()
    };
    let both = TlsAcceptor::new(&both).unwrap();
    let newest = TlsAcceptor::new(&newest).unwrap();
    for version in BOTH {
        let shaken = Caller::speaking(&[version], None)
            .shake(&both, "first.example")
            .await;
        let (stream, _) = shaken.server.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    }
    let shaken = Caller::speaking(&[&TLS13], None)
        .shake(&newest, "first.example")
        .await;
    shaken.facts();
    let old = Caller::speaking(&[&TLS12], None)
        .shake(&newest, "first.example")
        .await;
    let (log, alert) = old.refusal();
    assert_eq!(log, "client and listener have no version of TLS in common");
    assert!(alert.contains("ProtocolVersion"), "{alert}");
}

/// Sends one byte at a time, each in a packet of its own.
struct Dribble(TcpStream);

impl AsyncWrite for Dribble {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &bytes[..bytes.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncRead for Dribble {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

#[tokio::test]
async fn s33_a_client_hello_in_pieces_is_the_same_client_hello() {
    let pki = Pki::new();
    let mut asking = two_sites(&pki);
    asking.client = Some(pki.auth(true));
    let acceptor = TlsAcceptor::new(&asking).unwrap();
    let pair = pki.client("Me", |_| {});
    let whole = Caller::with(&pair)
        .shake(&acceptor, "second.example")
        .await
        .leaf();

    for (caller, with_certificate) in [(Caller::with(&pair), true), (Caller::new(), false)] {
        let mut config = caller.config.clone();
        // A record for every 27 bytes, and a packet for every byte.
        config.max_fragment_size = Some(32);
        let (ours, theirs) = pair_of_sockets().await;
        ours.set_nodelay(true).unwrap();
        let name = ServerName::try_from("second.example").unwrap();
        let client = async {
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect(name, Dribble(ours)).await?;
            stream.read_u8().await?;
            let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
            io::Result::Ok(leaf)
        };
        let server = async {
            let (mut stream, facts) = acceptor.accept(theirs, Duration::from_secs(10)).await?;
            stream.write_all(b"x").await.unwrap();
            stream.flush().await.unwrap();
            Ok::<_, HandshakeError>(facts)
        };
        let (client, server) = tokio::join!(client, server);
        if with_certificate {
            assert_eq!(client.unwrap(), whole);
            assert!(server.unwrap().certificate.is_some());
        } else {
            client.unwrap_err();
            let refusal = server.unwrap_err();
            assert!(
                matches!(refusal, HandshakeError::NoClientCertificate),
                "{refusal}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_told_apart() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&two_sites(&pki)).unwrap();
    let accept = async |said: &[u8], limit| {
        let (mut ours, theirs) = pair_of_sockets().await;
        ours.write_all(said).await.unwrap();
        let accepted = acceptor.accept(theirs, limit).await;
        drop(ours);
        accepted.unwrap_err()
    };
    let limit = Duration::from_millis(50);
    let plain = accept(
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        Duration::from_secs(10),
    )
    .await;
    assert!(matches!(plain, HandshakeError::NotTls), "{plain:?}");
    for slow in [&b""[..], &[22, 3, 1, 2, 0, 1, 0]] {
        let slow = accept(slow, limit).await;
        assert!(matches!(slow, HandshakeError::TimedOut), "{slow:?}");
    }
    let (ours, theirs) = pair_of_sockets().await;
    drop(ours);
    let left = acceptor
        .accept(theirs, Duration::from_secs(10))
        .await
        .unwrap_err();
    assert!(matches!(left, HandshakeError::Left), "{left:?}");
}

#[tokio::test]
async fn a_client_that_does_not_trust_us_says_so() {
    let pki = Pki::new();
    let acceptor = TlsAcceptor::new(&two_sites(&pki)).unwrap();
    let mut stranger = Caller::new();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::clone(stranger.config.crypto_provider()));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(Pki::new().ca()).unwrap();
    stranger.config = config
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let shaken = stranger.shake(&acceptor, "first.example").await;
    let log = shaken.server.unwrap_err();
    assert!(log.is_notable());
    let log = log.to_string();
    assert!(log.starts_with("the client gave up: "), "{log}");
}

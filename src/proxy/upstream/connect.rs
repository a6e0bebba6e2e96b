//! A new connection to an address.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::{UpstreamAddress, UpstreamBody, UpstreamError};
use crate::net::tls::UpstreamTlsStream;

/// Connects to `address` within `limit`, and spawns the task that drives the connection.
pub(super) async fn connect<B: UpstreamBody>(
    address: &UpstreamAddress,
    limit: Duration,
) -> Result<http1::SendRequest<B>, UpstreamError> {
    let stream = match timeout(limit, secured(address, limit)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() != io::ErrorKind::TimedOut => {
            return Err(UpstreamError::Connect {
                address: address.clone(),
                source: error,
            });
        }
        Ok(Err(_)) | Err(_) => {
            return Err(UpstreamError::ConnectTimeout {
                address: address.clone(),
                after: limit,
            });
        }
    };
    match stream {
        Stream::Plain(stream) => speak(address, stream).await,
        Stream::Tls(stream) => speak(address, stream).await,
    }
}

/// A connection on which nothing has been said yet.
enum Stream {
    Plain(TcpStream),
    Tls(Box<UpstreamTlsStream>),
}

async fn secured(address: &UpstreamAddress, limit: Duration) -> io::Result<Stream> {
    let stream = open(address, limit).await?;
    if !address.is_https() {
        return Ok(Stream::Plain(stream));
    }
    let Some(tls) = address.tls() else {
        return Err(io::Error::other("no TLS was set up for it"));
    };
    let stream = tls.connect(address.host(), stream).await?;
    Ok(Stream::Tls(Box::new(stream)))
}

async fn speak<B: UpstreamBody, IO>(
    address: &UpstreamAddress,
    stream: IO,
) -> Result<http1::SendRequest<B>, UpstreamError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .writev(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|source| UpstreamError::Protocol {
            address: address.clone(),
            source,
        })?;
    let name = address.clone();
    tokio::spawn(async move {
        // Those who have a request on it are told themselves.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(upstream.address = %name, %error, "upstream connection ended");
        }
    });
    Ok(sender)
}

async fn open(address: &UpstreamAddress, limit: Duration) -> io::Result<TcpStream> {
    let stream = match address.socket() {
        Some(socket) => TcpStream::connect(socket).await?,
        None => by_name(address, limit).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tries the addresses of a name one after the other. Each gets its share of the time that
/// is left, so that one that swallows packets does not use up all of it.
async fn by_name(address: &UpstreamAddress, limit: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + limit;
    let sockets = alternate(
        lookup_host((address.host(), address.port()))
            .await?
            .collect(),
    );
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut left = u32::try_from(sockets.len()).unwrap_or(u32::MAX);
    for socket in sockets {
        let now = Instant::now();
        let share = now + deadline.saturating_duration_since(now) / left;
        match timeout_at(share, TcpStream::connect(socket)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
        left -= 1;
    }
    Err(last)
}

/// The families in turn, beginning with the resolver's first choice (RFC 8305, section 4).
fn alternate(sockets: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = sockets.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = sockets
        .into_iter()
        .partition(|socket| socket.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    loop {
        match (first.next(), second.next()) {
            (None, None) => return turns,
            (a, b) => turns.extend(a.into_iter().chain(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let list = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            alternate(list(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1"])),
            list(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"])
        );
        assert!(alternate(Vec::new()).is_empty());
    }
}

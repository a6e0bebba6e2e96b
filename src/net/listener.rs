//! Listening sockets, and accepting from them whatever happens.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::num::NonZeroUsize;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another program, or this one twice, listens there.
    #[error("cannot listen on {0}: address already in use")]
    InUse(SocketAddr),
    /// The system does not let us, as with ports below 1024.
    #[error("cannot listen on {0}: permission denied")]
    Denied(SocketAddr),
    /// This machine does not have the address.
    #[error("cannot listen on {0}: this machine does not have the address")]
    NotOurs(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl ListenError {
    fn new(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::PermissionDenied => Self::Denied(address),
            io::ErrorKind::AddrNotAvailable => Self::NotOurs(address),
            _ => Self::Other { address, source },
        }
    }
}

/// Opens `sockets` listening sockets on one address, one for each worker; port 0 is chosen
/// once for all of them. With more than one, the kernel spreads connections over them
/// (`SO_REUSEPORT`), and still no other program may be listening there.
///
/// They do not block, and belong to no runtime yet: see [`Acceptor::new`].
///
/// # Errors
///
/// When the address is taken, forbidden, not this machine's, or unusable otherwise.
pub fn bind(address: SocketAddr, sockets: NonZeroUsize) -> Result<Vec<StdListener>, ListenError> {
    open(address, sockets).map_err(|source| ListenError::new(address, source))
}

fn open(address: SocketAddr, sockets: NonZeroUsize) -> io::Result<Vec<StdListener>> {
    let share = sockets.get() > 1;
    if share && address.port() != 0 {
        // Sockets that share a port also share it with another process of the same user,
        // which would take half of the connections. One that does not share finds out.
        bound(address, false)?;
    }
    let first = listening(address, share)?;
    let address = first.local_addr()?;
    let mut listeners = Vec::with_capacity(sockets.get());
    listeners.push(first);
    for _ in 1..sockets.get() {
        listeners.push(listening(address, true)?);
    }
    Ok(listeners)
}

fn bound(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart need not wait for old connections to leave TIME_WAIT. On Windows the
    // option would let another program take the port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    if share {
        socket.set_reuse_port(true)?;
    }
    #[cfg(not(unix))]
    if share {
        return Err(io::ErrorKind::Unsupported.into());
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listening(address: SocketAddr, share: bool) -> io::Result<StdListener> {
    let socket = bound(address, share)?;
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections from one listening socket, through every failure.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    pause: Option<Duration>,
}

impl Acceptor {
    /// Takes over a socket of [`bind`], for the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch the socket.
    pub fn new(listener: StdListener) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            pause: None,
        })
    }

    /// Where it listens, with the port that was chosen.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection, with Nagle's algorithm off.
    ///
    /// A client that left while it waited is passed over. When the system has no descriptor
    /// or memory left, it waits 10 ms to 1 s and tries again; it logs the first time only.
    /// Dropping the future loses no connection.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if self.pause.take().is_some() {
                        tracing::info!("accepting connections again");
                    }
                    // It fails when the client has left, which the first read will tell.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => self.back_off(&error).await,
            }
        }
    }

    async fn back_off(&mut self, error: &io::Error) {
        let pause = self
            .pause
            .map_or(FIRST_PAUSE, |last| (last * 2).min(LAST_PAUSE));
        if self.pause.replace(pause).is_none() {
            tracing::error!(%error, "cannot accept connections, trying again until it works");
        }
        tokio::time::sleep(pause).await;
    }
}

/// Errors that say something of the connection at the head of the queue, and nothing of the
/// next (accept(2), "Error handling").
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::ConnectionRefused
            | Kind::Interrupted
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::TimedOut
    )
}

/// Connections that may wait to be accepted; the kernel may allow fewer.
const BACKLOG: i32 = 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const LOOPBACK: &str = "127.0.0.1:0";

    fn sockets(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn a_taken_address_is_named() {
        for count in [1, 2] {
            let first = bind(LOOPBACK.parse().unwrap(), sockets(count)).unwrap();
            let address = first[0].local_addr().unwrap();
            for again in [1, 2] {
                let error = bind(address, sockets(again)).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("cannot listen on {address}: address already in use")
                );
            }
            drop(first);
            bind(address, sockets(2)).unwrap();
        }
    }

    #[test]
    fn a_foreign_address_is_named() {
        let error = bind("192.0.2.1:0".parse().unwrap(), sockets(1)).unwrap_err();
        assert!(matches!(error, ListenError::NotOurs(_)), "{error:?}");
    }

    #[tokio::test]
    async fn workers_share_one_port() {
        let listeners = bind(LOOPBACK.parse().unwrap(), sockets(3)).unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert_ne!(address.port(), 0);
        let (sender, mut accepted) = tokio::sync::mpsc::unbounded_channel();
        for (worker, listener) in listeners.into_iter().enumerate() {
            assert_eq!(listener.local_addr().unwrap(), address);
            let mut acceptor = Acceptor::new(listener).unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                loop {
                    let (mut stream, peer) = acceptor.accept().await;
                    assert!(stream.nodelay().unwrap());
                    stream.write_all(b"hello").await.unwrap();
                    sender.send((worker, peer)).unwrap();
                }
            });
        }
        let mut workers = std::collections::HashSet::new();
        for _ in 0..64 {
            let mut client = TcpStream::connect(address).await.unwrap();
            let mut text = String::new();
            client.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "hello");
            let (worker, peer) = accepted.recv().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            workers.insert(worker);
        }
        assert!(workers.len() > 1, "one worker got all connections");
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_to_a_second_and_ends_with_success() {
        let listener = bind(LOOPBACK.parse().unwrap(), sockets(1))
            .unwrap()
            .remove(0);
        let mut acceptor = Acceptor::new(listener).unwrap();
        let error = io::Error::from_raw_os_error(24);
        assert!(!is_of_one_connection(&error));
        let start = tokio::time::Instant::now();
        for _ in 0..9 {
            acceptor.back_off(&error).await;
        }
        // 10 + 20 + 40 + ... + 640 + 1000 + 1000, each rounded up by the timer.
        let waited = start.elapsed().as_millis();
        assert!((3270..3300).contains(&waited), "{waited}");
    }
}

//! The demo app on a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The demo app, served on a loopback port that was free. It runs as long as the process.
#[derive(Debug)]
pub struct DemoApp {
    address: SocketAddr,
}

impl DemoApp {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When no port, thread or runtime can be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("demo-app".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let served = match tokio::net::TcpListener::from_std(listener) {
                        // Only the gateway connects, over loopback: no limits of its own are needed.
                        Ok(listener) => axum::serve(listener, super::router()).await,
                        Err(error) => Err(error),
                    };
                    if let Err(error) = served {
                        tracing::error!(%error, "the demo app has stopped");
                    }
                });
            })?;
        Ok(Self { address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

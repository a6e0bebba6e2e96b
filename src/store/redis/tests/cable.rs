//! The way between a node and a server, with faults.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a cable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cable {
    /// Everything goes through.
    Whole,
    /// Connections are cut, and new ones at once.
    Cut,
    /// Nothing comes through, in either direction, and nobody is told.
    Silent,
    /// What the node sends arrives; what the server answers does not.
    OneWay,
}

/// A proxy that stands for the network.
pub(crate) struct Network {
    address: SocketAddr,
    cable: watch::Sender<Cable>,
    port: watch::Sender<u16>,
}

impl Network {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cable, state) = watch::channel(Cable::Whole);
        let (sender, port) = watch::channel(port);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *state.borrow() == Cable::Cut {
                    continue;
                }
                let port = *port.borrow();
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(carry(near_in, far_out, state.clone(), false));
                tokio::spawn(carry(far_in, near_out, state.clone(), true));
            }
        });
        Self {
            address,
            cable,
            port: sender,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Leads to another server from now on; what is connected is cut.
    pub(crate) async fn lead_to(&self, port: u16) {
        self.cable.send_replace(Cable::Cut);
        self.port.send_replace(port);
        // Whoever carries something sees that it is cut before it is whole again.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.cable.send_replace(Cable::Whole);
    }

    pub(crate) fn set(&self, cable: Cable) {
        self.cable.send_replace(cable);
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Cable>,
    answers: bool,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let cut = async {
            let _ = state.wait_for(|cable| *cable == Cable::Cut).await;
        };
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = cut => return,
        };
        let Ok(count @ 1..) = read else {
            return;
        };
        let goes = |cable: &Cable| match cable {
            Cable::Whole | Cable::Cut => true,
            Cable::OneWay => !answers,
            Cable::Silent => false,
        };
        let Ok(now) = state.wait_for(goes).await.map(|cable| *cable) else {
            return;
        };
        if now == Cable::Cut || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

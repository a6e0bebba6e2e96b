//! The way between a node and a server, with faults.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How a cable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cable {
    /// Everything goes through.
    Whole,
    /// Connections are cut, and new ones at once.
    Cut,
    /// Nothing comes through, in either direction, and nobody is told. What was sent arrives
    /// when the cable is whole again.
    Silent,
    /// What the node sends arrives; what the server answers does not.
    OneWay,
    /// What the server says arrives; what the node sends does not.
    OtherWay,
    /// What is sent is lost, and nobody is told: a connection that lost something never
    /// carries anything again.
    Dropped,
    /// Everything arrives, in order, after a time between these two.
    Delayed(Range<Duration>),
}

/// Which connections are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    All,
    /// Those that are subscribed to a channel.
    Pushes,
    /// The others.
    Commands,
}

impl Lines {
    fn mean(self, subscribed: bool) -> bool {
        match self {
            Self::All => true,
            Self::Pushes => subscribed,
            Self::Commands => !subscribed,
        }
    }
}

/// A cable and the connections that it is of; the others are whole.
type State = (Lines, Cable);

/// A proxy that stands for the network.
pub(crate) struct Network {
    address: SocketAddr,
    state: watch::Sender<State>,
    to: watch::Sender<u16>,
}

impl Network {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel((Lines::All, Cable::Whole));
        let (to, port) = watch::channel(port);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *seen.borrow() == (Lines::All, Cable::Cut) {
                    continue;
                }
                let port = *port.borrow();
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                let line = Line {
                    state: seen.clone(),
                    subscribed: Arc::default(),
                    dead: Arc::default(),
                };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(line.clone().carry(near_in, far_out, false));
                tokio::spawn(line.carry(far_in, near_out, true));
            }
        });
        Self { address, state, to }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Leads to another server from now on; what is connected is cut.
    pub(crate) async fn fail_over_to(&self, port: u16) {
        self.set(Cable::Cut);
        self.lead_to(port);
        // Whoever carries something sees that it is cut before it is whole again.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.set(Cable::Whole);
    }

    pub(crate) fn set(&self, cable: Cable) {
        self.set_for(Lines::All, cable);
    }

    /// As [`set`](Self::set), for some connections.
    pub(crate) fn set_for(&self, lines: Lines, cable: Cable) {
        self.state.send_replace((lines, cable));
    }

    /// Connections lead to `port` from now on; those there are stay where they are.
    pub(crate) fn lead_to(&self, port: u16) {
        self.to.send_replace(port);
    }
}

/// A connection.
#[derive(Clone)]
struct Line {
    state: watch::Receiver<State>,
    subscribed: Arc<AtomicBool>,
    /// It has lost something.
    dead: Arc<AtomicBool>,
}

impl Line {
    async fn carry(mut self, mut from: OwnedReadHalf, to: OwnedWriteHalf, answers: bool) {
        let (sender, sent) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write(sent, to));
        let mut buffer = vec![0; 65_536];
        loop {
            let (subscribed, mut state) = (Arc::clone(&self.subscribed), self.state.clone());
            let cut = async move {
                let is_cut = |(lines, cable): &State| {
                    *cable == Cable::Cut && lines.mean(subscribed.load(Ordering::Relaxed))
                };
                let _ = state.wait_for(is_cut).await;
            };
            let read = tokio::select! {
                read = from.read(&mut buffer) => read,
                () = cut => break,
            };
            let Ok(count @ 1..) = read else {
                break;
            };
            let piece = &buffer[..count];
            if !answers && piece.windows(9).any(|word| word == b"SUBSCRIBE") {
                self.subscribed.store(true, Ordering::Relaxed);
            }
            let Some(wait) = self.way(answers).await else {
                break;
            };
            if self.dead.load(Ordering::Relaxed) {
                continue;
            }
            if sender
                .send((Instant::now() + wait, piece.to_vec()))
                .is_err()
            {
                break;
            }
        }
        // What is on its way does not arrive any more, in a cut cable; else it does.
        if self.cable() == Cable::Cut {
            writer.abort();
        }
    }

    /// How this line is now.
    fn cable(&self) -> Cable {
        let (lines, cable) = &*self.state.borrow();
        match lines.mean(self.subscribed.load(Ordering::Relaxed)) {
            true => cable.clone(),
            false => Cable::Whole,
        }
    }

    /// Waits until something may go; how long it takes then. `None` when the line is cut.
    async fn way(&mut self, answers: bool) -> Option<Duration> {
        loop {
            self.state.mark_unchanged();
            match self.cable() {
                Cable::Whole => return Some(Duration::ZERO),
                Cable::Cut => return None,
                Cable::OneWay if !answers => return Some(Duration::ZERO),
                Cable::OtherWay if answers => return Some(Duration::ZERO),
                Cable::Delayed(range) => return Some(between(&range)),
                Cable::Dropped => {
                    self.dead.store(true, Ordering::Relaxed);
                    return Some(Duration::ZERO);
                }
                Cable::Silent | Cable::OneWay | Cable::OtherWay => {}
            }
            self.state.changed().await.ok()?;
        }
    }
}

/// Writes each piece at its time, in order.
async fn write(mut sent: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>, mut to: OwnedWriteHalf) {
    while let Some((due, piece)) = sent.recv().await {
        tokio::time::sleep_until(due).await;
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}

/// Some time of `range`, another one each time.
fn between(range: &Range<Duration>) -> Duration {
    static DICE: AtomicU64 = AtomicU64::new(1);
    let thrown = DICE.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed) >> 32;
    let width = u64::try_from((range.end - range.start).as_micros()).unwrap();
    range.start + Duration::from_micros((thrown * width) >> 32)
}

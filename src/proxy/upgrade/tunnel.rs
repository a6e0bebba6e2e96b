//! The life of a tunnel: relayed until a side, the session or the gateway ends.

use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::relay::{Close, GOING_AWAY, Relay};
use crate::proxy::deadline::Deadlines;
use crate::sessions::Tie;

/// What a tunnel goes by.
pub struct TunnelOptions {
    /// The worker's time limits.
    pub deadlines: Deadlines,
    /// The session whose end closes the tunnel.
    pub tie: Option<Tie>,
    /// How long nothing may move in either direction; no limit by default.
    pub idle: Option<Duration>,
    /// Cancelled when the gateway shuts down; never by default.
    pub drain: CancellationToken,
    /// Called when the client has sent something, at most once a second: what keeps its
    /// session alive. What the upstream sends and a WebSocket's pings, pongs and closes do
    /// not count: they come without anybody doing anything.
    pub on_activity: Option<Box<dyn FnMut() + Send>>,
    /// Called when the tunnel has closed. What it holds is dropped then at the latest, so it
    /// may hold the guard of a gauge.
    pub on_close: Option<Box<dyn FnOnce(TunnelReport) + Send>>,
}

/// How a tunnel went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelReport {
    /// Why it ended.
    pub end: TunnelEnd,
    /// Bytes from the client.
    pub received: u64,
    /// Bytes from the upstream.
    pub sent: u64,
}

/// Why a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TunnelEnd {
    /// Both sides had ended, or one side of a WebSocket and the other did not follow.
    Finished,
    /// A connection broke.
    Failed,
    /// The session ended.
    SessionEnded,
    /// The gateway shuts down.
    Draining,
    /// Nothing moved for too long.
    Idle,
}

impl TunnelOptions {
    /// Nothing but the worker's time limits.
    #[must_use]
    pub fn new(deadlines: Deadlines) -> Self {
        Self {
            deadlines,
            tie: None,
            idle: None,
            drain: CancellationToken::new(),
            on_activity: None,
            on_close: None,
        }
    }
}

impl TunnelReport {
    pub(super) const fn without_bytes(end: TunnelEnd) -> Self {
        Self {
            end,
            received: 0,
            sent: 0,
        }
    }
}

impl TunnelEnd {
    /// What a WebSocket's client is told; nothing where nobody is left to be told.
    const fn close(self) -> Option<Close> {
        let (code, reason) = match self {
            Self::Finished | Self::Failed => return None,
            Self::SessionEnded => (POLICY_VIOLATION, "session ended"),
            Self::Draining => (GOING_AWAY, "going away"),
            Self::Idle => (GOING_AWAY, "idle"),
        };
        Some(Close { code, reason })
    }
}

/// Relays between the two until there is an end, and closes them.
pub(super) async fn run<C, U>(
    client: C,
    upstream: U,
    websocket: bool,
    options: TunnelOptions,
) -> TunnelReport
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut relay = Relay::new(client, upstream, websocket);
    let end = relay_until_end(&mut relay, websocket, options).await;
    if websocket && let Some(close) = end.close() {
        close_politely(&mut relay, close).await;
    }
    let (received, sent) = relay.bytes();
    TunnelReport {
        end,
        received,
        sent,
    }
}

async fn relay_until_end<C, U>(
    relay: &mut Relay<C, U>,
    websocket: bool,
    options: TunnelOptions,
) -> TunnelEnd
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let TunnelOptions {
        deadlines,
        tie,
        idle,
        drain,
        mut on_activity,
        ..
    } = options;
    let mut limit = idle.map(|idle| deadlines.limit(idle));
    // A WebSocket does not go on in one direction only.
    let mut half = deadlines.limit(ANSWER);
    let (second, mut touch_at) = (deadlines.ticks(ACTIVITY), 0);
    let mut ended = pin!(async {
        match &tie {
            Some(tie) => tie.ended().await,
            None => pending().await,
        }
    });
    let mut draining = pin!(drain.cancelled());
    poll_fn(|cx| {
        // First, so that nothing that comes after the end is passed on.
        if ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(TunnelEnd::SessionEnded);
        }
        if draining.as_mut().poll(cx).is_ready() {
            return Poll::Ready(TunnelEnd::Draining);
        }
        let relayed = relay.poll(cx);
        if relay.take_client_data() && deadlines.now() >= touch_at {
            touch_at = deadlines.now() + second;
            if let Some(on_activity) = &mut on_activity {
                on_activity();
            }
        }
        match relayed {
            Poll::Ready(Ok(())) => return Poll::Ready(TunnelEnd::Finished),
            Poll::Ready(Err(error)) => {
                log_failure(&error);
                return Poll::Ready(TunnelEnd::Failed);
            }
            Poll::Pending => {}
        }
        if websocket && relay.is_half_closed() && half.poll_waiting(cx).is_ready() {
            return Poll::Ready(TunnelEnd::Finished);
        }
        let Some(limit) = &mut limit else {
            return Poll::Pending;
        };
        if relay.take_moved() {
            limit.progress();
        }
        limit.poll_waiting(cx).map(|()| TunnelEnd::Idle)
    })
    .await
}

/// Closes a WebSocket as RFC 6455, section 7 has it, within the limits below.
async fn close_politely<C, U>(relay: &mut Relay<C, U>, close: Close)
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    relay.begin_close(close);
    // In the middle of a frame that does not end there is no way to say anything: cut.
    if let Ok(Ok(())) = timeout(LAST_FRAME, poll_fn(|cx| relay.poll_closed(cx))).await {
        let _ = timeout(ANSWER, poll_fn(|cx| relay.poll_answer(cx))).await;
        let _ = timeout(ANSWER, poll_fn(|cx| relay.poll_shutdown(cx))).await;
    }
}

fn log_failure(error: &io::Error) {
    tracing::debug!(%error, "a side of a tunnel broke off");
}

impl fmt::Debug for TunnelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunnelOptions")
            .field("tie", &self.tie)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}

/// RFC 6455, section 7.4.1: the endpoint received what its policy forbids.
const POLICY_VIOLATION: u16 = 1008;

/// How often activity is reported at most.
const ACTIVITY: Duration = Duration::from_secs(1);

/// How long the upstream may take to end the frame the client is in the middle of.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// How long the client may take to answer a close frame.
const ANSWER: Duration = Duration::from_secs(1);

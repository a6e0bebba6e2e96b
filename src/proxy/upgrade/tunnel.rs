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

use super::activity::Activity;
use super::frames::text_frame;
use super::notice;
use super::relay::{Boundary, Close, GOING_AWAY, Relay};
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
    /// Whether the client of a WebSocket is told of its session's end by a JSON-RPC
    /// notification before the close frame; not by default.
    pub end_notices: bool,
    /// How long the upstream may take, at the session's end, to complete what the client of
    /// a WebSocket is in the middle of. After that the client gets no notice within a message
    /// and is cut off within a frame. 50 milliseconds by default.
    pub last_message: Duration,
    /// What counts as activity; the client's data by default.
    pub activity: Activity,
    /// Called when there was activity, at most once a second: what keeps the session alive.
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
            end_notices: false,
            last_message: LAST_MESSAGE,
            activity: Activity::default(),
            on_activity: None,
            on_close: None,
        }
    }
}

impl TunnelOptions {
    /// The frame that tells the client of its session's end, where it is to be told.
    fn end_notice(&self) -> Option<Vec<u8>> {
        let session = self.tie.as_ref().filter(|_| self.end_notices)?.session();
        session.end().map(|end| text_frame(&notice::of_end(end)))
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
    mut options: TunnelOptions,
) -> TunnelReport
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut relay = Relay::new(client, upstream, websocket);
    let end = relay_until_end(&mut relay, websocket, &mut options).await;
    if websocket && let Some(close) = end.close() {
        let (notice, limit) = match end {
            TunnelEnd::SessionEnded => (options.end_notice(), options.last_message),
            _ => (None, LAST_FRAME),
        };
        close_politely(&mut relay, notice, close, limit).await;
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
    options: &mut TunnelOptions,
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
        activity,
        on_activity,
        ..
    } = options;
    let mut limit = idle.map(|idle| deadlines.limit(idle));
    // A WebSocket does not go on in one direction only.
    let mut half = deadlines.limit(ANSWER);
    let (second, mut touch_at) = (deadlines.ticks(ACTIVITY), 0);
    let mut ended = pin!(async {
        match tie {
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
        let moved = relay.take_moved();
        if activity.is_in(moved) && deadlines.now() >= touch_at {
            touch_at = deadlines.now() + second;
            if let Some(on_activity) = on_activity {
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
        if moved.client || moved.upstream {
            limit.progress();
        }
        limit.poll_waiting(cx).map(|()| TunnelEnd::Idle)
    })
    .await
}

/// Closes a WebSocket as RFC 6455, section 7 has it, with `notice`, a frame, before it. What
/// the client is in the middle of may take until `limit`, everything else as long as below.
async fn close_politely<C, U>(
    relay: &mut Relay<C, U>,
    notice: Option<Vec<u8>>,
    close: Close,
    limit: Duration,
) where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let boundary = match notice {
        Some(_) => Boundary::Message,
        None => Boundary::Frame,
    };
    let _ = timeout(limit, poll_fn(|cx| relay.poll_boundary(cx, boundary))).await;
    if !relay.begin_close(notice.as_deref(), close) {
        // There is no way to say anything to the client any more: cut.
        poll_fn(|cx| {
            relay.try_close_upstream(cx);
            Poll::Ready(())
        })
        .await;
        return;
    }
    if let Ok(Ok(())) = timeout(ANSWER, poll_fn(|cx| relay.poll_closed(cx))).await {
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
            .field("end_notices", &self.end_notices)
            .field("activity", &self.activity)
            .finish_non_exhaustive()
    }
}

/// RFC 6455, section 7.4.1: the endpoint received what its policy forbids.
const POLICY_VIOLATION: u16 = 1008;

/// How often activity is reported at most.
const ACTIVITY: Duration = Duration::from_secs(1);

/// How long the upstream may take at the session's end: short of what a person notices, and
/// of what administrators are promised.
const LAST_MESSAGE: Duration = Duration::from_millis(50);

/// How long the upstream may otherwise take to end the frame the client is in the middle of.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// How long the client may take to be sent a close frame, and to answer it.
const ANSWER: Duration = Duration::from_secs(1);

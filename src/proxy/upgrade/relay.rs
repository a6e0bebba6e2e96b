//! Bytes between two sides of a tunnel, in both directions.
//!
//! What is read goes through a buffer on the stack and is written at once; only what the
//! other side does not take is kept, so that an idle tunnel holds no buffers.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{FrameTracker, Seen, close_frame, masked_close_frame};

/// The two sides of a tunnel and what flows between them.
pub(super) struct Relay<C, U> {
    client: C,
    upstream: U,
    up: Flow,
    down: Flow,
}

/// A way to close a WebSocket (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

/// One direction.
#[derive(Default)]
struct Flow {
    /// Read but not written; up to `sent` of it has been.
    pending: Vec<u8>,
    sent: usize,
    stage: Stage,
    unflushed: bool,
    /// For a WebSocket.
    frames: Option<FrameTracker>,
    /// Whether a close frame has come this way.
    closed: bool,
    bytes: u64,
    moved: bool,
    data: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// Until the end of the present frame, then this close.
    LastFrame(Close),
    /// The reader has ended; the writer is to be shut down.
    Ended,
    /// Nothing is read any more; what is pending is written.
    Stopped,
}

impl<C, U> Relay<C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(client: C, upstream: U, websocket: bool) -> Self {
        let flow = || Flow {
            frames: websocket.then(FrameTracker::default),
            ..Flow::default()
        };
        Self {
            client,
            upstream,
            up: flow(),
            down: flow(),
        }
    }

    /// Moves what can be moved. Ready when both directions have ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let up = self.up.poll(cx, &mut self.client, &mut self.upstream)?;
        let down = self.down.poll(cx, &mut self.upstream, &mut self.client)?;
        match (up, down) {
            (Poll::Ready(()), Poll::Ready(())) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    /// Whether one direction has ended and the other has not.
    pub(super) fn is_half_closed(&self) -> bool {
        self.up.stage == Stage::Stopped || self.down.stage == Stage::Stopped
    }

    /// Whether anything has moved since the last call.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.up.moved) | std::mem::take(&mut self.down.moved)
    }

    /// Whether the client has sent anything since the last call that is not a WebSocket's
    /// own ping, pong or close.
    pub(super) fn take_client_data(&mut self) -> bool {
        std::mem::take(&mut self.up.data)
    }

    /// Bytes read from the client and from the upstream.
    pub(super) const fn bytes(&self) -> (u64, u64) {
        (self.up.bytes, self.down.bytes)
    }

    /// Stops relaying a WebSocket: the client gets `close` after the frame it is in the
    /// middle of, the upstream a close frame of its own, unless the client's last frame is
    /// not complete; the rest of that is not sent any more.
    pub(super) fn begin_close(&mut self, close: Close) {
        if self.up.stage == Stage::Open && !self.up.closed {
            if self.up.at_boundary() {
                self.up.pending.extend(masked_close_frame(GOING_AWAY, ""));
            } else {
                self.up.pending.clear();
                self.up.sent = 0;
            }
        }
        self.up.stage = Stage::Stopped;
        self.down.stage = match self.down.stage {
            Stage::Open if self.down.closed => Stage::Stopped,
            Stage::Open if self.down.at_boundary() => {
                self.down
                    .pending
                    .extend(close_frame(close.code, close.reason));
                Stage::Stopped
            }
            Stage::Open => Stage::LastFrame(close),
            _ => Stage::Stopped,
        };
    }

    /// After [`begin_close`](Self::begin_close): ready when the client has been sent its
    /// close frame.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = self.poll_answer(cx);
        self.down.poll(cx, &mut self.upstream, &mut self.client)
    }

    /// Reads on from the client, and forgets it; ready at its close frame, or its end.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The upstream's close frame, if it takes it.
        let _ = self.up.poll_write(cx, &mut self.upstream);
        while !self.up.closed {
            let mut scratch = [MaybeUninit::uninit(); SCRATCH];
            let mut buf = ReadBuf::uninit(&mut scratch);
            match ready!(Pin::new(&mut self.client).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => self.up.follow(buf.filled()),
                Ok(()) | Err(_) => self.up.closed = true,
            }
        }
        Poll::Ready(())
    }

    /// Shuts both sides down.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let upstream = Pin::new(&mut self.upstream).poll_shutdown(cx);
        let client = Pin::new(&mut self.client).poll_shutdown(cx);
        match (upstream, client) {
            (Poll::Ready(_), Poll::Ready(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl Flow {
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            ready!(self.poll_write(cx, writer))?;
            match self.stage {
                Stage::Open | Stage::LastFrame(_) => {}
                Stage::Ended => {
                    ready!(Pin::new(&mut *writer).poll_shutdown(cx))?;
                    self.stage = Stage::Stopped;
                    return Poll::Ready(Ok(()));
                }
                Stage::Stopped => return self.poll_flush(cx, writer),
            }
            let mut scratch = [MaybeUninit::uninit(); SCRATCH];
            let mut buf = ReadBuf::uninit(&mut scratch);
            if Pin::new(&mut *reader).poll_read(cx, &mut buf)?.is_pending() {
                self.pending = Vec::new();
                ready!(self.poll_flush(cx, writer))?;
                return Poll::Pending;
            }
            match (buf.filled(), self.stage) {
                ([], _) => self.stage = Stage::Ended,
                (read, Stage::LastFrame(close)) => self.take_last_frame(read, close),
                (read, _) => {
                    self.follow(read);
                    let written = match Pin::new(&mut *writer).poll_write(cx, read)? {
                        Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        Poll::Ready(written) => written,
                        Poll::Pending => 0,
                    };
                    self.unflushed = true;
                    self.pending.extend(&read[written..]);
                }
            }
        }
    }

    fn poll_write<W>(&mut self, cx: &mut Context<'_>, writer: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        while self.sent < self.pending.len() {
            let rest = &self.pending[self.sent..];
            match ready!(Pin::new(&mut *writer).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
            self.unflushed = true;
        }
        self.pending.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W>(&mut self, cx: &mut Context<'_>, writer: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        if self.unflushed {
            ready!(Pin::new(writer).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn follow(&mut self, bytes: &[u8]) {
        let seen = match &mut self.frames {
            Some(frames) => frames.follow(bytes),
            None => Seen {
                data: true,
                close: false,
            },
        };
        self.note(bytes.len(), seen);
    }

    fn take_last_frame(&mut self, bytes: &[u8], close: Close) {
        let frames = self.frames.get_or_insert_default();
        let (used, seen) = frames.follow_frame(bytes);
        let ended = frames.at_boundary();
        self.note(used, seen);
        self.pending.extend(&bytes[..used]);
        if ended {
            if !seen.close {
                self.pending.extend(close_frame(close.code, close.reason));
            }
            self.stage = Stage::Stopped;
        }
    }

    fn note(&mut self, bytes: usize, seen: Seen) {
        self.bytes += bytes as u64;
        self.moved = true;
        self.data |= seen.data;
        self.closed |= seen.close;
    }

    fn at_boundary(&self) -> bool {
        self.frames.as_ref().is_some_and(FrameTracker::at_boundary)
    }
}

/// What the upstream is told whenever the gateway closes a WebSocket: its client is gone.
pub(super) const GOING_AWAY: u16 = 1001;

/// The most that is read at once: a TLS record's worth.
const SCRATCH: usize = 16 * 1024;

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

/// Where relaying to a WebSocket's client may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// Between two frames: a control frame may follow.
    Frame,
    /// Between two messages: a message may follow.
    Message,
}

/// What has moved, by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Anything from the client.
    pub(super) client: bool,
    /// From the client, but for a WebSocket's own pings, pongs and closes.
    pub(super) client_data: bool,
    /// Anything from the upstream.
    pub(super) upstream: bool,
    /// From the upstream, but for a WebSocket's own pings, pongs and closes.
    pub(super) upstream_data: bool,
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

    /// What has moved since the last call.
    pub(super) fn take_moved(&mut self) -> Moved {
        use std::mem::take;
        Moved {
            client: take(&mut self.up.moved),
            client_data: take(&mut self.up.data),
            upstream: take(&mut self.down.moved),
            upstream_data: take(&mut self.down.data),
        }
    }

    /// Bytes read from the client and from the upstream.
    pub(super) const fn bytes(&self) -> (u64, u64) {
        (self.up.bytes, self.down.bytes)
    }

    /// Relays what the client of a WebSocket is in the middle of and nothing else; ready at
    /// the boundary, or when it will not come.
    pub(super) fn poll_boundary(
        &mut self,
        cx: &mut Context<'_>,
        boundary: Boundary,
    ) -> Poll<io::Result<()>> {
        let (upstream, client) = (&mut self.upstream, &mut self.client);
        self.down.poll_boundary(cx, upstream, client, boundary)
    }

    /// Stops relaying a WebSocket. The upstream is to get a close frame, unless the client's
    /// last frame is not complete; the rest of that is not sent any more. The client is to
    /// get `notice`, a frame, unless it is in the middle of a message, and then `close`.
    /// Returns whether it can: in the middle of a frame whatever is said would be taken for
    /// payload.
    pub(super) fn begin_close(&mut self, notice: Option<&[u8]>, close: Close) -> bool {
        if self.up.stage == Stage::Open && !self.up.closed {
            if self.up.is_at(Boundary::Frame) {
                self.up.pending.extend(masked_close_frame(GOING_AWAY, ""));
            } else {
                self.up.pending.clear();
                self.up.sent = 0;
            }
        }
        self.up.stage = Stage::Stopped;
        let down = &mut self.down;
        let is_open = std::mem::replace(&mut down.stage, Stage::Stopped) == Stage::Open;
        if !is_open || down.closed {
            // The upstream has had the last word.
            return true;
        }
        if let Some(notice) = notice
            && down.is_at(Boundary::Message)
        {
            down.pending.extend(notice);
        }
        let between_frames = down.is_at(Boundary::Frame);
        if between_frames {
            down.pending.extend(close_frame(close.code, close.reason));
        }
        between_frames
    }

    /// After [`begin_close`](Self::begin_close): ready when the client has been sent what
    /// was left to say.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = self.poll_answer(cx);
        self.down.poll(cx, &mut self.upstream, &mut self.client)
    }

    /// Writes the upstream's close frame, as far as it takes it at once.
    pub(super) fn try_close_upstream(&mut self, cx: &mut Context<'_>) {
        let _ = self.up.poll_write(cx, &mut self.upstream);
        let _ = self.up.poll_flush(cx, &mut self.upstream);
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
                Stage::Open => {}
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
            match buf.filled() {
                [] => self.stage = Stage::Ended,
                read => {
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

    fn poll_boundary<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
        boundary: Boundary,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while self.stage == Stage::Open && !self.closed && !self.is_at(boundary) {
            ready!(self.poll_write(cx, writer))?;
            let mut scratch = [MaybeUninit::uninit(); SCRATCH];
            let mut buf = ReadBuf::uninit(&mut scratch);
            if Pin::new(&mut *reader).poll_read(cx, &mut buf)?.is_pending() {
                ready!(self.poll_flush(cx, writer))?;
                return Poll::Pending;
            }
            let mut read = buf.filled();
            if read.is_empty() {
                // It will not come.
                break;
            }
            while !read.is_empty() && !self.is_at(boundary) {
                let frames = self.frames.get_or_insert_default();
                if frames.is_close(read[0]) {
                    // A message is left without its end. The last word is ours all the same.
                    return Poll::Ready(Ok(()));
                }
                let (used, seen) = frames.follow_frame(read);
                self.note(used, seen);
                self.pending.extend(&read[..used]);
                read = &read[used..];
            }
        }
        Poll::Ready(Ok(()))
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

    fn note(&mut self, bytes: usize, seen: Seen) {
        self.bytes += bytes as u64;
        self.moved = true;
        self.data |= seen.data;
        self.closed |= seen.close;
    }

    fn is_at(&self, boundary: Boundary) -> bool {
        self.frames.as_ref().is_some_and(|frames| match boundary {
            Boundary::Frame => frames.at_boundary(),
            Boundary::Message => frames.between_messages(),
        })
    }
}

/// What the upstream is told whenever the gateway closes a WebSocket: its client is gone.
pub(super) const GOING_AWAY: u16 = 1001;

/// The most that is read at once: a TLS record's worth.
const SCRATCH: usize = 16 * 1024;

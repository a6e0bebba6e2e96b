//! A connection whose reads are checked in place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::control::{Decision, FramingControl, Shared};
use super::framing::{RequestFraming, Verdict};
use super::head_timer::{Awaited, HeadWait};
use super::limits::Limits;
use super::violation::Violation;
use crate::net::timeouts::{Stall, Timeouts};

/// A client's connection, of which only strictly framed HTTP/1 requests can be read.
///
/// Give it to hyper in a `TokioIo`: that reads straight into hyper's buffer, where the new
/// bytes are checked; nothing is copied or allocated for a request that comes in one read.
///
/// # Upgrades
///
/// Behind a request that asks for an upgrade, reads wait for the decision that
/// [`FramingControl`] brings. Meanwhile up to 16 KiB are taken from the socket, so that a
/// client that goes away is noticed while nothing is held; once it has sent something, its
/// end is seen after the decision, as hyper itself sees it after a pipelined request.
///
/// # Closing
///
/// When requests or parts of one were left unread, shutting down waits up to a second for
/// the client's end and drops what it sends: closing at once would reset the connection, and
/// the client might never see the response (RFC 9112, section 9.6).
#[derive(Debug)]
pub struct StrictHttp1<IO> {
    io: IO,
    mode: Mode,
    framing: RequestFraming,
    shared: Arc<Shared>,
    wait: Arc<HeadWait>,
    limits: Limits,
    timeouts: Timeouts,
    held: Vec<u8>,
    ended: bool,
    upgrade_head: u64,
    reading: Stall,
    writing: Stall,
    shut: bool,
    discarded: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Checked,
    Tunnel,
    /// A head was refused: so many bytes of [`POISON`] have been given.
    Poisoned(usize),
    /// A body was refused: the error, until it has been given.
    Failed(Option<Violation>),
}

impl<IO> StrictHttp1<IO> {
    /// Guards `io`, on which nothing has been read yet.
    pub fn new(io: IO, limits: Limits, timeouts: Timeouts) -> Self {
        Self {
            io,
            mode: Mode::Checked,
            framing: RequestFraming::new(limits),
            shared: Arc::default(),
            wait: Arc::default(),
            limits,
            timeouts,
            held: Vec::new(),
            ended: false,
            upgrade_head: 0,
            reading: Stall::default(),
            writing: Stall::default(),
            shut: false,
            discarded: 0,
        }
    }

    /// The server's hold on this connection.
    pub fn control(&self) -> FramingControl {
        FramingControl::new(Arc::clone(&self.shared))
    }

    /// Sets in `builder`, a clone for this connection alone, the limits that hyper answers
    /// itself (431) and the times of waiting for a head. It brings the timer with it.
    pub fn configure(&self, builder: &mut http1::Builder) {
        self.limits.configure(builder);
        self.wait.configure(self.timeouts, builder);
    }

    /// The connection within.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Takes a tunnel apart: the connection, and bytes that were read from it and not
    /// delivered, which come first.
    pub fn into_parts(self) -> (IO, Vec<u8>) {
        (self.io, self.held)
    }

    /// Judges what was just filled in behind `start`, and takes back what may not be seen.
    fn check(&mut self, buf: &mut ReadBuf<'_>, start: usize) -> io::Result<()> {
        let verdict = self.framing.advance(&buf.filled()[start..]);
        let heads = self.framing.heads();
        if self.framing.asked_for_upgrade() && self.upgrade_head != heads {
            self.upgrade_head = heads;
            self.shared.ask();
        }
        self.wait.set(match heads {
            0 => Awaited::First,
            _ if self.framing.in_head() => Awaited::Rest,
            _ => Awaited::Next,
        });
        match verdict {
            Verdict::Accept => Ok(()),
            Verdict::Hold { at } => {
                self.held.extend_from_slice(&buf.filled()[start + at..]);
                buf.set_filled(start + at);
                Ok(())
            }
            Verdict::Refuse {
                at,
                violation,
                in_head,
            } => {
                buf.set_filled(start + at);
                self.refuse(buf, at == 0, violation, in_head)
            }
        }
    }

    #[cold]
    fn refuse(
        &mut self,
        buf: &mut ReadBuf<'_>,
        nothing_passed: bool,
        violation: Violation,
        in_head: bool,
    ) -> io::Result<()> {
        self.shared.refused(violation);
        if in_head {
            self.mode = Mode::Poisoned(0);
            // A limit of hyper's own is first seen without the NUL, to become a 431.
            if nothing_passed || !violation.is_hypers_limit() {
                self.poison(buf);
            }
            Ok(())
        } else if nothing_passed {
            self.mode = Mode::Failed(None);
            Err(io::Error::new(io::ErrorKind::InvalidData, violation))
        } else {
            self.mode = Mode::Failed(Some(violation));
            Ok(())
        }
    }

    /// Puts as much of [`POISON`] into `buf` as is left and fits; nothing is the end.
    fn poison(&mut self, buf: &mut ReadBuf<'_>) {
        if let Mode::Poisoned(given) = &mut self.mode {
            let rest = &POISON[*given..];
            let rest = &rest[..rest.len().min(buf.remaining())];
            buf.put_slice(rest);
            *given += rest.len();
        }
    }

    /// Moves held bytes into `buf`.
    fn release(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.held.len().min(buf.remaining());
        buf.put_slice(&self.held[..count]);
        self.held.drain(..count);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Whether all that the client is known to have sent was a part of whole requests.
    fn is_clean(&self) -> bool {
        match self.mode {
            Mode::Tunnel => true,
            Mode::Checked => {
                !self.framing.in_head() && !self.framing.in_body() && self.held.is_empty()
            }
            Mode::Poisoned(_) | Mode::Failed(_) => false,
        }
    }
}

impl<IO: AsyncRead + Unpin> StrictHttp1<IO> {
    fn poll_checked(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let start = buf.filled().len();
        if self.held.is_empty() {
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.io).poll_read(cx, buf)? {
                Poll::Ready(()) => self.reading.progress(),
                Poll::Pending if self.framing.in_body() => {
                    ready!(self.reading.poll(cx, self.timeouts.body));
                    return Poll::Ready(Err(timed_out("the rest of a request's body")));
                }
                Poll::Pending => return Poll::Pending,
            }
            Poll::Ready(self.check(buf, start))
        } else {
            // Once more held bytes from an earlier request, now the next one.
            let mut behind = std::mem::take(&mut self.held);
            let count = behind.len().min(buf.remaining());
            buf.put_slice(&behind[..count]);
            let result = self.check(buf, start);
            self.held.extend(behind.drain(count..));
            Poll::Ready(result)
        }
    }

    /// Waits for the server's decision on an upgrade request, and for the client's end.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Decision>> {
        let decision = self.shared.poll_decision(cx);
        if decision != Decision::Open {
            return Poll::Ready(Ok(decision));
        }
        while !self.ended && self.held.len() < HELD_LIMIT {
            let mut chunk = [0_u8; 2048];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk))?;
            self.ended = chunk.filled().is_empty();
            self.held.extend_from_slice(chunk.filled());
        }
        if self.ended && self.held.is_empty() {
            return Poll::Ready(Ok(Decision::Open));
        }
        Poll::Pending
    }

    /// Drops what the client still sends, until its end or for [`LINGER`].
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.discarded < LINGER_LIMIT {
            let mut chunk = [0_u8; 2048];
            let mut chunk = ReadBuf::new(&mut chunk);
            match Pin::new(&mut self.io).poll_read(cx, &mut chunk) {
                Poll::Ready(Ok(())) if !chunk.filled().is_empty() => {
                    self.discarded += chunk.filled().len();
                }
                Poll::Ready(_) => break,
                Poll::Pending => return self.reading.poll(cx, LINGER),
            }
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for StrictHttp1<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.mode {
            Mode::Checked if !this.framing.is_held() => this.poll_checked(cx, buf),
            Mode::Checked => match ready!(this.poll_held(cx))? {
                Decision::Open => Poll::Ready(Ok(())),
                Decision::Resume => {
                    this.shared.settle();
                    this.framing.resume();
                    this.poll_checked(cx, buf)
                }
                Decision::Tunnel => {
                    this.shared.settle();
                    this.mode = Mode::Tunnel;
                    Pin::new(this).poll_read(cx, buf)
                }
            },
            Mode::Tunnel if !this.held.is_empty() => {
                this.release(buf);
                Poll::Ready(Ok(()))
            }
            Mode::Tunnel if this.ended => Poll::Ready(Ok(())),
            Mode::Tunnel => Pin::new(&mut this.io).poll_read(cx, buf),
            Mode::Poisoned(_) => {
                this.poison(buf);
                Poll::Ready(Ok(()))
            }
            Mode::Failed(violation) => Poll::Ready(match violation.take() {
                Some(violation) => Err(io::Error::new(io::ErrorKind::InvalidData, violation)),
                None => Ok(()),
            }),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for StrictHttp1<IO> {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, buf);
        this.sent(cx, written)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.sent(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.sent(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shut {
            let shut = Pin::new(&mut this.io).poll_shutdown(cx);
            ready!(this.sent(cx, shut))?;
            this.shut = true;
            this.reading.progress();
        }
        if !this.is_clean() {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO> StrictHttp1<IO> {
    /// Notices a client that does not take its response. TLS keeps what it was given, so that
    /// only flushing and closing tell whether the client took it.
    #[inline]
    fn sent<T>(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.writing.progress();
        } else if self.mode != Mode::Tunnel {
            ready!(self.writing.poll(cx, self.timeouts.write));
            return Poll::Ready(Err(timed_out("the client to take the response")));
        }
        sent
    }
}

fn timed_out(what: &'static str) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("waited too long for {what}"),
    )
}

/// What hyper reads in place of the offending byte: no head may hold a NUL, and the end of
/// a head makes hyper look at one that it has been waiting for.
const POISON: &[u8] = b"\0\r\n\r\n";

/// Bytes that are taken from the socket while an upgrade is undecided.
const HELD_LIMIT: usize = 16 * 1024;

/// How long an unclean connection waits for the client's end after its own.
const LINGER: Duration = Duration::from_secs(1);

/// Bytes that it reads meanwhile.
const LINGER_LIMIT: usize = 256 * 1024;

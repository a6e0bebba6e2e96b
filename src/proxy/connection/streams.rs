//! The streams of one HTTP/2 connection, watched over while hyper drives them (S37).
//!
//! hyper asks a response's body for more only when the client has taken the last part, so a
//! client that takes nothing would hold the stream, its upstream connection and the session's
//! tie for as long as it likes. A [`Guarded`] stream knows what its [`StreamBody`] was asked
//! last: while the client blocks it, its session and the clock are looked at here, and a
//! stream that is given up is dropped, which resets it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::proxy::body::{BodyError, ProxyBody};
use crate::proxy::deadline::{Deadlines, TimeLimit};

/// The streams of one connection.
#[derive(Debug)]
pub(super) struct Streams {
    load: Mutex<Load>,
    /// The exchange that hyper has asked the service for, until it spawns its stream.
    next: Mutex<Option<Arc<Exchange>>>,
    deadlines: Deadlines,
    /// How long a client may take nothing of a response.
    write: Duration,
}

#[derive(Debug)]
struct Load {
    open: usize,
    ever: u64,
    /// Streams that ended before their response did.
    broken_off: u64,
    idle_since: Instant,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// Streams are open.
    Busy,
    /// None is, since then.
    IdleSince(Instant),
    /// There never was one.
    Unused,
}

/// What a stream and its response's body share.
#[derive(Debug)]
pub(super) struct Exchange(Mutex<State>);

#[derive(Debug)]
struct State {
    body: Option<ProxyBody>,
    asked: Asked,
    /// Counts how often the body was asked, which tells progress from its absence.
    times: u64,
}

/// What came of asking the body for its next part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// It gave one, or was not asked yet: the client has to take what there is.
    Gave,
    /// It gave the last one, which the client has to take as well.
    GaveLast,
    /// It waits for the upstream.
    Waits,
    /// There is nothing more of it, or it failed.
    Over,
}

/// A response's body on an HTTP/2 stream.
#[derive(Debug)]
pub(super) struct StreamBody(Arc<Exchange>);

/// Spawns streams, each [`Guarded`].
#[derive(Clone, Debug)]
pub(super) struct StreamExecutor(pub(super) Arc<Streams>);

impl Streams {
    pub(super) fn new(deadlines: Deadlines, write: Duration) -> Arc<Self> {
        Arc::new(Self {
            load: Mutex::new(Load {
                open: 0,
                ever: 0,
                broken_off: 0,
                idle_since: Instant::now(),
            }),
            next: Mutex::default(),
            deadlines,
            write,
        })
    }

    /// The exchange of a request that has come. hyper spawns its stream next.
    pub(super) fn begin(&self) -> Arc<Exchange> {
        let exchange = Arc::new(Exchange(Mutex::new(State {
            body: None,
            asked: Asked::Gave,
            times: 0,
        })));
        *locked(&self.next) = Some(Arc::clone(&exchange));
        exchange
    }

    pub(super) fn activity(&self) -> Activity {
        let load = locked(&self.load);
        match (load.open, load.ever) {
            (0, 0) => Activity::Unused,
            (0, _) => Activity::IdleSince(load.idle_since),
            _ => Activity::Busy,
        }
    }

    /// Whether the client opens streams in order to reset them (CVE-2023-44487).
    pub(super) fn are_abused(&self) -> bool {
        let load = locked(&self.load);
        load.broken_off >= BROKEN_OFF && load.broken_off > load.ever / 2
    }

    fn opened(&self) {
        let mut load = locked(&self.load);
        load.open += 1;
        load.ever += 1;
    }

    fn closed(&self, broken_off: bool) {
        let mut load = locked(&self.load);
        load.open -= 1;
        load.broken_off += u64::from(broken_off);
        if load.open == 0 {
            load.idle_since = Instant::now();
        }
    }
}

impl Exchange {
    /// The body of its response.
    pub(super) fn body(self: Arc<Self>, body: ProxyBody) -> StreamBody {
        let mut state = locked(&self.0);
        if body.is_end_stream() {
            // Then it is not asked at all.
            state.asked = Asked::Over;
        }
        state.body = Some(body);
        drop(state);
        StreamBody(self)
    }

    /// Whether the response was given as far as it goes.
    fn is_over(&self) -> bool {
        matches!(locked(&self.0).asked, Asked::GaveLast | Asked::Over)
    }

    /// While the stream waits: ready when it is to be given up, because its session has ended
    /// or the client takes nothing.
    fn poll_blocked(
        &self,
        cx: &mut Context<'_>,
        seen: &mut u64,
        limit: &mut TimeLimit,
    ) -> Poll<()> {
        let mut state = locked(&self.0);
        let State { body, asked, times } = &mut *state;
        let is_blocked = matches!(asked, Asked::Gave | Asked::GaveLast);
        let Some(body) = body.as_mut().filter(|_| is_blocked) else {
            limit.progress();
            return Poll::Pending;
        };
        if *times != *seen {
            *seen = *times;
            limit.progress();
        }
        if body.poll_session_end(cx).is_ready() || limit.poll_waiting(cx).is_ready() {
            *asked = Asked::Over;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = locked(&self.0.0);
        let State { body, asked, times } = &mut *state;
        let Some(body) = body else {
            return Poll::Ready(None);
        };
        *times += 1;
        let frame = Pin::new(&mut *body).poll_frame(cx);
        *asked = match &frame {
            Poll::Pending => Asked::Waits,
            Poll::Ready(Some(Ok(frame))) if frame.is_data() && body.is_end_stream() => {
                Asked::GaveLast
            }
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => Asked::Gave,
            Poll::Ready(_) => Asked::Over,
        };
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = locked(&self.0.0);
        state.body.as_ref().is_none_or(ProxyBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let state = locked(&self.0.0);
        let body = state.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), ProxyBody::size_hint)
    }
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let Some(exchange) = locked(&self.0.next).take() else {
            tokio::spawn(stream);
            return;
        };
        self.0.opened();
        tokio::spawn(Guarded {
            stream,
            limit: self.0.deadlines.limit(self.0.write),
            seen: 0,
            open: Open {
                streams: Arc::clone(&self.0),
                exchange,
            },
        });
    }
}

pin_project! {
    struct Guarded<F> {
        #[pin]
        stream: F,
        limit: TimeLimit,
        seen: u64,
        open: Open,
    }
}

/// Counts a stream as long as it lives.
struct Open {
    streams: Arc<Streams>,
    exchange: Arc<Exchange>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.streams.closed(!self.exchange.is_over());
    }
}

impl<F: Future<Output = ()>> Future for Guarded<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let exchange = &this.open.exchange;
        exchange.poll_blocked(cx, this.seen, this.limit)
    }
}

/// Nothing panics while it holds one of these locks, and if it did, what they guard would
/// still be whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Streams that a client may break off before it matters how many it let finish.
const BROKEN_OFF: u64 = 500;

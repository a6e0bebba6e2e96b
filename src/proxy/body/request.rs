//! A request's body, from the client to the upstream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::BodyError;
use super::bond::Bond;
use crate::domain::Session;
use crate::proxy::deadline::{Deadlines, TimeLimit};
use crate::proxy::upstream::{Progress, UpstreamBody};
use crate::sessions::Sessions;

/// Removes from trailers what must not reach the other side. One for each direction of a
/// space, made when it is configured.
pub type TrailerFilter = Arc<dyn Fn(&mut HeaderMap) + Send + Sync>;

/// A request's body, from the client to the upstream. Empty for most requests, and then it
/// costs nothing.
#[derive(Debug, Default)]
pub struct RequestBody(Option<Box<Stream>>);

struct Stream {
    incoming: Incoming,
    limit: TimeLimit,
    idle: Duration,
    deadlines: Deadlines,
    progress: Progress,
    trailers: Option<TrailerFilter>,
    bond: Option<Bond>,
}

impl RequestBody {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(None)
    }

    /// The client's body. It fails when the client sends nothing for `idle` while the
    /// upstream would take it. Trailers pass `trailers`; without a filter none pass.
    #[must_use]
    pub fn new(
        incoming: Incoming,
        deadlines: &Deadlines,
        idle: Duration,
        trailers: Option<&TrailerFilter>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self::empty();
        }
        let progress = Progress::default();
        progress.moved(deadlines.now());
        Self(Some(Box::new(Stream {
            incoming,
            limit: deadlines.limit(idle),
            idle,
            deadlines: deadlines.clone(),
            progress,
            trailers: trailers.cloned(),
            bond: None,
        })))
    }

    /// Ties the body to `session`: when that ends, the body fails, and with it the request.
    #[must_use]
    pub fn tied(
        mut self,
        sessions: &Sessions,
        session: &Arc<Session>,
        deadlines: &Deadlines,
    ) -> Self {
        if let Some(stream) = &mut self.0 {
            stream.bond = Some(Bond::new(sessions, session, deadlines));
        }
        self
    }
}

impl UpstreamBody for RequestBody {
    fn progress(&self) -> Option<Progress> {
        self.0.as_ref().map(|stream| stream.progress.clone())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Some(stream) => stream.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|s| s.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(stream) => stream.incoming.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Stream {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // First, so that nothing that comes after the end is passed on.
        if let Some(bond) = &mut self.bond
            && bond.has_ended(cx)
        {
            return Poll::Ready(Some(Err(BodyError::SessionEnded)));
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.limit.progress();
                if frame.is_trailers() {
                    self.progress.ended(self.deadlines.now());
                    return Poll::Ready(self.filter(frame).map(Ok));
                }
                if self.incoming.is_end_stream() {
                    self.progress.ended(self.deadlines.now());
                } else {
                    self.progress.moved(self.deadlines.now());
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.progress.ended(self.deadlines.now());
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyError::Client(error)))),
            Poll::Pending => {
                self.progress.waits_for_client();
                if let Some(bond) = &mut self.bond
                    && bond.poll_waiting(cx).is_ready()
                {
                    return Poll::Ready(Some(Err(BodyError::SessionEnded)));
                }
                self.limit
                    .poll_waiting(cx)
                    .map(|()| Some(Err(BodyError::Idle(self.idle))))
            }
        }
    }

    fn filter(&self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let filter = self.trailers.as_ref()?;
        let mut trailers = frame.into_trailers().ok()?;
        filter(&mut trailers);
        (!trailers.is_empty()).then(|| Frame::trailers(trailers))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("incoming", &self.incoming)
            .field("idle", &self.idle)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

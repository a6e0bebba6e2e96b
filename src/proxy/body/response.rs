//! A response's body, to the client.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::bond::Bond;
use super::{BodyError, RequestBody, TrailerFilter};
use crate::domain::Session;
use crate::proxy::deadline::{Deadlines, TimeLimit};
use crate::proxy::upstream::Lease;
use crate::sessions::Sessions;

/// A response's body, to the client: a page of our own, or an upstream's.
#[derive(Debug, Default)]
pub struct ProxyBody(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Upstream(Stream),
}

struct Stream {
    incoming: Incoming,
    /// Until the end of the body, which gives it back.
    lease: Option<Lease<RequestBody>>,
    idle: Option<(Duration, TimeLimit)>,
    bond: Option<Box<Bond>>,
    trailers: Option<TrailerFilter>,
}

/// Whether a response of this body may run on long after its request, so that it must be
/// tied to its session: one whose length is unknown, or more than 64 KiB.
#[must_use]
pub fn outlasts_its_request(incoming: &Incoming) -> bool {
    incoming
        .size_hint()
        .exact()
        .is_none_or(|length| length > UNTIED_LENGTH)
}

impl ProxyBody {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// All of it at once.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Self::empty();
        }
        Self(Kind::Full(bytes))
    }

    /// An upstream's body and the connection it comes over. It fails when the upstream sends
    /// nothing for `idle` while the client would take it. Its trailers do not pass, unless
    /// they are [`filtered`](Self::filtered).
    #[must_use]
    pub fn upstream(
        incoming: Incoming,
        lease: Lease<RequestBody>,
        deadlines: &Deadlines,
        idle: Option<Duration>,
    ) -> Self {
        if incoming.is_end_stream() {
            lease.finish();
            return Self::empty();
        }
        Self(Kind::Upstream(Stream {
            incoming,
            lease: Some(lease),
            idle: idle.map(|idle| (idle, deadlines.limit(idle))),
            bond: None,
            trailers: None,
        }))
    }

    /// Lets an upstream's trailers pass through `filter`.
    #[must_use]
    pub fn filtered(mut self, filter: &TrailerFilter) -> Self {
        if let Kind::Upstream(stream) = &mut self.0
            // Only chunks can have trailers behind them.
            && stream.incoming.size_hint().exact().is_none()
        {
            stream.trailers = Some(Arc::clone(filter));
        }
        self
    }

    /// Ties an upstream's body to `session`: when that ends, the body fails, which makes
    /// hyper abort the client's connection (or reset its stream); at once, or within two
    /// [`TICK`](crate::proxy::deadline::TICK)s when the body has only just begun. Other bodies
    /// are left as they are.
    #[must_use]
    pub fn tied(
        mut self,
        sessions: &Sessions,
        session: &Arc<Session>,
        deadlines: &Deadlines,
    ) -> Self {
        if let Kind::Upstream(stream) = &mut self.0 {
            stream.bond = Some(Box::new(Bond::new(sessions, session, deadlines)));
        }
        self
    }

    /// While nobody asks for the next part, because the client does not take the last: ready
    /// when the session that the body is tied to has ended.
    pub(in crate::proxy) fn poll_session_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Kind::Upstream(Stream {
                bond: Some(bond), ..
            }) => bond.poll_ended(cx),
            _ => Poll::Pending,
        }
    }
}

impl From<Bytes> for ProxyBody {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BodyError;

    #[inline]
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Upstream(stream) => stream.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Upstream(stream) => stream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Upstream(stream) => stream.incoming.size_hint(),
        }
    }
}

impl Stream {
    #[inline]
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // First, so that nothing that comes after the end is passed on.
        if let Some(bond) = &mut self.bond
            && bond.has_ended(cx)
        {
            return self.fail(BodyError::SessionEnded);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some((_, limit)) = &mut self.idle {
                    limit.progress();
                }
                let frame = match frame.into_trailers() {
                    Ok(trailers) => {
                        self.finish();
                        return Poll::Ready(self.filter(trailers).map(Ok));
                    }
                    Err(frame) => frame,
                };
                // hyper does not ask again where the length is known and reached.
                if self.incoming.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => self.fail(BodyError::Upstream(error)),
            Poll::Pending => self.poll_waiting(cx),
        }
    }

    fn poll_waiting(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(bond) = &mut self.bond
            && bond.poll_waiting(cx).is_ready()
        {
            return self.fail(BodyError::SessionEnded);
        }
        if let Some((idle, limit)) = &mut self.idle {
            ready!(limit.poll_waiting(cx));
            let idle = *idle;
            return self.fail(BodyError::Idle(idle));
        }
        Poll::Pending
    }

    /// The upstream connection is in the middle of a body: it is closed.
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        (self.lease, self.bond) = (None, None);
        Poll::Ready(Some(Err(error)))
    }

    fn filter(&self, mut trailers: HeaderMap) -> Option<Frame<Bytes>> {
        self.trailers.as_ref()?(&mut trailers);
        (!trailers.is_empty()).then(|| Frame::trailers(trailers))
    }

    fn finish(&mut self) {
        self.bond = None;
        if let Some(lease) = self.lease.take() {
            lease.finish();
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("incoming", &self.incoming)
            .field("lease", &self.lease)
            .field("bond", &self.bond)
            .finish_non_exhaustive()
    }
}

/// A known length up to which a body is not tied to its session: it has been sent before an
/// end would cut it, and a tie costs more than the rest of the response.
const UNTIED_LENGTH: u64 = 64 * 1024;

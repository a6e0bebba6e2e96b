//! Whether anything goes on on a connection, so that nobody holds one by taking no answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

/// What the requests of one connection do.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests that came, and parts of answers that were asked for.
    steps: AtomicUsize,
    /// What the peer waits for.
    awaited: AtomicUsize,
}

/// Something that the peer waits for, as long as it lives.
#[derive(Debug)]
pub(super) struct Awaited(Arc<Counts>);

/// An answer's body. It is asked for more when the peer has taken what there was.
#[derive(Debug)]
struct Taken {
    body: Body,
    traffic: Traffic,
    awaited: Option<Awaited>,
}

impl Traffic {
    /// A request came: the peer waits until this is dropped.
    pub(super) fn begin(&self) -> Awaited {
        self.step();
        self.wait()
    }

    /// `body`, whose taking counts.
    pub(super) fn watch(&self, body: Body) -> Body {
        Body::new(Taken {
            body,
            traffic: self.clone(),
            awaited: None,
        })
    }

    /// Comes to its end when, for `limit`, the peer has waited for nothing and taken nothing.
    /// Until then it looks a few times at what costs nothing to count.
    pub(super) async fn rests(&self, limit: Duration) {
        let pause = limit / 4;
        let (mut quiet, mut seen) = (Duration::ZERO, 0);
        while quiet < limit {
            tokio::time::sleep(pause).await;
            let steps = self.0.steps.load(Ordering::Relaxed);
            let rests = steps == seen && self.0.awaited.load(Ordering::Relaxed) == 0;
            quiet = if rests { quiet + pause } else { Duration::ZERO };
            seen = steps;
        }
    }

    fn step(&self) {
        self.0.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn wait(&self) -> Awaited {
        self.0.awaited.fetch_add(1, Ordering::Relaxed);
        Awaited(Arc::clone(&self.0))
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.awaited.fetch_sub(1, Ordering::Relaxed);
    }
}

impl http_body::Body for Taken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.traffic.step();
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_ready() {
            self.awaited = None;
        } else if self.awaited.is_none() {
            self.awaited = Some(self.traffic.wait());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! A server-sent event stream that never ends by itself: one numbered event per second.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use http_body::Frame;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The events, as a body that is produced while it is read.
struct Ticker {
    interval: Interval,
    count: u64,
}

impl Ticker {
    fn new() -> Self {
        let mut interval = interval(PERIOD);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval, count: 0 }
    }
}

impl http_body::Body for Ticker {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.interval.poll_tick(cx));
        self.count += 1;
        let event = format!("id: {0}\nevent: tick\ndata: {0}\n\n", self.count);
        Poll::Ready(Some(Ok(Frame::data(event.into()))))
    }
}

/// Opens a stream of its own; the count starts at 1.
pub(super) async fn stream() -> Response {
    let mut response = Response::new(Body::new(Ticker::new()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The time between two events.
const PERIOD: Duration = Duration::from_secs(1);

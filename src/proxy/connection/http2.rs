//! HTTP/2 (RFC 9113), where client and listener have agreed on it in the TLS handshake.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::http2_request::settle;
use super::lifetime::{Graceful, Lifetime, Next};
use super::streams::{Activity, StreamBody, StreamExecutor, Streams};
use crate::net::Timeouts;
use crate::proxy::rescue;
use crate::proxy::serve::serve;
use crate::proxy::worker::{ClientConnection, Worker};

/// Serves HTTP/2 on `io`, on which nothing has been read yet, until it is closed.
pub(super) async fn converse<IO>(
    worker: Arc<Worker>,
    io: IO,
    client: Arc<ClientConnection>,
    lifetime: Lifetime,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = &worker.edge.settings;
    let most_fields = settings.limits.lines;
    let streams = Streams::new(worker.deadlines().clone(), settings.timeouts.write);
    let mut idle = Idle::new(Arc::clone(&streams), settings.timeouts);
    let builder = builder(&streams, settings.limits.head);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (worker, client) = (Arc::clone(&worker), Arc::clone(&client));
        let exchange = streams.begin();
        async move {
            let response = match settle(&mut request, most_fields) {
                Ok(()) => serve(&worker, &client, request).await,
                Err(error) => rescue::malformed(request.headers(), error),
            };
            let mut response = client.finish(response);
            take_off_connection(&mut response);
            Ok::<Response<StreamBody>, Infallible>(response.map(|body| exchange.body(body)))
        }
    });
    let connection = builder.serve_connection(TokioIo::new(io), service);
    lifetime.drive(connection, |cx| idle.poll(cx)).await;
}

fn builder(streams: &Arc<Streams>, head: usize) -> http2::Builder<StreamExecutor> {
    let mut builder = http2::Builder::new(StreamExecutor(Arc::clone(streams)));
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    builder
}

/// What an upstream or a page of ours says of an HTTP/1.1 connection (RFC 9113, section 8.2.2).
/// The other fields of that kind have been scrubbed.
fn take_off_connection<B>(response: &mut Response<B>) {
    response.headers_mut().remove(CONNECTION);
    response.headers_mut().remove(UPGRADE);
}

impl<IO, S, B> Graceful for http2::Connection<IO, S, StreamExecutor>
where
    Self: Future<Output = hyper::Result<()>>,
    S: hyper::service::HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    IO: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    StreamExecutor: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Closes a connection on which nothing is asked for. hyper does not: its pings keep alive
/// whoever answers them.
struct Idle {
    streams: Arc<Streams>,
    /// When to look again. It is not moved for every stream, but looks at them when it fires.
    sleep: Pin<Box<Sleep>>,
    first: Instant,
    wait: Duration,
    told: bool,
}

impl Idle {
    fn new(streams: Arc<Streams>, timeouts: Timeouts) -> Self {
        Self {
            streams,
            sleep: Box::pin(sleep(timeouts.head.min(timeouts.idle))),
            first: Instant::now() + timeouts.head,
            wait: timeouts.idle,
            told: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Next {
        if self.streams.are_abused() {
            tracing::debug!("a client opens streams only to reset them");
            return Next::Cut;
        }
        while self.sleep.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let until = match self.streams.activity() {
                Activity::Busy => now + self.wait,
                Activity::IdleSince(since) if since + self.wait > now => since + self.wait,
                Activity::Unused if self.first > now => self.first,
                // The client may have sent a request before it heard: that is still answered.
                Activity::IdleSince(_) | Activity::Unused if !self.told => {
                    self.told = true;
                    self.sleep.as_mut().reset(now + LAST_WORDS);
                    return Next::Finish;
                }
                Activity::IdleSince(_) | Activity::Unused => return Next::Cut,
            };
            self.sleep.as_mut().reset(until);
        }
        Next::GoOn
    }
}

/// Streams that may be open at a time.
const MAX_STREAMS: u32 = 200;

/// Streams that the client resets before they were seen (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;

/// Streams that have to be reset for what the client does on them (CVE-2025-8671).
const MAX_ERROR_RESETS: usize = 128;

/// Bytes of each stream that wait for the client.
const SEND_BUFFER: usize = 64 * 1024;

/// How often it is asked whether the client is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

/// How long an idle client that was told to go may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

//! Scripted connections, and a hyper server that writes down what it sees.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Timeouts;
use crate::net::strict_h1::{FramingControl, Limits, StrictHttp1};

/// A request as the service behind hyper saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its target, and the bytes of its body.
    Whole(String, usize),
    /// Its target; the body failed.
    BodyFailed(String),
}

/// A connection whose reads are given beforehand, each one read.
#[derive(Debug)]
pub(super) struct Script {
    reads: VecDeque<Vec<u8>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Script {
    pub(super) fn new<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self {
            reads: reads.into_iter().map(<[u8]>::to_vec).collect(),
            written: Arc::default(),
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(read) = self.reads.front_mut() {
            let count = read.len().min(buf.remaining());
            buf.put_slice(&read[..count]);
            read.drain(..count);
            if read.is_empty() {
                self.reads.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.lock().unwrap().extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What came of a guarded connection.
pub(super) struct Served {
    pub(super) seen: Vec<Seen>,
    pub(super) written: String,
    pub(super) control: FramingControl,
}

/// What hyper alone makes of `bytes`, and what it writes.
pub(super) fn serve_bare(bytes: &[u8]) -> (Vec<Seen>, String) {
    let script = Script::new([bytes]);
    let written = Arc::clone(&script.written);
    let mut builder = http1::Builder::new();
    builder.half_close(true).header_read_timeout(None);
    let seen = block_on(serve(script, &builder));
    (seen, take_text(&written))
}

/// What hyper behind the guard makes of `reads`.
pub(super) fn serve_guarded<'a>(
    limits: Limits,
    reads: impl IntoIterator<Item = &'a [u8]>,
) -> Served {
    let script = Script::new(reads);
    let written = Arc::clone(&script.written);
    let guard = StrictHttp1::new(script, limits, Timeouts::default());
    let control = guard.control();
    let mut builder = http1::Builder::new();
    builder.half_close(true);
    guard.configure(&mut builder);
    let seen = block_on(serve(guard, &builder));
    Served {
        seen,
        written: take_text(&written),
        control,
    }
}

fn take_text(written: &Mutex<Vec<u8>>) -> String {
    String::from_utf8(std::mem::take(&mut *written.lock().unwrap())).unwrap()
}

async fn serve<IO>(io: IO, builder: &http1::Builder) -> Vec<Seen>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let seen = Arc::new(Mutex::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Arc::clone(&seen);
        async move {
            let target = request.uri().to_string();
            let request = match request.into_body().collect().await {
                Ok(body) => Seen::Whole(target, body.to_bytes().len()),
                Err(_) => Seen::BodyFailed(target),
            };
            seen.lock().unwrap().push(request);
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
        }
    });
    // Errors are the connection's end like any other; what was seen and written counts.
    let _ = builder.serve_connection(TokioIo::new(io), service).await;
    std::mem::take(&mut *seen.lock().unwrap())
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

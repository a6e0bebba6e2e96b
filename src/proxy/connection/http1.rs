//! HTTP/1, read strictly.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::lifetime::{Graceful, Lifetime, Next};
use crate::net::strict_h1::{FramingControl, StrictHttp1};
use crate::net::tls::TlsFacts;
use crate::proxy::body::ProxyBody;
use crate::proxy::edge::Edge;
use crate::proxy::serve::serve;
use crate::proxy::worker::{ClientConnection, Worker};

/// Serves HTTP/1 on `io`, on which nothing has been read yet, until it is closed or has become
/// a tunnel.
pub(super) async fn converse<IO>(
    worker: Arc<Worker>,
    io: IO,
    tls: Option<TlsFacts>,
    lifetime: Lifetime,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (builder, guarded) = guard(&worker.edge, io);
    let client = Arc::new(ClientConnection::new(
        &worker.edge,
        lifetime.peer(),
        Some(guarded.control()),
        tls,
    ));
    let framing = guarded.control();
    let service = service_fn(move |request| {
        let (worker, client) = (Arc::clone(&worker), Arc::clone(&client));
        async move {
            let response = serve(&worker, &client, request).await;
            Ok::<_, Infallible>(client.finish(response))
        }
    });
    let connection = builder.serve_connection(TokioIo::new(guarded), service);
    drive(connection.with_upgrades(), lifetime, &framing).await;
}

/// Answers every request of a connection with `answer`, which sees its head alone.
pub(super) async fn answer<IO, F>(edge: &Edge, io: IO, lifetime: Lifetime, answer: F)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> Response<ProxyBody>,
{
    let (builder, guarded) = guard(edge, io);
    let framing = guarded.control();
    let service = service_fn(|request: Request<Incoming>| {
        // Nothing is upgraded: bytes behind such a request are the next one.
        drop(framing.upgrade(request.version(), request.headers()));
        let response = answer(request);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = builder.serve_connection(TokioIo::new(guarded), service);
    drive(connection.with_upgrades(), lifetime, &framing).await;
}

fn guard<IO>(edge: &Edge, io: IO) -> (http1::Builder, StrictHttp1<IO>) {
    let settings = &edge.settings;
    let guarded = StrictHttp1::new(io, settings.limits, settings.timeouts);
    let mut builder = http1::Builder::new();
    builder
        .half_close(false)
        .max_buf_size(MAX_BUFFER.max(2 * settings.limits.head));
    guarded.configure(&mut builder);
    (builder, guarded)
}

async fn drive<C: Graceful>(connection: C, lifetime: Lifetime, framing: &FramingControl) {
    let peer = lifetime.peer();
    lifetime.drive(connection, |_| Next::GoOn).await;
    if let Some(refused) = framing.violation() {
        tracing::debug!(%peer, ?refused, "a request was refused for its framing");
    }
}

impl<IO, S, B> Graceful for http1::UpgradeableConnection<IO, S>
where
    Self: Future<Output = hyper::Result<()>>,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    IO: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Bytes that are read ahead or kept to be written, for each connection.
const MAX_BUFFER: usize = 128 * 1024;

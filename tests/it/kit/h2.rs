//! An HTTP/2 client over TLS.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::tls::Trust;
use super::{Answer, soon};

pub(crate) type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// An HTTP/2 connection.
pub(crate) struct H2 {
    sender: SendRequest<Body>,
    authority: String,
    connection: JoinHandle<hyper::Result<()>>,
}

impl H2 {
    pub(crate) async fn connect(to: SocketAddr, trust: &Trust) -> Self {
        let io = TokioIo::new(trust.http2(to).await);
        let (sender, connection) = soon(handshake(TokioExecutor::new(), io)).await.unwrap();
        Self {
            sender,
            authority: to.to_string(),
            connection: tokio::spawn(connection),
        }
    }

    /// A request for `path` with these fields.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", self.authority));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request
    }

    /// Sends a request without a body and reads its response.
    pub(crate) async fn get(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let response = self.open("GET", path, fields, "").await.unwrap();
        whole(response).await
    }

    /// Sends a request and waits for the head of its response.
    pub(crate) async fn open(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> hyper::Result<Response<Incoming>> {
        let body = Full::new(Bytes::from(body.to_owned())).boxed_unsync();
        let request = self.request(method, path, fields).body(body).unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> hyper::Result<Response<Incoming>> {
        soon(self.sender.ready()).await?;
        soon(self.sender.send_request(request)).await
    }

    /// Whether the server has closed the connection, or says that it will.
    pub(crate) async fn is_closed(&mut self) {
        let _ = soon(&mut self.connection).await;
    }
}

/// A body that is sent piece by piece, until the sender is dropped.
pub(crate) fn pieces() -> (mpsc::Sender<Frame<Bytes>>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        let piece: Frame<Bytes> = receiver.recv().await?;
        Some((Ok(piece), receiver))
    });
    (sender, StreamBody::new(pieces).boxed_unsync())
}

/// A body of one piece and these trailers.
pub(crate) fn with_trailers(text: &'static str, trailers: HeaderMap) -> Body {
    let frames = [
        Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
        Ok(Frame::trailers(trailers)),
    ];
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

pub(crate) fn empty() -> Body {
    Full::new(Bytes::new()).boxed_unsync()
}

/// The whole of a response.
pub(crate) async fn whole(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let collected = soon(body.collect()).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        trailers: collected.trailers().cloned().unwrap_or_default(),
        body: collected.to_bytes().to_vec(),
    }
}

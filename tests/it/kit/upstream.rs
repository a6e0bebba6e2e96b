//! The application behind the gateway. What it does with a request is in the path:
//!
//! | path | answer |
//! |---|---|
//! | `/ws...` | a WebSocket that echoes; `/ws-refused` answers 403 instead |
//! | `/events` | server-sent events without an end |
//! | `/halves` | half of a body, and the rest when [`Upstream::go_on`] is called |
//! | `/hang` | nothing, ever |
//! | `/break` | the connection ends in place of an answer |
//! | `/half-break` | the connection ends in the middle of the body |
//! | `/early` | an answer before the request's body was read |
//! | `/status/N` | the status N |
//! | `/talkative` | headers and trailers that are not for clients |
//! | `/cookies?NAME=VALUE&...` | cookies of its own, and those |
//! | `/headers?NAME=VALUE&...` | those headers |
//! | `/mirror` | the request's body |
//! | `/hsts` | its own word on https |
//! | any other | `upstream METHOD TARGET`, after the body was read |

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An upstream that listens until the test ends.
#[derive(Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    open_sockets: AtomicUsize,
    go_on: Notify,
}

/// A request as the upstream got it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Which of its connections it came on.
    pub(crate) connection: usize,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// Empty until it was read to its end.
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Seen {
    /// The one value of a header; nothing when there is none.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert_eq!(values.next(), None, "{name} stands twice");
        value
    }

    /// Everything it was sent, for searching.
    pub(crate) fn everything(&self) -> String {
        format!("{self:?}")
    }
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        Self::listen("http", None).await
    }

    /// One that speaks TLS.
    pub(crate) async fn over_tls(acceptor: TlsAcceptor) -> Self {
        Self::listen("https", Some(acceptor)).await
    }

    async fn listen(scheme: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State::default());
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            scheme,
            state: Arc::clone(&state),
        };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = state.connections.fetch_add(1, Ordering::SeqCst);
                let (state, tls) = (Arc::clone(&state), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(state, number, stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(state, number, stream).await;
                            }
                        }
                    }
                });
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Everything that it was sent.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The targets that it was asked for.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }

    /// The last request that it was sent.
    #[track_caller]
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many WebSockets and event streams are open on its side.
    pub(crate) fn open_streams(&self) -> usize {
        self.state.open_sockets.load(Ordering::SeqCst)
    }

    /// Lets `/halves` go on to its second half.
    pub(crate) fn go_on(&self) {
        self.state.go_on.notify_one();
    }
}

async fn serve<IO>(state: Arc<State>, connection: usize, stream: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { answer(state, connection, request).await }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

/// What ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("as the script says")]
struct Broken;

/// The parts of a target's query.
fn pairs(target: &str) -> impl Iterator<Item = &str> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty())
}

async fn answer(
    state: Arc<State>,
    connection: usize,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    let path = request.uri().path().to_owned();
    let target = request.uri().to_string();
    let method = request.method().clone();
    let index = {
        let mut seen = state.seen.lock().unwrap();
        seen.push(Seen {
            connection,
            method: method.clone(),
            target: target.clone(),
            headers: request.headers().clone(),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
        });
        seen.len() - 1
    };
    match &*path {
        "/hang" => std::future::pending().await,
        "/break" => return Err(Broken),
        "/ws-refused" => return Ok(full(StatusCode::FORBIDDEN, "no sockets here")),
        "/early" => return Ok(full(StatusCode::OK, "early")),
        _ if path.starts_with("/ws") && request.headers().contains_key(header::UPGRADE) => {
            return Ok(socket(state, &mut request));
        }
        _ => {}
    }
    let Ok(collected) = request.into_body().collect().await else {
        return Err(Broken);
    };
    let mirrored;
    {
        let mut seen = state.seen.lock().unwrap();
        seen[index].trailers = collected.trailers().cloned().unwrap_or_default();
        seen[index].body = collected.to_bytes();
        mirrored = seen[index].body.clone();
    }
    Ok(match &*path {
        "/events" => events(state),
        "/halves" => halves(state),
        "/half-break" => {
            let (sender, body) = stream();
            tokio::spawn(async move {
                let _ = sender.send(data("half")).await;
                let _ = sender.send(Err(io::Error::other(Broken))).await;
            });
            Response::new(body)
        }
        "/talkative" => talkative(),
        "/mirror" => full(StatusCode::OK, mirrored),
        "/hsts" => {
            let mut response = full(StatusCode::OK, "hsts");
            let policy = HeaderValue::from_static("max-age=1");
            let headers = response.headers_mut();
            headers.insert(header::STRICT_TRANSPORT_SECURITY, policy);
            response
        }
        "/cookies" => {
            let mut response = full(StatusCode::OK, "cookies");
            let headers = response.headers_mut();
            headers.append(header::SET_COOKIE, HeaderValue::from_static("theirs=1"));
            headers.append(header::SET_COOKIE, HeaderValue::from_static("more=2"));
            for pair in pairs(&target) {
                headers.append(header::SET_COOKIE, pair.parse().unwrap());
            }
            response
        }
        "/headers" => {
            let mut response = full(StatusCode::OK, "headers");
            for pair in pairs(&target) {
                let (name, value) = pair.split_once('=').unwrap();
                let name: header::HeaderName = name.parse().unwrap();
                response.headers_mut().append(name, value.parse().unwrap());
            }
            response
        }
        _ => match path.strip_prefix("/status/") {
            Some(status) => {
                let status = StatusCode::from_bytes(status.as_bytes()).unwrap();
                if status == StatusCode::NOT_MODIFIED || status == StatusCode::NO_CONTENT {
                    let mut response =
                        Response::new(Empty::new().map_err(infallible).boxed_unsync());
                    *response.status_mut() = status;
                    response
                } else {
                    full(status, "as asked")
                }
            }
            None => full(StatusCode::OK, format!("upstream {method} {target}")),
        },
    })
}

fn infallible(error: Infallible) -> io::Error {
    match error {}
}

fn full(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).map_err(infallible).boxed_unsync());
    *response.status_mut() = status;
    response
}

type Piece = Result<Frame<Bytes>, io::Error>;

/// A body whose pieces are sent one by one.
fn stream() -> (mpsc::Sender<Piece>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    (sender, StreamBody::new(pieces).boxed_unsync())
}

fn data(text: &'static str) -> Piece {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Counts as long as it lives.
struct Open(Arc<State>);

impl Open {
    fn new(state: Arc<State>) -> Self {
        state.open_sockets.fetch_add(1, Ordering::SeqCst);
        Self(state)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_sockets.fetch_sub(1, Ordering::SeqCst);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the other side of the upgrade"
)]
fn socket(state: Arc<State>, request: &mut Request<Incoming>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut *request);
    let key = &request.headers()["sec-websocket-key"];
    let accept = derive_accept_key(key.as_bytes());
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let _open = Open::new(state);
        let io = TokioIo::new(stream);
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let mut response = full(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert("sec-websocket-accept", accept.parse().unwrap());
    response
}

fn events(state: Arc<State>) -> Response<Body> {
    let (sender, body) = stream();
    tokio::spawn(async move {
        let _open = Open::new(state);
        while sender.send(data("data: tick\n\n")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn halves(state: Arc<State>) -> Response<Body> {
    let (sender, body) = stream();
    tokio::spawn(async move {
        let _ = sender.send(data("first ")).await;
        state.go_on.notified().await;
        let _ = sender.send(data("second")).await;
    });
    Response::new(body)
}

/// Names that only the gateway may say, and only to upstreams.
const NOT_FOR_CLIENTS: [&str; 7] = [
    "x-forwarded-user",
    "X-Forwarded-Groups",
    "x_forwarded_email",
    "remote-user",
    "x-qlik-user",
    "x-gatepass-assertion",
    "keep-alive",
];

fn talkative() -> Response<Body> {
    let (sender, body) = stream();
    tokio::spawn(async move {
        let _ = sender.send(data("talk")).await;
        let mut trailers = HeaderMap::new();
        trailers.insert("x-forwarded-user", HeaderValue::from_static("secret"));
        trailers.insert("x-checksum", HeaderValue::from_static("fine"));
        let _ = sender.send(Ok(Frame::trailers(trailers))).await;
    });
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for name in NOT_FOR_CLIENTS {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_static("secret"));
    }
    headers.insert("x-theirs", HeaderValue::from_static("kept"));
    headers.insert(
        "trailer",
        HeaderValue::from_static("x-checksum, x-forwarded-user"),
    );
    response
}

/// An upstream of which every connection goes to `serve`; its URL's address.
pub(crate) async fn raw<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// An address of this machine on which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    address
}

/// How many are different.
pub(crate) fn distinct(connections: impl IntoIterator<Item = usize>) -> usize {
    connections.into_iter().collect::<HashSet<_>>().len()
}

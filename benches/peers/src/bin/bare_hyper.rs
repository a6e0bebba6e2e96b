//! The least that a proxy on hyper does: one thread, a pool of upstream connections, nothing
//! to headers but the removal of `Connection`. What gatepass needs beyond this is its own.
//!
//! `bare_hyper ADDRESS UPSTREAM`

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::CONNECTION;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let usage = "usage: bare_hyper ADDRESS UPSTREAM";
    let mut arguments = std::env::args().skip(1);
    let listener = TcpListener::bind(arguments.next().expect(usage)).await?;
    let pool = Pool {
        upstream: arguments.next().expect(usage).parse()?,
        idle: Rc::default(),
    };
    let local = tokio::task::LocalSet::new();
    local.run_until(accept(listener, pool)).await
}

async fn accept(listener: TcpListener, pool: Pool) -> Result<(), Error> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = pool.clone();
        let service = service_fn(move |request| forward(pool.clone(), request));
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.half_close(false);
        tokio::task::spawn_local(builder.serve_connection(TokioIo::new(stream), service));
    }
}

async fn forward(pool: Pool, mut request: Request<Incoming>) -> Result<Response<Lent>, Error> {
    request.headers_mut().remove(CONNECTION);
    let mut sender = pool.take().await?;
    let mut response = sender.send_request(request).await?;
    response.headers_mut().remove(CONNECTION);
    Ok(response.map(|body| Lent {
        body,
        sender: Some(sender),
        pool,
    }))
}

#[derive(Clone)]
struct Pool {
    upstream: SocketAddr,
    idle: Rc<RefCell<Vec<SendRequest<Incoming>>>>,
}

impl Pool {
    async fn take(&self) -> Result<SendRequest<Incoming>, Error> {
        while let Some(sender) = self.pop() {
            if sender.is_ready() {
                return Ok(sender);
            }
        }
        let stream = TcpStream::connect(self.upstream).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(sender)
    }

    fn pop(&self) -> Option<SendRequest<Incoming>> {
        self.idle.borrow_mut().pop()
    }
}

/// A response's body, and the connection it comes from until it has ended.
struct Lent {
    body: Incoming,
    sender: Option<SendRequest<Incoming>>,
    pool: Pool,
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if self.body.is_end_stream()
            && let Some(sender) = self.sender.take()
        {
            self.pool.idle.borrow_mut().push(sender);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

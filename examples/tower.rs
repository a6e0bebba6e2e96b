//! The layer around a plain hyper service, without axum.
//!
//! ```text
//! cargo run --example tower
//! curl -i http://127.0.0.1:3000/                    # 401
//! curl -i -H 'X-User: ann' http://127.0.0.1:3000/   # hello ann: the header is trusted from loopback
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use gatepass::authn::header::HeaderAuthenticator;
use gatepass::domain::{Connection, Scheme, Session};
use gatepass::layer::ProxySessionLayer;
use gatepass::sessions::Sessions;
use http::{HeaderName, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tower::{ServiceBuilder, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions = Sessions::default();
    let header = HeaderAuthenticator::builder(
        sessions.default_space().id(),
        HeaderName::from_static("x-user"),
    )
    .directory("EXAMPLE")
    .trust("127.0.0.0/8".parse()?)
    .build()?;
    let layer = ProxySessionLayer::new(sessions).authenticator(header);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        // Who the peer is decides whether its header is trusted, so the layer has to know.
        let connection = Connection {
            peer,
            client_ip: peer.ip(),
            scheme: Scheme::Http,
        };
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(connection);
                request
            })
            .layer(layer.clone())
            .service(service_fn(hello));
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            if let Err(error) = connection.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let session = request
        .extensions()
        .get::<Arc<Session>>()
        .expect("the layer put it there");
    let text = format!(
        "hello {}, in session {}\n",
        session.user_name(),
        session.id()
    );
    Ok(Response::new(Full::from(text)))
}

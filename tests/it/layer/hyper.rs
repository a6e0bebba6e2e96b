//! In a plain hyper service.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use gatepass::layer::CurrentSession;
use gatepass::sessions::Sessions;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{ServiceBuilder, service_fn};

use super::{layer, sessions, token};
use crate::kit::{Script, Wire};

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let session = CurrentSession::of(request.extensions()).expect("the layer put it there");
    let text = format!("hello {} at {}", session.user_id(), request.uri());
    let length = request
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .len();
    Ok(Response::new(format!("{text}, {length} bytes").into()))
}

async fn serve(sessions: &Sessions) -> SocketAddr {
    let service = ServiceBuilder::new()
        .layer(layer(sessions))
        .service(service_fn(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

#[tokio::test]
async fn a_service_knows_whose_session_it_is() {
    let (sessions, _) = sessions();
    let address = serve(&sessions).await;
    let script = Script::new(address);
    script.get("/x").await.says(401, "Authentication is needed");
    let first = script.clone().bearer(&token("carol")).get("/x?y").await;
    first.says(200, "hello carol at /x?y, 0 bytes");
    // Many requests of one connection, with and without a body.
    let mut wire = Wire::connect(address).await;
    let script = script.with_cookie_of(&first);
    for _ in 0..3 {
        wire.ask(&script.head("GET", "/y", 0))
            .await
            .says(200, "at /y, 0 bytes");
        wire.send(script.head("POST", "/z", 5) + "hello").await;
        wire.response().await.says(200, "at /z, 5 bytes");
    }
    assert_eq!(sessions.open(), 1);
    let bad = Script::new(address).bearer("not.a.token").get("/x").await;
    assert_eq!(
        bad.header("www-authenticate"),
        "Bearer realm=\"default\", error=\"invalid_token\""
    );
    assert_eq!(bad.status, 401);
}

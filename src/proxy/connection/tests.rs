//! HTTP/2 without TLS below it, which needs no certificate, and with times of the test's own.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_util::sync::CancellationToken;

use super::http2;
use super::lifetime::Lifetime;
use crate::authn::{Anonymous, AnonymousMode, Chain};
use crate::domain::{PathPrefix, Scheme, SystemClock};
use crate::layer::Gate;
use crate::net::strict_h1::Limits;
use crate::net::{Drain, Timeouts, TrustedProxies};
use crate::proxy::front::{http_upstream, soon};
use crate::proxy::headers::{HeaderRules, Scrub};
use crate::proxy::router::{Place, Router};
use crate::proxy::upgrade::Activity;
use crate::proxy::upstream::{UpstreamAddresses, UpstreamSettings};
use crate::proxy::worker::{ClientConnection, Worker};
use crate::proxy::{Edge, EdgeSettings, ProxySpace, SpaceSettings, Targets};
use crate::sessions::Sessions;
use crate::telemetry::Metrics;

const WRITE: Duration = Duration::from_millis(1_000);

/// A client of an edge, before an upstream that answers every request with `body`; it takes
/// `window` bytes of each response until it is asked for more.
async fn client(body: Bytes, window: u32) -> SendRequest<Empty<Bytes>> {
    let answer = move |_: Request<Incoming>| Response::new(Full::new(body.clone()));
    let (url, _) = http_upstream(answer).await;
    let settings = EdgeSettings {
        workers: NonZeroUsize::MIN,
        limits: Limits::default(),
        timeouts: Timeouts {
            write: WRITE,
            ..Timeouts::default()
        },
        max_connections: 10,
        drain: Duration::ZERO,
        scheme: Scheme::Https,
        tls: None,
        access_log: false,
    };
    let clock = Arc::new(SystemClock::new());
    let edge = Edge::new(settings, targets(&url), TrustedProxies::default(), clock);
    let client = ClientConnection::new(&edge, ([127, 0, 0, 1], 1).into(), None, None);
    let worker = Arc::new(Worker::new(0, edge, CancellationToken::new()));
    let lifetime = Lifetime::new(client.peer, &Drain::new().handle());
    let (near, far) = tokio::io::duplex(16 * 1024);
    tokio::spawn(http2::converse(worker, far, Arc::new(client), lifetime));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// One space that takes everybody.
fn targets(url: &str) -> Targets {
    let sessions = Sessions::default();
    let chain = Chain::default().with_anonymous(Anonymous::new(AnonymousMode::Always));
    let metrics = Metrics::new().space(sessions.default_space());
    let space = SpaceSettings {
        gate: Gate::builder(sessions).chain(chain).build(),
        headers: HeaderRules::new(Arc::new(Scrub::default()), Arc::default()),
        upstream: UpstreamAddresses::parse([url]).unwrap(),
        connections: UpstreamSettings::default(),
        strip_prefix: false,
        host: None,
        body_idle: None,
        tunnel_idle: None,
        tunnel_activity: Activity::default(),
        end_notices: false,
        jwks: None,
        metrics,
    };
    let place = Place {
        hosts: Vec::new(),
        prefix: PathPrefix::default(),
    };
    Router::new([(place, Arc::new(ProxySpace::new(space, 1)))])
}

fn get() -> Request<Empty<Bytes>> {
    let request = Request::builder().uri("https://sales.example/");
    request.body(Empty::new()).unwrap()
}

fn large() -> Bytes {
    Bytes::from(vec![b'x'; 4 << 20])
}

#[tokio::test]
async fn s37_a_client_that_takes_nothing_is_given_up() {
    let mut client = client(large(), 64 * 1024).await;
    let response = soon(client.send_request(get())).await.unwrap();
    // The window is full, and nobody makes room; then it is reset.
    tokio::time::sleep(5 * WRITE).await;
    let error = soon(response.into_body().collect()).await.unwrap_err();
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
    // The connection is as good as before.
    let response = soon(client.send_request(get())).await.unwrap();
    let taken = soon(response.into_body().collect()).await.unwrap();
    assert_eq!(taken.to_bytes().len(), large().len());
}

#[tokio::test]
async fn s37_so_is_one_that_does_not_take_the_only_part() {
    let mut client = client(Bytes::from_static(b"short"), 0).await;
    let response = soon(client.send_request(get())).await.unwrap();
    let error = soon(response.into_body().collect()).await.unwrap_err();
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
}

#[tokio::test]
async fn s37_a_client_that_takes_its_time_is_not() {
    let mut client = client(large(), 64 * 1024).await;
    let response = soon(client.send_request(get())).await.unwrap();
    let mut body = response.into_body();
    let mut taken = 0;
    while let Some(frame) = soon(body.frame()).await {
        let data = frame.unwrap().into_data().unwrap();
        // Longer in all than it may take nothing.
        if taken / (128 * 1024) != (taken + data.len()) / (128 * 1024) {
            tokio::time::sleep(WRITE / 10).await;
        }
        taken += data.len();
    }
    assert_eq!(taken, large().len());
}

//! A client's connection, from its first byte to its last.
//!
//! ```text
//! TCP ---------------------> http1 (StrictHttp1, hyper) -> serve
//!  \-> TLS -- http/1.1 ----/
//!          `- h2 ----------> http2 (settle, hyper) ------> serve
//! TCP on a redirect listener -> http1 -> redirect
//! ```
//!
//! What is done to a request does not depend on the protocol: `http2_request` brings an HTTP/2
//! request into the form that HTTP/1.1 has for it, `streams` gives an HTTP/2 stream the times
//! that an HTTP/1 connection has.

mod http1;
mod http2;
mod http2_request;
mod lifetime;
mod redirect;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpStream;

pub(super) use http2_request::Malformed;
pub(super) use lifetime::Lifetime;

use super::edge::EdgeTls;
use super::worker::{ClientConnection, Worker};
use crate::net::tls::{HandshakeError, Protocol};

/// What is done for those who connect to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Requests are served.
    Serve,
    /// They are sent to https on this port.
    Redirect(u16),
}

/// Serves one client until its connection ends.
pub(super) async fn converse(
    worker: Arc<Worker>,
    stream: TcpStream,
    role: Role,
    lifetime: Lifetime,
) {
    match (role, &worker.edge.settings.tls) {
        (Role::Redirect(port), _) => redirect::converse(&worker.edge, stream, port, lifetime).await,
        (Role::Serve, None) => http1::converse(worker, stream, None, lifetime).await,
        // Boxed: the state of TLS would make that of every plain connection larger.
        (Role::Serve, Some(tls)) => {
            let tls = Arc::clone(tls);
            Box::pin(over_tls(worker, stream, &tls, lifetime)).await;
        }
    }
}

/// Shakes hands, then speaks what was agreed on.
async fn over_tls(worker: Arc<Worker>, stream: TcpStream, tls: &EdgeTls, lifetime: Lifetime) {
    let limit = worker.edge.settings.timeouts.head;
    let handshake = lifetime.unless_draining(tls.acceptor.accept(stream, limit));
    let Some(shaken) = handshake.await else {
        return;
    };
    let (stream, facts) = match shaken {
        Ok(agreed) => agreed,
        Err(error) => {
            match error {
                HandshakeError::TimedOut => tls.handshakes.timed_out(),
                _ => tls.handshakes.failed(),
            }
            let peer = lifetime.peer();
            if error.is_notable() {
                tracing::info!(%error, client.ip = %peer.ip(), "a TLS handshake failed");
            } else {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, client.ip = %peer.ip(), "a TLS handshake failed");
            }
            return;
        }
    };
    tls.handshakes.done(facts.resumed);
    match facts.protocol {
        Protocol::Http1 => http1::converse(worker, stream, Some(facts), lifetime).await,
        Protocol::Http2 => {
            let peer = lifetime.peer();
            let client = ClientConnection::new(&worker.edge, peer, None, Some(facts));
            http2::converse(worker, stream, Arc::new(client), lifetime).await;
        }
    }
}

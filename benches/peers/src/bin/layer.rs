//! The layer benchmark: one small axum application, with one of several layers before it.
//!
//! `layer KIND ADDRESS`, where KIND is `plain`, `identity` (a layer that does nothing: what
//! axum itself takes for having one), `gatepass`, `tower-sessions` (the session is
//! only read) or `tower-sessions-save` (and saved after every request). The first answer
//! without a cookie sets one.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use gatepass::authn::{Anonymous, Chain};
use gatepass::layer::{CurrentSession, ProxySessionLayer};
use gatepass::sessions::Sessions;
use tokio::net::TcpListener;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let usage = "usage: layer KIND ADDRESS";
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().expect(usage);
    let address = arguments.next().expect(usage);
    let app = match kind.as_str() {
        "plain" => Router::new().route("/", get(plain)),
        "identity" => Router::new()
            .route("/", get(plain))
            .layer(tower_layer::Identity::new()),
        "gatepass" => Router::new().route("/", get(gatepass)).layer(
            ProxySessionLayer::new(Sessions::default())
                .plain_http()
                .chain(Chain::default().with_anonymous(Anonymous::allow())),
        ),
        "tower-sessions" => tower_sessions(false),
        "tower-sessions-save" => tower_sessions(true),
        _ => panic!("{usage}"),
    };
    axum::serve(TcpListener::bind(address).await?, app).await
}

fn tower_sessions(always_save: bool) -> Router {
    let layer = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(false)
        .with_always_save(always_save);
    Router::new()
        .route("/", get(read))
        .route("/login", get(log_in))
        .layer(layer)
}

async fn plain(request: Request) -> &'static str {
    hello(request.headers().len() > 1000)
}

async fn gatepass(session: CurrentSession) -> &'static str {
    let session: &Arc<_> = &session;
    hello(session.user_name().is_empty())
}

async fn read(session: Session) -> &'static str {
    let user: Option<String> = session.get("user").await.expect("it was written by us");
    hello(user.is_none())
}

async fn log_in(session: Session) -> &'static str {
    let written = session.insert("user", "NONE\\anonymous").await;
    hello(written.is_err())
}

/// The same answer from all, once they have looked at what they know of the user.
fn hello(nobody: bool) -> &'static str {
    if nobody { "hello nobody" } else { "hello" }
}

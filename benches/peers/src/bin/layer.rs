//! The layer benchmark: one small axum application, with one of several layers before it.
//!
//! `layer KIND ADDRESS [REDIS]`, where KIND is `plain`, `identity` (a layer that does nothing:
//! what axum itself takes for having one), `gatepass`, `gatepass-redis`, `tower-sessions` (the
//! session is only read), `tower-sessions-save` (and saved after every request), and the two of
//! them with `-redis`. REDIS is the address of a redis-server. The first answer without a cookie
//! sets one.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use gatepass::authn::{Anonymous, Chain};
use gatepass::domain::{Clock, Spaces, SystemClock};
use gatepass::layer::{CurrentSession, ProxySessionLayer};
use gatepass::sessions::Sessions;
use gatepass::store::Retention;
use gatepass::store::redis::{RedisOptions, RedisStore};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use tower_sessions_0_14 as older;
use tower_sessions_redis_store::RedisStore as FredStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let usage = "usage: layer KIND ADDRESS [REDIS]";
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().expect(usage);
    let address = arguments.next().expect(usage);
    let redis = || format!("redis://{}", std::env::args().nth(3).expect(usage));
    let app = match kind.as_str() {
        "plain" => Router::new().route("/", get(plain)),
        "identity" => Router::new()
            .route("/", get(plain))
            .layer(tower_layer::Identity::new()),
        "gatepass" => gatepass(Sessions::default()),
        "gatepass-redis" => gatepass(shared_sessions(redis()).await),
        "tower-sessions" => tower_sessions(false),
        "tower-sessions-save" => tower_sessions(true),
        "tower-sessions-redis" => tower_sessions_redis(redis(), false).await,
        "tower-sessions-redis-save" => tower_sessions_redis(redis(), true).await,
        _ => panic!("{usage}"),
    };
    axum::serve(TcpListener::bind(address).await?, app).await
}

fn gatepass(sessions: Sessions) -> Router {
    Router::new().route("/", get(ours)).layer(
        ProxySessionLayer::new(sessions)
            .plain_http()
            .chain(Chain::default().with_anonymous(Anonymous::allow())),
    )
}

async fn shared_sessions(url: String) -> Sessions {
    let (spaces, clock): (_, Arc<dyn Clock>) = (Spaces::new(), Arc::new(SystemClock::new()));
    let store = RedisStore::connect(
        RedisOptions::single(url),
        Retention::default(),
        spaces.clone(),
        Arc::clone(&clock),
    );
    let sessions = Sessions::builder()
        .clock(clock)
        .spaces(spaces)
        .store(Arc::new(store.await.expect("a redis-server")))
        .build();
    tokio::spawn(sessions.clone().run_changes(CancellationToken::new()));
    let flush = std::time::Duration::from_secs(2);
    tokio::spawn(sessions.clone().run_flusher(flush, std::future::pending()));
    sessions
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

/// As its documentation sets it up.
async fn tower_sessions_redis(url: String, always_save: bool) -> Router {
    let config = Config::from_url(&url).expect("an address");
    let pool = Pool::new(config, None, None, None, 6).expect("a pool");
    let _connection = pool.connect();
    pool.wait_for_connect().await.expect("a redis-server");
    let layer = older::SessionManagerLayer::new(FredStore::new(pool))
        .with_secure(false)
        .with_always_save(always_save);
    Router::new()
        .route("/", get(read_redis))
        .route("/login", get(log_in_redis))
        .layer(layer)
}

async fn plain(request: Request) -> &'static str {
    hello(request.headers().len() > 1000)
}

async fn ours(session: CurrentSession) -> &'static str {
    let session: &Arc<_> = &session;
    hello(session.user_name().is_empty())
}

async fn read(session: Session) -> &'static str {
    let user: Option<String> = session.get(USER).await.expect("it was written by us");
    hello(user.is_none())
}

async fn log_in(session: Session) -> &'static str {
    hello(session.insert(USER, NAME).await.is_err())
}

async fn read_redis(session: older::Session) -> &'static str {
    let user: Option<String> = session.get(USER).await.expect("it was written by us");
    hello(user.is_none())
}

async fn log_in_redis(session: older::Session) -> &'static str {
    hello(session.insert(USER, NAME).await.is_err())
}

const USER: &str = "user";
const NAME: &str = "NONE\\anonymous";

/// The same answer from all, once they have looked at what they know of the user.
fn hello(nobody: bool) -> &'static str {
    if nobody { "hello nobody" } else { "hello" }
}

//! Gatepass: proxy-session authentication, as a [tower layer](layer) and as a reverse
//! proxy built on it.
//!
//! It finds out who a caller is, opens a *proxy session* (id, user, start, last active,
//! attributes), forwards every later request with the user's identity, and lets
//! administrators list and end sessions on a side port. An ended session is refused at once
//! and its open WebSockets and streams are cut.
//!
//! # The layer
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use gatepass::authn::jwt::JwtAuthenticator;
//! use gatepass::layer::{CurrentSession, ProxySessionLayer};
//! use gatepass::sessions::Sessions;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::builder().idle_timeout(Duration::from_secs(1800)).build();
//! let jwt = JwtAuthenticator::builder()
//!     .issuer("https://login.example.com")
//!     .audience("sales")
//!     .jwks_url("https://login.example.com/jwks")
//!     .build()?;
//! # #[cfg(feature = "axum")] {
//! let app: Router = Router::new()
//!     .route("/", get(|session: CurrentSession| async move { format!("hello {}", session.user_name()) }))
//!     .layer(ProxySessionLayer::new(sessions.clone()).authenticator(jwt));
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # The path of a request
//!
//! accept → route → scrub → resolve → authenticate → establish → authorize → forward → answer
//! → record. In the layer it starts at *resolve*; `proxy` is the whole of it.
//!
//! # The rooms
//!
//! | room | what is there | may use |
//! |---|---|---|
//! | `sync` | what threads meet on: locks, atomics, maps, tasks | nothing |
//! | [`domain`] | values and rules: session, identity, space, token, clock | `sync` |
//! | [`store`] | where sessions are kept: the contract, and memory | `domain` |
//! | `net` | sockets, strict HTTP/1 framing, client addresses | `domain` |
//! | `telemetry` | log, metrics, audit, health | `domain` |
//! | `tasks` | background tasks: queue, workers, progress | `domain` |
//! | [`sessions`] | establish, resolve, end, find: the only writer | the above |
//! | [`authn`] | who is the caller: one folder or file per method | the above |
//! | [`layer`] | the tower product: gate, cookie, login and logout | the above |
//! | `admin` | the side port | all but `layer` |
//! | `proxy` | the reverse proxy | all but `admin` |
//! | `app` | the composition root | all above |
//! | `config` | the configuration file | all above |
//!
//! Uses point up the table only; a test holds that.
//!
//! # Features
//!
//! `server` (on by default) is the proxy, the side port, the configuration and the command
//! line. Without it the crate is the tower library: [`domain`], [`sessions`] with the memory
//! store, [`authn`] with `jwt` and `header`, [`layer`]. `local` adds logins with a password,
//! `axum` the extractor. Features only add.

#[cfg(feature = "server")]
pub mod admin;
#[cfg(feature = "server")]
pub mod app;
pub mod authn;
#[cfg(feature = "server")]
pub mod config;
pub mod domain;
pub mod layer;
#[cfg(feature = "server")]
pub mod net;
#[cfg(feature = "server")]
pub mod proxy;
pub mod query;
pub mod sessions;
pub mod store;
mod sync;
#[cfg(feature = "server")]
pub mod tasks;
#[cfg(feature = "server")]
pub mod telemetry;

//! The tower product: a layer that lets only requests with a session through.
//!
//! What happens to a request, in order:
//!
//! 1. A path below `/.gatepass/` is the gateway's own ([login, logout, the user's
//!    sessions](endpoints)); so are `/qps/user` and `/qps/csrftoken` where they are on. A
//!    WebSocket from a page of an origin that may not is refused ([`WebSocketPolicy`]).
//! 2. A credential that comes with the request (a bearer token, a trusted header) and has
//!    opened a session before finds that session; a session cookie finds its session. Both are
//!    a look-up in a table: no waiting, no allocation.
//! 3. Without a session, the [`Chain`](crate::authn::Chain) is asked who the caller is; the
//!    answer opens a session, within the user's limits, or refuses the request. A ticket in the
//!    address goes before a cookie and always opens a new session; a browser is then sent to
//!    the same address without it.
//! 4. The space's access rules are checked.
//! 5. The inner service is called with the session in the request's extensions, as
//!    `Arc<Session>` ([`CurrentSession`] extracts it in axum).
//!
//! What a refused caller gets:
//!
//! - nobody, in a browser that loads a page: a redirect to the login page, with a return
//!   target that stays on this origin, or to the login module elsewhere;
//! - nobody, otherwise (scripts, other programs): 401;
//! - somebody who may not, has too many sessions, is locked, or for whom no license is left: 403,
//!   never a redirect;
//! - a store or key server that cannot be reached: 503, and the cookie stays;
//! - a gRPC call: the same as a `grpc-status`, which is 16, 7 or 14.
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//!
//! use gatepass::authn::jwt::JwtAuthenticator;
//! use gatepass::domain::Session;
//! use gatepass::layer::ProxySessionLayer;
//! use gatepass::sessions::Sessions;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, service_fn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::default();
//! let jwt = JwtAuthenticator::builder()
//!     .issuer("https://login.example.com")
//!     .audience("sales")
//!     .jwks_url("https://login.example.com/jwks")
//!     .build()?;
//! let service = ServiceBuilder::new()
//!     .layer(ProxySessionLayer::new(sessions).authenticator(jwt))
//!     .service(service_fn(|request: Request<String>| async move {
//!         let session = request.extensions().get::<Arc<Session>>().expect("the layer put it there");
//!         Ok::<_, Infallible>(Response::new(format!("hello {}", session.user_name())))
//!     }));
//! # drop(service);
//! # Ok(())
//! # }
//! ```

mod admit;
mod body;
mod challenge;
mod client;
mod cookie;
mod cors;
mod due;
pub mod endpoints;
mod extract;
mod form;
mod future;
mod gate;
mod grpc;
#[expect(clippy::module_inception, reason = "tower's name for the thing")]
mod layer;
#[cfg(feature = "local")]
mod login;
mod own_sessions;
mod pages;
mod qlik_endpoints;
mod recall;
mod reject;
mod service;
mod take_off;
mod targets;
mod ticket_flow;
mod websocket;

#[cfg(test)]
mod tests;

pub use admit::{Admission, Refusal};
pub use body::LayerBody;
pub use cookie::{CookieNames, Presented, SetCookie};
pub use extract::{CurrentSession, NoSession};
pub use future::ResponseFuture;
pub use gate::{Ask, Gate, GateBuilder, Verdict};
pub use layer::ProxySessionLayer;
pub use reject::short_answer;
pub use service::ProxySessionService;
pub use websocket::{SocketRefusal, WebSocketPolicy};

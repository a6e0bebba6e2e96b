//! The web app behind `gatepass demo`: something to log in to.
//!
//! It stands in for the application a real gateway protects, and shows what such an
//! application gets to see:
//!
//! | path | answers |
//! |---|---|
//! | `/` | a page that says who you are, from the identity headers alone (`page.rs`) |
//! | `/ws` | a WebSocket that sends back what it receives (`socket.rs`) |
//! | `/events` | an event stream that counts the seconds (`events.rs`) |
//! | `/echo` | the request as it arrived here, in JSON (`echo.rs`) |
//!
//! It trusts every header it is sent, as an application behind a gateway may, and therefore
//! belongs on a loopback address only. Its page uses relative addresses throughout, so the
//! app works under any path prefix.

pub mod data;
mod echo;
mod events;
mod page;
mod server;
mod socket;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::routing::{any, get};

pub use server::DemoApp;

/// The demo app, to be served on a loopback listener of its own.
pub fn router() -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/ws", get(socket::open))
        .route("/events", get(events::stream))
        .route("/echo", any(echo::reflect))
}

//! The session of the current request, for handlers.

use std::ops::Deref;
use std::sync::Arc;

#[cfg(feature = "axum")]
use http::request::Parts;

use crate::domain::Session;

/// The live session of the request. In axum an extractor (feature `axum`); elsewhere made
/// with [`of`](Self::of).
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use gatepass::layer::CurrentSession;
///
/// let app: Router = Router::new()
///     .route("/", get(|session: CurrentSession| async move { format!("hello {}", session.user_name()) }));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentSession(Arc<Session>);

/// The request has no session: the handler is not behind a
/// [`ProxySessionLayer`](super::ProxySessionLayer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has no session: its route is not behind a ProxySessionLayer")]
pub struct NoSession;

impl CurrentSession {
    /// The session of the request with these extensions.
    ///
    /// # Errors
    ///
    /// [`NoSession`] when the request has not come through the layer.
    pub fn of(extensions: &http::Extensions) -> Result<Self, NoSession> {
        extensions
            .get::<Arc<Session>>()
            .cloned()
            .map(Self)
            .ok_or(NoSession)
    }

    /// The session itself.
    #[must_use]
    pub fn into_inner(self) -> Arc<Session> {
        self.0
    }
}

impl Deref for CurrentSession {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.0
    }
}

#[cfg(feature = "axum")]
impl<State: Sync> axum_core::extract::FromRequestParts<State> for CurrentSession {
    type Rejection = NoSession;

    async fn from_request_parts(parts: &mut Parts, _state: &State) -> Result<Self, NoSession> {
        Self::of(&parts.extensions)
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for NoSession {
    /// 500: a mistake of the program, not of the caller.
    fn into_response(self) -> axum_core::response::Response {
        tracing::error!("{self}");
        (http::StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
    }
}

//! `GET` and `DELETE /api/v1/spaces/{space}/sessions/{sessionId}`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::request::{Actor, Params, Segments, SessionSegment, ViewParams};
use super::wire::SessionBody;
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::{SessionId, SpaceState};
use crate::sessions::EndOutcome;

/// A session of the space, open or ended.
pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Segments(segment): Segments<SessionSegment>,
    Params(params): Params<ViewParams>,
) -> Result<Response, Problem> {
    let session = admin.sessions().get(space.id(), segment.id()?).await?;
    let session = session.ok_or(ProblemKind::UnknownSession)?;
    Ok(Json(SessionBody::new(&session, params.view)).into_response())
}

/// Ends it and answers it as it is then. One that had ended before is answered the same way,
/// with the end it had, so the call can be repeated.
pub(super) async fn end(
    State(admin): State<Arc<Admin>>,
    actor: Actor,
    Segments(segment): Segments<SessionSegment>,
    Params(params): Params<ViewParams>,
) -> Result<Response, Problem> {
    let id = segment.id()?;
    let outcome = admin
        .sessions()
        .end_by_id(actor.space(), id, actor.cause())
        .await?;
    let ended = u64::from(matches!(outcome, EndOutcome::Ended(_)));
    let session = outcome.session().ok_or(ProblemKind::UnknownSession)?;
    actor.audit("session.end", &id.to_string(), ended);
    Ok(Json(SessionBody::new(session, params.view)).into_response())
}

impl SessionSegment {
    /// The id; what is no UUID is the id of no session.
    fn id(&self) -> Result<SessionId, Problem> {
        self.session
            .parse()
            .map_err(|_| ProblemKind::UnknownSession.into())
    }
}

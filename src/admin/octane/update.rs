//! `PUT .../sessions/{id}` and `PUT .../sessions`: ends sessions at once, one or several.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use super::body::JsonBody;
use super::caller::Caller;
use super::fault::{CorrelationId, Fault, FaultKind};
use super::form::Form;
use super::page::Shown;
use super::space::{EntityId, InSpace};
use super::terminate::Closed;
use super::wire::{DEFAULT_FIELDS, EntityError, Envelope, PartialUpdate, SESSION, SessionEntity};
use crate::admin::state::Admin;
use crate::domain::Session;
use crate::sessions::EndOutcome;
use crate::sessions::search::SESSION_FIELDS;

/// Sessions that are to be updated.
#[derive(Deserialize)]
pub(super) struct UpdateMany {
    data: Vec<UpdateOne>,
}

/// A session that is to be updated.
#[derive(Deserialize)]
struct UpdateOne {
    id: String,
    #[serde(flatten)]
    closed: Closed,
}

/// Ends one session; one that has ended stays as it is.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    space: InSpace,
    EntityId(id): EntityId,
    form: Form,
    JsonBody(closed): JsonBody<Closed>,
) -> Result<Response, Fault> {
    closed.check()?;
    let shown = Shown::of(&form, &SESSION_FIELDS, DEFAULT_FIELDS)?;
    match end(&admin, &caller, &space, &id).await? {
        Some(session) => Ok(Json(SessionEntity::new(&session, &shown)).into_response()),
        None => Err(Fault::unknown_entity(SESSION, &id)),
    }
}

/// Ends several sessions. When some are not there, the others are ended all the same, and
/// the answer is 409 and tells of both.
pub(super) async fn many(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    space: InSpace,
    form: Form,
    axum::Extension(correlation): axum::Extension<CorrelationId>,
    JsonBody(update): JsonBody<UpdateMany>,
) -> Result<Response, Fault> {
    let shown = Shown::of(&form, &SESSION_FIELDS, DEFAULT_FIELDS)?;
    if !(1..=MAX_UPDATES).contains(&update.data.len()) {
        let why = format!("data: 1 to {MAX_UPDATES} sessions are expected");
        return Err(Fault::new(FaultKind::IllegalBody, why));
    }
    update.data.iter().try_for_each(|one| one.closed.check())?;
    let (mut ended, mut faults, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (index, UpdateOne { id, .. }) in update.data.iter().enumerate() {
        match end(&admin, &caller, &space, id).await? {
            Some(session) if seen.insert(session.id()) => ended.push(session),
            Some(_) => {}
            None => faults.push((index, Fault::unknown_entity(SESSION, id))),
        }
    }
    let entities = ended
        .iter()
        .map(|session| SessionEntity::new(session, &shown));
    let updated = Envelope::new(ended.len(), entities.collect());
    if faults.is_empty() {
        return Ok(Json(updated).into_response());
    }
    let errors = faults.iter().map(|(index, fault)| EntityError {
        index: *index,
        entity_index: *index,
        error: fault.body(correlation.as_str()),
    });
    let body = PartialUpdate {
        updated,
        total_error_count: faults.len(),
        errors: errors.collect(),
    };
    Ok((StatusCode::CONFLICT, Json(body)).into_response())
}

async fn end(
    admin: &Admin,
    caller: &Caller,
    space: &InSpace,
    id: &str,
) -> Result<Option<Arc<Session>>, Fault> {
    let Ok(id) = id.parse() else {
        return Ok(None);
    };
    let ended = admin.sessions().end_by_id(space.id(), id, caller.cause());
    let outcome = ended.await?;
    if let EndOutcome::Ended(_) = outcome {
        caller.audit("session.end", space.id(), &id.to_string(), 1);
    }
    Ok(outcome.session().cloned())
}

const MAX_UPDATES: usize = 1000;

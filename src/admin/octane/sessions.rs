//! `GET .../sessions`, `.../sessions/groups` and `.../sessions/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::fault::Fault;
use super::form::Form;
use super::narrowing::Asked;
use super::page::{Shown, Window, order};
use super::space::{EntityId, InSpace};
use super::wire::{DEFAULT_FIELDS, Envelope, Groups, SESSION, SessionEntity};
use crate::admin::state::Admin;
use crate::query::Field;
use crate::sessions::search::{Column, SESSION_FIELDS, Search};

/// The sessions of a space, or with `group_by` how many there are of each kind.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    space: InSpace,
    form: Form,
) -> Result<Response, Fault> {
    if form.get("group_by").is_some() {
        let groups = grouped(&admin, &space, &form).await?;
        return Ok(Json(groups.with_envelope()).into_response());
    }
    let window = Window::of(&form)?;
    let shown = Shown::of(&form, &SESSION_FIELDS, DEFAULT_FIELDS)?;
    let now = admin.sessions().clock().wall();
    let search = Search {
        space: space.id().clone(),
        filter: Some(Asked::parse(form.get("query"))?.for_list(now)?),
        order: Some(order(&form, &SESSION_FIELDS, DEFAULT_ORDER)?),
        offset: window.offset,
        limit: window.limit,
    };
    let found = admin.sessions().search(&search).await?;
    let data = found.sessions.iter();
    let data = data.map(|session| SessionEntity::new(session, &shown));
    Ok(Json(Envelope::new(found.total, data.collect())).into_response())
}

/// How many sessions there are of each kind.
pub(super) async fn groups(
    State(admin): State<Arc<Admin>>,
    space: InSpace,
    form: Form,
) -> Result<Response, Fault> {
    Ok(Json(grouped(&admin, &space, &form).await?).into_response())
}

async fn grouped(admin: &Admin, space: &InSpace, form: &Form) -> Result<Groups, Fault> {
    let window = Window::of(form)?;
    let field = group_by(form)?;
    let now = admin.sessions().clock().wall();
    let filter = Asked::parse(form.get("query"))?.for_list(now)?;
    let groups = admin
        .sessions()
        .grouped(space.id(), Some(&filter), field.column())
        .await?;
    Ok(Groups::new(groups.len(), window.cut(groups), field))
}

fn group_by(form: &Form) -> Result<&'static Field<Column>, Fault> {
    let text = form.get("group_by").unwrap_or_default();
    match SESSION_FIELDS.group_by(text) {
        Ok(asked) => Ok(asked.field()),
        Err(_) if text.is_empty() => Err(Fault::parameter("group_by", "a field")),
        Err(error) => Err(Fault::query(&error, text)),
    }
}

/// One session of a space.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    space: InSpace,
    EntityId(text): EntityId,
    form: Form,
) -> Result<Response, Fault> {
    let shown = Shown::of(&form, &SESSION_FIELDS, DEFAULT_FIELDS)?;
    let unknown = || Fault::unknown_entity(SESSION, &text);
    let id = text.parse().map_err(|_| unknown())?;
    let session = admin.sessions().get(space.id(), id).await?;
    let session = session.ok_or_else(unknown)?;
    Ok(Json(SessionEntity::new(&session, &shown)).into_response())
}

const DEFAULT_ORDER: &str = "-start_time,id";

//! `GET /api/current_user`, `/admin/server/version` and `/api/shared_spaces`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::caller::{self, Caller};
use super::fault::Fault;
use super::form::Form;
use super::page::Window;
use super::wire::{CurrentUser, Envelope, ServerVersion, SharedSpace};
use crate::admin::state::Admin;

/// Who calls.
pub(super) async fn current_user(caller: Caller) -> Response {
    let user = caller::identity(caller.who());
    Json(CurrentUser::new(&user, caller.who())).into_response()
}

/// What answers.
pub(super) async fn version() -> Response {
    Json(VERSION).into_response()
}

/// The spaces that the caller may look at.
pub(super) async fn shared_spaces(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    form: Form,
) -> Result<Response, Fault> {
    let window = Window::of(&form)?;
    let spaces = admin.spaces().load();
    let seen = spaces
        .iter()
        .filter(|space| caller.who().may_read(&space.id));
    let seen: Vec<_> = seen.map(SharedSpace::new).collect();
    Ok(Json(Envelope::new(seen.len(), window.cut(seen))).into_response())
}

/// Clients expect five texts, and some compare the version as numbers.
const VERSION: ServerVersion = ServerVersion {
    version: env!("CARGO_PKG_VERSION"),
    build_date: "",
    build_revision: "",
    build_number: "0",
    display_version: concat!("Gatepass ", env!("CARGO_PKG_VERSION")),
};

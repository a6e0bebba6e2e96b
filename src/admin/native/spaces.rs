//! `GET /api/v1/spaces` and `GET /api/v1/spaces/{space}`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::request::{NoParams, Params};
use super::wire::{SpaceBody, SpacesBody};
use crate::admin::keys::Principal;
use crate::admin::spaces::SpaceInfo;
use crate::admin::state::Admin;
use crate::domain::SpaceState;

/// The spaces that the key may look at, in the configuration's order.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(who): Extension<Arc<Principal>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    let infos = admin.spaces().load();
    let spaces = infos
        .iter()
        .filter(|info| who.may_read(&info.id))
        .filter_map(|info| {
            let state = admin.sessions().find_space(&info.id)?;
            Some(SpaceBody::new(info, &state))
        })
        .collect();
    Json(SpacesBody { spaces }).into_response()
}

/// One of them; of a space that is no longer configured, what its sessions know.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    let infos = admin.spaces().load();
    match infos.iter().find(|info| info.id == *space.id()) {
        Some(info) => Json(SpaceBody::new(info, &space)).into_response(),
        None => Json(SpaceBody::new(&SpaceInfo::of(space.id().clone()), &space)).into_response(),
    }
}

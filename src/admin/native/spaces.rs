//! `GET /api/v1/spaces` and `GET /api/v1/spaces/{space}`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::request::{NoParams, Params};
use super::wire::{SpaceBody, SpacesBody};
use crate::admin::keys::Principal;
use crate::admin::problem::Problem;
use crate::admin::spaces::SpaceInfo;
use crate::admin::state::Admin;
use crate::domain::SpaceState;

/// The spaces that the key may look at, in the configuration's order.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(who): Extension<Arc<Principal>>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let infos = admin.spaces().load();
    let mut spaces = Vec::new();
    for info in infos.iter().filter(|info| who.may_read(&info.id)) {
        if let Some(state) = admin.sessions().find_space(&info.id) {
            let open = admin.sessions().open_in(&info.id).await?;
            spaces.push(SpaceBody::new(info, &state, open));
        }
    }
    Ok(Json(SpacesBody { spaces }).into_response())
}

/// One of them; of a space that is no longer configured, what its sessions know.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let open = admin.sessions().open_in(space.id()).await?;
    let infos = admin.spaces().load();
    let unlisted = SpaceInfo::of(space.id().clone());
    let info = infos.iter().find(|info| info.id == *space.id());
    let body = SpaceBody::new(info.unwrap_or(&unlisted), &space, open);
    Ok(Json(body).into_response())
}

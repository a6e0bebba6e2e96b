//! `GET /api/v1/spaces/{space}/licenses`: how licenses are used.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::request::{NoParams, Params};
use super::wire_access::{LicenseBody, LicensesBody};
use crate::admin::state::Admin;
use crate::domain::SpaceState;

/// Sessions without a license first, then by name. Peaks are of UTC days, today's the last.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(space): Extension<Arc<SpaceState>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    let meter = admin.sessions().licenses();
    let usage = meter.of_space(space.id());
    let licenses = usage
        .iter()
        .map(|usage| {
            let peaks = meter.peaks(space.id(), usage.license.as_deref());
            LicenseBody::new(usage, &peaks)
        })
        .collect();
    Json(LicensesBody { licenses }).into_response()
}

//! What watches the process: health checks and the scrape.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde::Serialize;

use super::problem::{Problem, ProblemKind};
use super::state::Admin;
use crate::telemetry::{Metrics, Readiness};

/// The health checks. They tell nothing but the process's own state, so they need no key.
pub(super) fn health() -> Router<Arc<Admin>> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

/// The scrape.
pub(super) fn metrics() -> Router<Arc<Admin>> {
    Router::new().route("/metrics", get(scrape))
}

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
    reasons: Vec<ReasonBody>,
}

#[derive(Serialize)]
struct ReasonBody {
    component: &'static str,
    reason: String,
}

async fn live() -> Response {
    let body = HealthBody {
        status: "live",
        reasons: Vec::new(),
    };
    Json(body).into_response()
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let readiness = admin.health().readiness();
    let status = readiness.as_str();
    let (code, reasons) = match readiness {
        Readiness::Ready => (StatusCode::OK, Vec::new()),
        Readiness::Draining => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
        Readiness::NotReady(reasons) => (StatusCode::SERVICE_UNAVAILABLE, reasons),
    };
    let reasons = reasons
        .into_iter()
        .map(|r| ReasonBody {
            component: r.component,
            reason: r.reason,
        })
        .collect();
    (code, Json(HealthBody { status, reasons })).into_response()
}

async fn scrape(State(admin): State<Arc<Admin>>) -> Response {
    match admin.metrics() {
        Some(metrics) => (
            [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)],
            metrics.encode(),
        )
            .into_response(),
        None => Problem::new(ProblemKind::UnknownRoute).into_response(),
    }
}

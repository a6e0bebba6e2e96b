//! What watches the process: health checks and the scrape.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;

use super::openapi::{self, API_KEY, Answer, CERTIFICATE, Operation, Section};
use super::problem::{Problem, ProblemKind};
use super::state::Admin;
use crate::telemetry::{Metrics, Readiness};

const LIVE: Operation = Operation::get("/health/live", "getLive", "Whether the process runs")
    .answers(&[Answer::json(200, "It does", "Health")])
    .open();
const READY: Operation = Operation::get("/health/ready", "getReady", "Whether to send requests")
    .answers(&[
        Answer::json(200, "Ready", "Health"),
        Answer::json(503, "Not ready, or draining", "Health"),
    ])
    .open();
const METRICS: Operation =
    Operation::get("/metrics", "getMetrics", "Metrics to scrape").answers(&[
        Answer::text(
            200,
            "OpenMetrics",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        Answer::error(404, "There are no metrics"),
    ]);

/// What the description says of these routes and of its own, given which of them need no key.
pub(super) fn section(metrics_public: bool, docs_public: bool) -> Section {
    let mut operations = vec![LIVE, READY];
    operations.push(METRICS.open_if(metrics_public));
    operations.extend(openapi::OPERATIONS.map(|route| route.open_if(docs_public)));
    let reason = json!({
        "type": "object",
        "required": ["component", "reason"],
        "properties": {"component": {"type": "string"}, "reason": {"type": "string"}},
        "additionalProperties": false,
    });
    let health = json!({
        "type": "object",
        "required": ["status", "reasons"],
        "properties": {
            "status": {"enum": ["live", "ready", "not-ready", "draining"]},
            "reasons": {"type": "array", "items": reason},
        },
        "additionalProperties": false,
        "examples": [{"status": "ready", "reasons": []}],
    });
    let document = json!({"type": "object", "required": ["openapi", "info", "paths"]});
    Section {
        tag: "Operations",
        about: "For what watches the process, and for who writes programs.".to_owned(),
        operations,
        segments: &[],
        schemas: [("Health", health), ("OpenApi", document)]
            .map(|(name, schema)| (name.to_owned(), schema))
            .into_iter()
            .collect(),
        error: ("application/problem+json", "Problem"),
        errors: ERRORS,
        keys: &[API_KEY, CERTIFICATE],
    }
}

/// The errors of routes that need a key.
const ERRORS: &[Answer] = &[
    Answer::error(400, "The host cannot be understood"),
    Answer::error(401, "No valid API key"),
    Answer::error(403, "A page of another origin asks"),
    Answer::error(421, "The side port does not answer to this host"),
    Answer::empty(414, "The target is longer than 65,534 bytes"),
    Answer::empty(431, "The head is too large"),
    Answer::error(429, "Too many failed attempts; see `Retry-After`"),
];

/// The health checks. They tell nothing but the process's own state, so they need no key.
pub(super) fn health() -> Router<Arc<Admin>> {
    Router::new()
        .route(LIVE.path, get(live))
        .route(READY.path, get(ready))
}

/// The scrape.
pub(super) fn metrics() -> Router<Arc<Admin>> {
    Router::new().route(METRICS.path, get(scrape))
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

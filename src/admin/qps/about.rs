//! `GET /alive`, `/health`, `/about/description` and `/about/openapi/Main`, `POST /error`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::error::QpsError;
use super::routes::{ROUTES, Route};
use super::wire::{self, AliveForm, HealthForm, RouteForm};
use crate::admin::openapi::Verb;

/// That the gateway is there.
pub(super) fn alive() -> Response {
    wire::json(StatusCode::OK, &AliveForm { value: true })
}

/// How it is. Who decides where requests go by it asks `/health/ready`, which needs no key.
pub(super) fn health(call: &Call) -> Response {
    let status = call.admin.health().readiness().as_str();
    wire::json(StatusCode::OK, &HealthForm { status })
}

/// Writes what a caller has to tell to the log.
pub(super) fn log_error(call: &Call) -> Result<Response, QpsError> {
    let input = call.input()?;
    let message = line(input.message()?);
    let (directory, id) = input.user();
    tracing::warn!(
        admin.key = &**call.who.id(),
        client.ip = call.ip.map(tracing::field::display),
        space.id = %call.space()?.id(),
        user.directory = directory.map(line),
        user.id = id.map(line),
        error.message = message,
        "a caller of the Qlik dialect reported an error"
    );
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `text` as one line of a log, and no more than that.
fn line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|c| match c {
            '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .take(MAX_LINE)
        .collect();
    if text.chars().nth(MAX_LINE).is_some() {
        line.push('…');
    }
    line
}

/// The routes that there are.
pub(super) fn description(call: &Call) -> Response {
    let base = base_path(call);
    let routes = ROUTES.iter().map(|route| RouteForm {
        method: route.method().as_str().to_ascii_uppercase(),
        path: format!("{base}{}", route.path()),
        description: route.operation.summary(),
    });
    wire::json(StatusCode::OK, &routes.collect::<Vec<_>>())
}

/// The routes as clients of Qlik's proxy read them, in the form of
/// <https://swagger.io/specification/v2/>.
pub(super) fn open_api(call: &Call) -> Response {
    let mut paths: Map<String, Value> = Map::new();
    for route in &ROUTES {
        let path = paths.entry(route.path()).or_insert_with(|| json!({}));
        path[route.method().as_str()] = operation(route);
    }
    let document = json!({
        "swagger": "2.0",
        "info": {
            "title": "Gatepass, Qlik dialect",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "basePath": base_path(call),
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths,
    });
    wire::json(StatusCode::OK, &document)
}

fn operation(route: &Route) -> Value {
    let segments = route.operation.segments().filter(|name| *name != "prefix");
    let mut parameters: Vec<Value> = segments
        .map(|name| json!({"name": name, "in": "path", "required": true, "type": "string"}))
        .collect();
    for (name, place) in [("xrfkey", "query"), ("X-Qlik-Xrfkey", "header")] {
        parameters.push(json!({
            "name": name,
            "in": place,
            "required": true,
            "type": "string",
            "pattern": "^[0-9A-Za-z]{16}$",
        }));
    }
    if route.method() == Verb::Post {
        let schema = json!({"type": "object"});
        parameters.push(json!({"name": "body", "in": "body", "required": true, "schema": schema}));
    }
    let mut answers = Map::new();
    for (status, about) in route.operation.outcomes() {
        answers.insert(status.to_string(), json!({"description": about}));
    }
    json!({
        "operationId": route.operation.id(),
        "summary": route.operation.summary(),
        "parameters": parameters,
        "responses": answers,
    })
}

/// What stands before the routes for this caller.
fn base_path(call: &Call) -> String {
    match call.prefix.as_str() {
        "" => "/qps".to_owned(),
        prefix => format!("/qps/{prefix}"),
    }
}

/// Characters of a text in the log.
const MAX_LINE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_bounded_length() {
        assert_eq!(line("a\r\nb\u{1b}[0m\u{2028}c\u{85}"), "a  b [0m c ");
        assert_eq!(line(&"ä".repeat(MAX_LINE)), "ä".repeat(MAX_LINE));
        let cut = line(&"ä".repeat(MAX_LINE + 1));
        assert_eq!(cut.chars().count(), MAX_LINE + 1);
        assert!(cut.ends_with("ä…"));
    }
}

//! The request as the app received it: what the gateway added, changed and took away.

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;

/// What [`reflect`] answers.
#[derive(Debug, Serialize)]
struct Echo {
    method: String,
    path: String,
    /// Without the question mark; `null` when there was none.
    query: Option<String>,
    /// In the order of arrival, repeated ones included.
    headers: Vec<(String, String)>,
    /// In bytes.
    #[serde(rename = "bodyLength")]
    body_length: usize,
}

/// Describes the request in JSON; 413 when its body is longer than [`MAX_BODY`].
pub(super) async fn reflect(request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body_length = match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => collected.to_bytes().len(),
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    Json(Echo {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers,
        body_length,
    })
    .into_response()
}

/// The longest body that is counted, in bytes; it is held in memory meanwhile.
const MAX_BODY: usize = 1024 * 1024;

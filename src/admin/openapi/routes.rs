//! `GET /openapi.json` and `GET /docs`.

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::on;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::document::{Section, document};
use super::operation::{Answer, Operation};
use super::page;

const JSON: Operation = Operation::get("/openapi.json", "getOpenApi", "This description")
    .about("OpenAPI 3.1, generated from the routes that there are.")
    .answers(&[Answer::json(200, "The document", "OpenApi")]);
const PAGE: Operation = Operation::get("/docs", "getDocs", "This description, to be read")
    .answers(&[Answer::text(200, "A page", "text/html")]);

/// The routes that tell of all routes, to be described with the others.
pub(in crate::admin) const OPERATIONS: [Operation; 2] = [JSON, PAGE];

/// The routes that tell of `sections`, whose texts are written once.
pub(in crate::admin) fn router<S>(sections: &[Section]) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let json = document(sections).to_string();
    let html = page::html(sections);
    let document = Text::new("application/json", json);
    let page = Text::new("text/html; charset=utf-8", html);
    Router::new()
        .route(
            JSON.path,
            on(JSON.method.filter(), async move || document.answer()),
        )
        .route(
            PAGE.path,
            on(PAGE.method.filter(), async move || page.answer()),
        )
}

#[derive(Clone)]
struct Text {
    media_type: &'static str,
    bytes: Bytes,
}

impl Text {
    fn new(media_type: &'static str, text: String) -> Self {
        Self {
            media_type,
            bytes: text.into(),
        }
    }

    fn answer(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.media_type),
            (CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        ];
        (headers, self.bytes.clone()).into_response()
    }
}

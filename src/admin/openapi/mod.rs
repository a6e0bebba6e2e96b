//! The side port's own description: OpenAPI 3.1 at `/openapi.json`, and a page of it at `/docs`.
//!
//! A dialect describes each of its routes with an [`Operation`] and builds its router from the
//! same table, so that a route without a description cannot be. What a dialect has in common
//! is its [`Section`]; [`router`] takes the sections of all dialects and knows none of them.

mod document;
mod operation;
mod page;
mod routes;
#[cfg(test)]
pub(in crate::admin) mod schema;

#[allow(unused_imports, reason = "a dialect with other keys names them so")]
pub(super) use document::Key;
pub(super) use document::{API_KEY, CERTIFICATE, Section};
pub(super) use operation::{Answer, Link, Operation, Parameter, Verb};
pub(super) use routes::{OPERATIONS, router};

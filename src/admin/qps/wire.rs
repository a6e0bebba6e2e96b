//! All JSON that the dialect answers: Qlik's *proxy form*, on one line.
//!
//! The order of the members is part of the form: there are clients that take them out with a
//! regular expression. What the form has beyond Qlik's own stands behind it.

use std::fmt::Display;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Serialize, Serializer};

use super::attributes::AttributesForm;
use crate::domain::{Identity, Session, Timestamp};

/// A session.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SessionForm<'a> {
    user_directory: &'a str,
    user_id: &'a str,
    attributes: AttributesForm<'a>,
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_user: Option<bool>,
    user_name: &'a str,
    session_start: Text<Timestamp>,
    last_active: Text<Timestamp>,
}

/// A session that was ended.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EndedForm<'a> {
    pub(super) session: SessionForm<'a>,
    pub(super) last_session_for_user: bool,
}

/// A ticket.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TicketForm<'a> {
    user_directory: &'a str,
    user_id: &'a str,
    attributes: AttributesForm<'a>,
    ticket: &'a str,
    target_uri: Option<&'a str>,
}

/// Whether the gateway is there.
#[derive(Serialize)]
pub(super) struct AliveForm {
    pub(super) value: bool,
}

/// How it is.
#[derive(Serialize)]
pub(super) struct HealthForm {
    pub(super) status: &'static str,
}

/// A route.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteForm {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) description: &'static str,
}

impl<'a> SessionForm<'a> {
    /// `session` with its public id.
    pub(super) fn new(session: &'a Session) -> Self {
        Self {
            user_directory: session.user_directory(),
            user_id: session.user_id(),
            attributes: AttributesForm(session.identity().attributes()),
            session_id: session.id().to_string(),
            new_user: None,
            user_name: session.user_name(),
            session_start: Text(session.started_at()),
            last_active: Text(session.last_active()),
        }
    }

    /// With the id that the caller knows it by.
    pub(super) fn known_as(mut self, id: &str) -> Self {
        id.clone_into(&mut self.session_id);
        self
    }

    /// With whether the user had no other session when it was added.
    pub(super) const fn of_new_user(mut self, new_user: bool) -> Self {
        self.new_user = Some(new_user);
        self
    }
}

impl<'a> TicketForm<'a> {
    /// The ticket `ticket` of `identity`.
    pub(super) fn new(identity: &'a Identity, ticket: &'a str, target: Option<&'a str>) -> Self {
        Self {
            user_directory: identity.directory(),
            user_id: identity.id(),
            attributes: AttributesForm(identity.attributes()),
            ticket,
            target_uri: target,
        }
    }
}

/// `value` as the body of an answer: in one piece of known length, never in chunks.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_vec(value).expect("texts and flags always serialise");
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, Body::from(text)).into_response()
}

/// Something that is written as its text.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

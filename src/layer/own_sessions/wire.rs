//! The list as JSON: sessions in the form of the native API.

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use serde::{Serialize, Serializer};

use crate::domain::{Session, SessionId, Timestamp};

/// `sessions`, of which `current` asks, out of `total`.
pub(super) fn list(sessions: &[Arc<Session>], current: &Session, total: usize) -> Response<Bytes> {
    let body = ListBody {
        sessions: sessions.iter().map(|s| SessionBody(s)).collect(),
        current: Text(current.id()),
        total,
    };
    let text = serde_json::to_vec(&body).expect("texts and lists of texts");
    let mut response = Response::new(Bytes::from(text));
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// The list, for programs.
#[derive(Serialize)]
struct ListBody<'a> {
    sessions: Vec<SessionBody<'a>>,
    current: Text<SessionId>,
    /// How many there are, listed or not.
    total: usize,
}

/// A session in the native API's form.
struct SessionBody<'a>(&'a Session);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    session_id: Text<SessionId>,
    user_directory: &'a str,
    user_id: &'a str,
    user_name: &'a str,
    session_start: Text<Timestamp>,
    last_active: Text<Timestamp>,
    attributes: Vec<AttributeBody<'a>>,
}

#[derive(Serialize)]
struct AttributeBody<'a> {
    name: &'a str,
    values: &'a [Box<str>],
}

/// Something whose JSON is its text.
struct Text<T>(T);

impl Serialize for SessionBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.0;
        let attributes = session.identity().attributes().iter();
        let members = Members {
            session_id: Text(session.id()),
            user_directory: session.user_directory(),
            user_id: session.user_id(),
            user_name: session.user_name(),
            session_start: Text(session.started_at()),
            last_active: Text(session.last_active()),
            attributes: attributes
                .map(|attribute| AttributeBody {
                    name: &attribute.name,
                    values: &attribute.values,
                })
                .collect(),
        };
        members.serialize(serializer)
    }
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

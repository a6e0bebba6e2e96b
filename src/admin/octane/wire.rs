//! The dialect's JSON.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::page::Shown;
use crate::admin::keys::Principal;
use crate::admin::spaces::SpaceInfo;
use crate::domain::{Identity, Session, Timestamp};
use crate::query::{Field, FieldValue, Record, Selection};
use crate::sessions::search::{Column, Columns, Group, SESSION_FIELDS};

/// The type of sessions.
pub(super) const SESSION: &str = "session";
/// The type of users.
pub(super) const USER: &str = "sharedspace_user";

/// What is shown of a session when no fields are asked for: those of the product's reference.
pub(super) const DEFAULT_FIELDS: &str = "id,session_identifier,client_type,\
     user{id,name,full_name,email},client_ip,access_type,start_time,end_time,license";

/// A list, or a part of one.
#[derive(Serialize)]
pub(super) struct Envelope<T> {
    total_count: usize,
    data: Vec<T>,
    /// Whether there are more than `total_count`; the count is always exact.
    exceeds_total_count: bool,
}

impl<T> Envelope<T> {
    pub(super) const fn new(total_count: usize, data: Vec<T>) -> Self {
        Self {
            total_count,
            data,
            exceeds_total_count: false,
        }
    }
}

/// A session, with the fields that are asked for.
pub(super) struct SessionEntity<'s> {
    session: &'s Session,
    shown: &'s Shown<Column>,
}

impl<'s> SessionEntity<'s> {
    pub(super) const fn new(session: &'s Session, shown: &'s Shown<Column>) -> Self {
        Self { session, shown }
    }
}

impl Serialize for SessionEntity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = Columns(self.session);
        let mut entity = serializer.serialize_map(None)?;
        entity.serialize_entry("type", SESSION)?;
        entity.serialize_entry("id", &self.session.id().to_string())?;
        for shown in self.shown.fields().filter(|shown| shown.name != "id") {
            let value = Cell {
                columns,
                field: shown.field,
                of_reference: shown.of_reference,
            };
            entity.serialize_entry(shown.name, &value)?;
        }
        entity.end()
    }
}

/// The value of a session's field: plain, or an entity it refers to.
struct Cell<'s> {
    columns: Columns<'s>,
    field: &'static Field<Column>,
    of_reference: Option<&'s Selection<Column>>,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.columns.value(self.field.column());
        if self.field.fields().is_none() || value.is_null() {
            return Plain(value).serialize(serializer);
        }
        let mut reference = serializer.serialize_map(None)?;
        reference.serialize_entry("type", USER)?;
        reference.serialize_entry("id", &Plain(value))?;
        let selected = self.of_reference.map(Selection::fields).unwrap_or_default();
        for selected in selected.iter().filter(|selected| selected.name() != "id") {
            let value = self.columns.value(selected.field().column());
            reference.serialize_entry(selected.name(), &Plain(value))?;
        }
        reference.end()
    }
}

/// A plain value: a text, a time, a number, or null.
pub(super) struct Plain<'v>(pub(super) FieldValue<'v>);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            FieldValue::Null => serializer.serialize_none(),
            FieldValue::Text(text) => serializer.serialize_str(text),
            FieldValue::Short(text) => serializer.serialize_str(text.as_str()),
            FieldValue::Timestamp(millis) => {
                serializer.collect_str(&Timestamp::from_unix_millis(*millis))
            }
            FieldValue::Number(number) => serializer.serialize_f64(*number),
            FieldValue::Bool(bool) => serializer.serialize_bool(*bool),
        }
    }
}

/// Sessions, counted by a field.
#[derive(Serialize)]
pub(super) struct Groups {
    #[serde(rename = "groupsTotalCount")]
    total: usize,
    groups: GroupList,
    #[serde(flatten)]
    envelope: Option<Envelope<Value>>,
}

struct GroupList {
    groups: Vec<Group>,
    field: &'static Field<Column>,
    shown: Selection<Column>,
}

impl Groups {
    /// Some of `total` groups by `field`.
    pub(super) fn new(total: usize, groups: Vec<Group>, field: &'static Field<Column>) -> Self {
        Self {
            total,
            groups: GroupList {
                groups,
                field,
                shown: Shown::default_fields(&SESSION_FIELDS, DEFAULT_FIELDS),
            },
            envelope: None,
        }
    }

    /// The same with an empty list, for those who asked for one.
    pub(super) fn with_envelope(self) -> Self {
        Self {
            envelope: Some(Envelope::new(0, Vec::new())),
            ..self
        }
    }
}

impl Serialize for GroupList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'s> {
            count: usize,
            value: Cell<'s>,
        }
        let of_reference = self.shown.get(self.field.name());
        let of_reference = of_reference.and_then(|selected| selected.of_reference());
        let mut list = serializer.serialize_seq(Some(self.groups.len()))?;
        for group in &self.groups {
            list.serialize_element(&Entry {
                count: group.count,
                value: Cell {
                    columns: Columns(&group.example),
                    field: self.field,
                    of_reference,
                },
            })?;
        }
        list.end()
    }
}

/// The caller as a user.
#[derive(Serialize)]
pub(super) struct CurrentUser<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    name: &'a str,
    full_name: &'a str,
    email: Option<&'a str>,
    /// What the key may do.
    role: &'static str,
}

impl<'a> CurrentUser<'a> {
    pub(super) fn new(user: &'a Identity, who: &Arc<Principal>) -> Self {
        Self {
            kind: USER,
            id: user.number().to_string(),
            name: user.id(),
            full_name: user.name(),
            email: user.email(),
            role: who.role().as_str(),
        }
    }
}

/// A space.
#[derive(Serialize)]
pub(super) struct SharedSpace<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    logical_name: &'a str,
}

impl<'a> SharedSpace<'a> {
    pub(super) fn new(space: &'a SpaceInfo) -> Self {
        Self {
            kind: "shared_space",
            id: space.id.as_str(),
            name: &space.name,
            logical_name: &space.name,
        }
    }
}

/// What answers.
#[derive(Serialize)]
pub(super) struct ServerVersion {
    pub(super) version: &'static str,
    pub(super) build_date: &'static str,
    pub(super) build_revision: &'static str,
    pub(super) build_number: &'static str,
    pub(super) display_version: &'static str,
}

/// An error.
#[derive(Serialize)]
pub(super) struct ErrorBody<'a> {
    pub(super) error_code: &'static str,
    pub(super) correlation_id: &'a str,
    pub(super) description: &'a str,
    pub(super) description_translated: &'a str,
    pub(super) properties: &'a Value,
    /// Never one: it is for developers of the server.
    pub(super) stack_trace: Option<&'a str>,
    pub(super) business_error: bool,
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub(super) token_state: Option<&'static str>,
}

/// What came of an update of several entities of which some were not updated.
#[derive(Serialize)]
pub(super) struct PartialUpdate<'a, T> {
    #[serde(flatten)]
    pub(super) updated: Envelope<T>,
    pub(super) total_error_count: usize,
    pub(super) errors: Vec<EntityError<'a>>,
}

/// Why one of several entities was not updated.
#[derive(Serialize)]
pub(super) struct EntityError<'a> {
    /// Its place in the request, from 0.
    pub(super) index: usize,
    pub(super) entity_index: usize,
    #[serde(flatten)]
    pub(super) error: ErrorBody<'a>,
}

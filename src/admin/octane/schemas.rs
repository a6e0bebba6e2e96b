//! The JSON schemas of the dialect.

use serde_json::{Map, Value, json};

use super::fault::{ENTITY_NOT_FOUND, FaultKind};
use super::task_wire::{TASK, TASK_FIELDS, TaskColumn};
use super::wire::{SESSION, USER};
use crate::admin::keys::Role;
use crate::query::{Field, Kind};
use crate::sessions::search::SESSION_FIELDS;
use crate::tasks::TaskStatus;

/// The schemas by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, schema) in [
        ("OctaneCredentials", credentials()),
        ("OctaneUser", user()),
        ("OctaneVersion", version()),
        ("OctaneSpace", space()),
        ("OctaneSpaceList", list("OctaneSpace")),
        (
            "OctaneSession",
            entity(SESSION, SESSION_FIELDS.fields(), member),
        ),
        ("OctaneSessionList", list("OctaneSession")),
        ("OctaneGroup", group()),
        ("OctaneGroups", groups(&[], json!({}))),
        ("OctaneSessionsOrGroups", sessions_or_groups()),
        ("OctaneUpdate", closing(&[], json!({}))),
        ("OctaneUpdates", updates()),
        ("OctaneTermination", termination()),
        ("OctanePartialUpdate", partial_update()),
        ("OctaneEntityError", entity_error()),
        ("OctaneTaskResult", task_result()),
        (
            "OctaneTask",
            entity(TASK, TASK_FIELDS.fields(), task_member),
        ),
        ("OctaneTaskList", list("OctaneTask")),
        ("OctaneStartedTask", started_task()),
        ("OctaneError", error(&[], json!({}))),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

fn credentials() -> Value {
    // What is not known is passed over, so other members are allowed.
    json!({
        "type": "object",
        "required": ["client_id", "client_secret"],
        "properties": {"client_id": text(), "client_secret": text()},
    })
}

fn user() -> Value {
    let properties = json!({
        "type": {"enum": [USER]},
        "id": text(),
        "name": text(),
        "full_name": text(),
        "email": maybe_text(),
        "role": {"enum": Role::ALL.map(Role::as_str)},
    });
    all_of(properties)
}

fn version() -> Value {
    all_of(json!({
        "version": text(),
        "build_date": text(),
        "build_revision": text(),
        "build_number": text(),
        "display_version": text(),
    }))
}

fn space() -> Value {
    all_of(json!({
        "type": {"enum": ["shared_space"]},
        "id": text(),
        "name": text(),
        "logical_name": text(),
    }))
}

/// An entity of which the fields are shown that were asked for, by any of their names.
fn entity<C>(
    kind: &str,
    fields: &'static [Field<C>],
    member: impl Fn(&'static Field<C>) -> Value,
) -> Value {
    let mut properties = Map::new();
    for field in fields {
        for name in field.names() {
            properties.insert(name.to_owned(), member(field));
        }
    }
    properties.insert("type".to_owned(), json!({"enum": [kind]}));
    properties.insert("id".to_owned(), text());
    let mut entity = object(&["type", "id"], properties.into());
    entity["description"] = "With the fields that were asked for.".into();
    entity
}

/// The value of a field.
fn member<C>(field: &'static Field<C>) -> Value {
    let Some(kind) = field.kind() else {
        let fields = field.fields().unwrap_or_default();
        let mut reference = entity(USER, fields, member);
        reference["type"] = json!(["object", "null"]);
        return reference;
    };
    let name = match kind {
        Kind::Number => "number",
        Kind::Bool => "boolean",
        _ => "string",
    };
    let mut value = match field.is_never_null() {
        true => json!({"type": name}),
        false => json!({"type": [name, "null"]}),
    };
    if matches!(kind, Kind::Timestamp) {
        value["format"] = "date-time".into();
    }
    value
}

fn task_member(field: &'static Field<TaskColumn>) -> Value {
    match field.column() {
        TaskColumn::Result => reference("OctaneTaskResult"),
        TaskColumn::Status => status(),
        _ => member(field),
    }
}

fn group() -> Value {
    let user = SESSION_FIELDS
        .fields()
        .iter()
        .find(|f| f.fields().is_some());
    let mut values = vec![json!({"type": ["string", "null"]})];
    values.extend(user.map(|user| {
        let mut user = member(user);
        user["type"] = "object".into();
        user
    }));
    all_of(json!({"count": count(), "value": {"oneOf": values}}))
}

fn groups(more: &[&str], properties: Value) -> Value {
    let mut required = vec!["groupsTotalCount", "groups"];
    required.extend(more);
    let mut of = json!({"groupsTotalCount": count(), "groups": array("OctaneGroup")});
    add(&mut of, properties);
    object(&required, of)
}

/// What a list answers: with `group_by` the groups, beside an empty list.
fn sessions_or_groups() -> Value {
    let properties = json!({
        "total_count": count(),
        "data": array("OctaneSession"),
        "exceeds_total_count": flag(),
    });
    let groups = groups(&["total_count", "data", "exceeds_total_count"], properties);
    json!({"oneOf": [reference("OctaneSessionList"), groups]})
}

/// That a session is to be closed.
fn closing(more: &[&str], properties: Value) -> Value {
    let mut required = vec!["is_closed"];
    required.extend(more);
    let mut of = json!({"is_closed": {"type": "boolean", "enum": [true]}});
    add(&mut of, properties);
    json!({"type": "object", "required": required, "properties": of})
}

fn updates() -> Value {
    let one = closing(&["id"], json!({"id": text()}));
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {"type": "array", "minItems": 1, "maxItems": 1000, "items": one},
        },
    })
}

fn termination() -> Value {
    let one = reference("OctaneUpdate");
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {"type": "array", "minItems": 1, "maxItems": 1, "items": one},
        },
    })
}

fn partial_update() -> Value {
    all_of(json!({
        "total_count": count(),
        "data": array("OctaneSession"),
        "exceeds_total_count": flag(),
        "total_error_count": count(),
        "errors": array("OctaneEntityError"),
    }))
}

fn entity_error() -> Value {
    let place = json!({"index": count(), "entity_index": count()});
    error(&["index", "entity_index"], place)
}

fn task_result() -> Value {
    let entity = all_of(json!({"entity_type": {"enum": [SESSION]}, "entity_id": text()}));
    let error = all_of(json!({
        "index": count(),
        "error_code": {"enum": [ENTITY_NOT_FOUND]},
        "properties": entity,
    }));
    all_of(json!({
        "requested": count(),
        "terminated": count(),
        "already_closed": count(),
        "errors": {"type": "array", "items": error},
        "total_error_count": count(),
        "dry_run": flag(),
    }))
}

fn started_task() -> Value {
    let properties = json!({
        "type": {"enum": [TASK]},
        "id": text(),
        "background_task_id": text(),
        "status": status(),
        "result": reference("OctaneTaskResult"),
    });
    let mut task = object(&["type", "id", "background_task_id", "status"], properties);
    task["description"] = "`result` is there once the task has ended.".into();
    all_of(json!({
        "background_task_id": text(),
        "total_count": count(),
        "data": {"type": "array", "items": task},
        "exceeds_total_count": flag(),
    }))
}

fn error(more: &[&str], properties: Value) -> Value {
    let mut of = json!({
        "error_code": text(),
        "correlation_id": text(),
        "description": text(),
        "description_translated": text(),
        "properties": {"type": ["object", "null"]},
        "stack_trace": {"type": "null"},
        "business_error": {
            "type": "boolean",
            "description": "Whether the request is at fault",
        },
        "errorCode": {
            "enum": FaultKind::TOKEN_STATES,
            "description": "There when signing in again helps",
        },
    });
    add(&mut of, properties);
    let mut required = vec![
        "error_code",
        "correlation_id",
        "description",
        "description_translated",
        "properties",
        "stack_trace",
        "business_error",
    ];
    required.extend(more);
    object(&required, of)
}

fn status() -> Value {
    let statuses = [
        TaskStatus::Queued,
        TaskStatus::Running,
        TaskStatus::Completed,
        TaskStatus::CompletedWithErrors,
        TaskStatus::Failed,
    ];
    json!({"enum": statuses.map(TaskStatus::as_str)})
}

/// A list, or a part of one, of entities of this schema.
fn list(of: &str) -> Value {
    all_of(json!({
        "total_count": count(),
        "data": array(of),
        "exceeds_total_count": flag(),
    }))
}

/// An object with all of these members and no others.
fn all_of(properties: Value) -> Value {
    let names: Vec<String> = properties
        .as_object()
        .map(|members| members.keys().cloned().collect())
        .unwrap_or_default();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    object(&names, properties)
}

/// An object with these members and no others.
fn object(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn add(members: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (members, more) {
        members.extend(more);
    }
}

fn array(schema: &str) -> Value {
    json!({"type": "array", "items": reference(schema)})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

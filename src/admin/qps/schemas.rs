//! The JSON schemas of the dialect.

use serde_json::{Map, Value, json};

use crate::domain::{TicketSecret, TokenDigest};

/// The schemas by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, schema) in [
        ("QlikSession", session(&[], json!({}))),
        ("QlikSessionList", list("QlikSession")),
        (
            "QlikAddedSession",
            session(&["NewUser"], json!({"NewUser": {"type": "boolean"}})),
        ),
        ("QlikEndedSession", ended()),
        ("QlikAttributes", attributes()),
        ("QlikNewSession", new_session()),
        ("QlikTicketRequest", ticket_request()),
        ("QlikTicket", ticket()),
        ("QlikErrorReport", error_report()),
        (
            "QlikAlive",
            object(&["value"], json!({"value": {"type": "boolean"}})),
        ),
        (
            "QlikHealth",
            object(
                &["status"],
                json!({"status": {"enum": ["ready", "not-ready", "draining"]}}),
            ),
        ),
        (
            "QlikRoute",
            object(
                &["Method", "Path", "Description"],
                json!({"Method": text(), "Path": text(), "Description": text()}),
            ),
        ),
        ("QlikRouteList", list("QlikRoute")),
        (
            "QlikOpenApi",
            json!({"type": "object", "required": ["swagger", "info", "basePath", "paths"]}),
        ),
        (
            "QlikError",
            json!({"type": "string", "examples": ["No session with id 0123456789abcdef"]}),
        ),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

fn session(more: &[&str], members: Value) -> Value {
    let mut properties = json!({
        "UserDirectory": text(),
        "UserId": text(),
        "Attributes": reference("QlikAttributes"),
        "SessionId": text(),
        "UserName": text(),
        "SessionStart": time(),
        "LastActive": time(),
    });
    let mut required: Vec<String> = SESSION.map(str::to_owned).into();
    required.extend(more.iter().map(|name| (*name).to_owned()));
    let members = members.as_object().cloned().unwrap_or_default();
    let all = properties.as_object_mut().expect("it is an object");
    all.extend(members);
    let required: Vec<&str> = required.iter().map(String::as_str).collect();
    object(&required, properties)
}

const SESSION: [&str; 7] = [
    "UserDirectory",
    "UserId",
    "Attributes",
    "SessionId",
    "UserName",
    "SessionStart",
    "LastActive",
];

fn ended() -> Value {
    let properties = json!({
        "Session": reference("QlikSession"),
        "LastSessionForUser": {"type": "boolean"},
    });
    object(&["Session", "LastSessionForUser"], properties)
}

fn attributes() -> Value {
    json!({
        "type": "array",
        "description": "Objects of one member each; names may repeat, and values be empty",
        "items": {"type": "object", "additionalProperties": text()},
        "examples": [[{"Group": "sales"}, {"Group": "admins"}, {"Mail": ""}]],
    })
}

/// Members that are not known are passed over, so others are allowed.
fn new_session() -> Value {
    json!({
        "type": "object",
        "required": ["UserDirectory", "UserId"],
        "properties": {
            "UserDirectory": name(),
            "UserId": name(),
            "Attributes": sent_attributes(),
            "SessionId": {
                "type": ["string", "null"],
                "minLength": TokenDigest::MIN_CHOSEN,
                "maxLength": TokenDigest::MAX_CHOSEN,
                "description": "Characters of a cookie (RFC 6265, section 4.1.1)",
            },
        },
        "examples": [{
            "UserDirectory": "LAB",
            "UserId": "ann",
            "Attributes": [{"Group": "sales"}],
            "SessionId": "2f1c9f6e0c0d4a1ab0f5",
        }],
    })
}

fn ticket_request() -> Value {
    json!({
        "type": "object",
        "required": ["UserDirectory", "UserId"],
        "properties": {
            "UserDirectory": name(),
            "UserId": name(),
            "Attributes": sent_attributes(),
            "TargetId": {"type": ["string", "null"], "description": "As the browser brought it"},
        },
        "examples": [{"UserDirectory": "LAB", "UserId": "ann", "Attributes": []}],
    })
}

fn ticket() -> Value {
    let length = TicketSecret::TEXT;
    let properties = json!({
        "UserDirectory": text(),
        "UserId": text(),
        "Attributes": reference("QlikAttributes"),
        "Ticket": {"type": "string", "minLength": length, "maxLength": length},
        "TargetUri": {"type": ["string", "null"]},
    });
    object(
        &[
            "UserDirectory",
            "UserId",
            "Attributes",
            "Ticket",
            "TargetUri",
        ],
        properties,
    )
}

fn error_report() -> Value {
    json!({
        "type": "object",
        "required": ["Message"],
        "properties": {
            "UserDirectory": {"type": ["string", "null"]},
            "UserId": {"type": ["string", "null"]},
            "Message": text(),
        },
        "examples": [{"Message": "the portal cannot reach its directory"}],
    })
}

fn sent_attributes() -> Value {
    json!({
        "type": ["array", "object", "null"],
        "items": {"type": "object", "additionalProperties": text()},
        "description": "Objects of one member each; or an object of texts and lists of texts",
    })
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn list(schema: &str) -> Value {
    json!({"type": "array", "items": reference(schema)})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn name() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 1024})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

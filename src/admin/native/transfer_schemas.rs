//! The JSON schemas of exports and imports.

use serde_json::{Value, json};

use super::schema_parts::{count, object};

/// What an import reads.
pub(super) fn lines() -> Value {
    json!({
        "type": "string",
        "description": "Lines of JSON, of which the first says the version.",
        "examples": ["{\"gatepass_store\":{\"version\":1}}\n"],
    })
}

/// What an import did.
pub(super) fn imported() -> Value {
    let names = [
        "sessions", "known", "ended", "clashes", "locks", "tasks", "peaks",
    ];
    let counts = names.map(|name| (name.to_owned(), count()));
    let mut schema = object(&names, Value::Object(counts.into_iter().collect()));
    schema["description"] = "How many sessions came, were there already, were open here and have \
        ended, and were left out because their token is another session's; and how many locks, \
        tasks and peaks came."
        .into();
    schema
}

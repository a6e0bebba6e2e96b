//! The JSON schema of a node.

use serde_json::{Value, json};

use super::schema_parts::{count, object, text, time};

pub(super) fn node() -> Value {
    let said = |schema: Value, what: &str| {
        let mut schema = schema;
        schema["description"] = what.into();
        schema
    };
    let properties = json!({
        "name": said(text(), "No two may have the same one"),
        "nameTaken": said(json!({"type": "boolean"}), "Whether another node has the name, too"),
        "instanceId": said(text(), "Of this run of the process"),
        "answering": said(json!({"type": "boolean"}), "Whether it is the one that answers"),
        "version": text(),
        "startedAt": time(),
        "lastSeen": said(time(), "When it was last heard of"),
        "edges": said(
            json!({"type": "array", "items": text()}),
            "The addresses that its edge listens on"
        ),
        "status": said(
            text(),
            "As `/health/ready` has it: `ready`, `not-ready`, `draining`; `starting` before"
        ),
        "openSessions": said(
            count(),
            "Open sessions in its table: opened there, or used there since. Spaces count the \
             sessions of all nodes"
        ),
        "openedSessions": said(count(), "Sessions that it has opened since its start"),
        "lagMillis": said(
            count(),
            "For how long it does not know whether sessions have ended elsewhere; 0 where there \
             is no elsewhere"
        ),
        "lagChanges": said(count(), "Changes by others that it has not read"),
        "assertionKey": said(
            json!({"type": ["object", "null"]}),
            "The public key of its assertions (JWK)"
        ),
    });
    let required = [
        "name",
        "nameTaken",
        "instanceId",
        "answering",
        "version",
        "startedAt",
        "lastSeen",
        "edges",
        "status",
        "openSessions",
        "openedSessions",
        "lagMillis",
        "lagChanges",
        "assertionKey",
    ];
    object(&required, properties)
}

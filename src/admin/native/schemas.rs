//! The JSON schemas of the native API.

use serde_json::{Map, Value, json};

use super::schema_parts::{array, count, maybe_text, maybe_time, object, reference, text, time};
use super::{schemas_node, transfer_schemas};
use crate::domain::{AccessType, ClientType, EndReason};
use crate::tasks::TaskStatus;

/// The schemas by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, schema) in [
        ("Space", space()),
        (
            "Spaces",
            object(&["spaces"], json!({"spaces": array("Space")})),
        ),
        ("Attribute", attribute()),
        ("Session", session()),
        (
            "Sessions",
            object(&["sessions"], json!({"sessions": array("Session")})),
        ),
        ("SessionPage", session_page()),
        ("Group", group()),
        ("Groups", groups()),
        ("User", user()),
        ("EndRequest", end_request()),
        ("EndResult", end_result()),
        ("Task", task()),
        ("Tasks", object(&["tasks"], json!({"tasks": array("Task")}))),
        ("LockRequest", lock_request()),
        ("Lock", lock()),
        ("Locks", object(&["locks"], json!({"locks": array("Lock")}))),
        (
            "Locked",
            object(
                &["lock", "ended"],
                json!({"lock": reference("Lock"), "ended": count()}),
            ),
        ),
        (
            "Lifted",
            object(&["lock"], json!({"lock": reference("Lock")})),
        ),
        ("License", license()),
        (
            "Licenses",
            object(&["licenses"], json!({"licenses": array("License")})),
        ),
        ("Node", schemas_node::node()),
        ("Nodes", object(&["nodes"], json!({"nodes": array("Node")}))),
        ("Event", event()),
        ("ImportLines", transfer_schemas::lines()),
        ("Imported", transfer_schemas::imported()),
        ("Problem", problem()),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

fn space() -> Value {
    let limits = json!({
        "idleTimeoutSeconds": count(),
        "absoluteTimeoutSeconds": count(),
        "maxPerUser": {"type": ["integer", "null"], "minimum": 0},
        "onLimit": {"enum": ["refuse", "end-oldest", null]},
    });
    let required = [
        "idleTimeoutSeconds",
        "absoluteTimeoutSeconds",
        "maxPerUser",
        "onLimit",
    ];
    let properties = json!({
        "id": text(),
        "name": text(),
        "prefix": {"type": ["string", "null"], "description": "The path prefix; null for all paths"},
        "hosts": {"type": "array", "items": text(), "description": "Empty for all hosts"},
        "openSessions": count(),
        "limits": object(&required, limits),
    });
    let required = ["id", "name", "prefix", "hosts", "openSessions", "limits"];
    object(&required, properties)
}

fn attribute() -> Value {
    let values = json!({"type": "array", "items": text()});
    object(
        &["name", "values"],
        json!({"name": text(), "values": values}),
    )
}

fn session() -> Value {
    let client_types = [ClientType::Ui, ClientType::Integration, ClientType::Ci];
    let access_types = [AccessType::Ui, AccessType::Api];
    let reasons: Vec<Value> = EndReason::ALL
        .iter()
        .map(|reason| reason.as_str().into())
        .chain([Value::Null])
        .collect();
    let properties = json!({
        "sessionId": {"type": "string", "format": "uuid"},
        "userDirectory": text(),
        "userId": text(),
        "userName": text(),
        "sessionStart": time(),
        "lastActive": time(),
        "attributes": array("Attribute"),
        "spaceId": text(),
        "sessionEnd": maybe_time(),
        "endReason": {"enum": reasons},
        "endedBy": maybe_text(),
        "clientIp": maybe_text(),
        "clientType": {"enum": client_types.map(ClientType::as_str)},
        "accessType": {"enum": access_types.map(AccessType::as_str)},
        "license": maybe_text(),
        "signOnId": text(),
        "authenticationMethod": text(),
        "userAgent": maybe_text(),
        "expiresAt": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it ends unless it is used again; null once it has ended",
        },
    });
    let required = [
        "sessionId",
        "userDirectory",
        "userId",
        "userName",
        "sessionStart",
        "lastActive",
        "attributes",
    ];
    let mut session = object(&required, properties);
    session["description"] =
        "The members from `spaceId` on are there with `view=full`, all of them.".into();
    session["examples"] = json!([{
        "sessionId": "019a9b1c-7a00-7c3e-9d1f-2b5a8c4e6f70",
        "userDirectory": "DEMO",
        "userId": "alice",
        "userName": "Alice Adams",
        "sessionStart": "2026-11-21T09:30:00.000Z",
        "lastActive": "2026-11-21T09:30:07.412Z",
        "attributes": [{"name": "group", "values": ["sales", "admins"]}],
    }]);
    session
}

fn session_page() -> Value {
    let properties = json!({
        "sessions": array("Session"),
        "total": {"type": "integer", "minimum": 0, "description": "Over all pages"},
        "next": {"type": ["string", "null"], "description": "The cursor of the next page"},
    });
    object(&["sessions", "total", "next"], properties)
}

fn user() -> Value {
    let properties = json!({"userDirectory": text(), "userId": text(), "userName": text()});
    object(&["userDirectory", "userId", "userName"], properties)
}

fn group() -> Value {
    let value = json!({
        "description": "A text, a user where it was grouped by `user`, or null",
        "oneOf": [maybe_text(), reference("User")],
    });
    let mut group = object(
        &["value", "count"],
        json!({"value": value, "count": count()}),
    );
    group["examples"] = json!([{"value": "UI", "count": 3}, {"value": null, "count": 1}]);
    group
}

fn groups() -> Value {
    let total =
        json!({"type": "integer", "minimum": 0, "description": "How many groups there are"});
    object(
        &["groups", "total"],
        json!({"groups": array("Group"), "total": total}),
    )
}

fn end_request() -> Value {
    let user = json!({"userDirectory": text(), "userId": text()});
    let uuid = json!({"type": "string", "format": "uuid"});
    let properties = json!({
        "sessionIds": {"type": "array", "items": uuid},
        "user": object(&["userDirectory", "userId"], user),
        "filter": {"type": "string", "description": "In the filter language; the empty filter lets all through"},
        "dryRun": {"type": "boolean", "default": false},
        "wait": {
            "type": "integer", "minimum": 0, "maximum": 25000,
            "description": "End them in the background, and wait so many milliseconds for it",
        },
    });
    let mut request = object(&[], properties);
    request["oneOf"] = json!([
        {"required": ["sessionIds"]}, {"required": ["user"]}, {"required": ["filter"]},
    ]);
    request["examples"] = json!([
        {"filter": "license='trial';last_active<'2026-11-01T00:00:00Z'", "dryRun": true},
        {"user": {"userDirectory": "DEMO", "userId": "alice"}},
    ]);
    request
}

fn end_result() -> Value {
    let properties = json!({
        "requested": count(),
        "ended": {"type": "integer", "minimum": 0, "description": "With `dryRun`: how many would have"},
        "alreadyEnded": count(),
        "unknown": {"type": "array", "items": text()},
        "dryRun": {"type": "boolean"},
    });
    let required = ["requested", "ended", "alreadyEnded", "unknown", "dryRun"];
    let mut result = object(&required, properties);
    result["examples"] =
        json!([{"requested": 2, "ended": 1, "alreadyEnded": 1, "unknown": [], "dryRun": false}]);
    result
}

fn task() -> Value {
    let statuses = [
        TaskStatus::Queued,
        TaskStatus::Running,
        TaskStatus::Completed,
        TaskStatus::CompletedWithErrors,
        TaskStatus::Failed,
    ];
    let properties = json!({
        "taskId": text(),
        "kind": {"type": "string", "description": "`sessions.end`, or of another API"},
        "status": {"enum": statuses.map(TaskStatus::as_str)},
        "requested": count(),
        "done": {"type": "integer", "minimum": 0, "description": "Looked at, whatever came of it"},
        "ended": count(),
        "alreadyEnded": count(),
        "unknown": {"type": "array", "items": text(), "description": "Sessions that do not exist, the first of them"},
        "createdAt": time(),
        "startedAt": maybe_time(),
        "endedAt": maybe_time(),
        "failure": {"type": ["string", "null"], "description": "Why it failed, when it did"},
    });
    let required = [
        "taskId",
        "kind",
        "status",
        "requested",
        "done",
        "ended",
        "alreadyEnded",
        "unknown",
        "createdAt",
        "startedAt",
        "endedAt",
        "failure",
    ];
    let mut task = object(&required, properties);
    task["examples"] = json!([{
        "taskId": "1795253400001", "kind": "sessions.end", "status": "running",
        "requested": 100_000, "done": 31_337, "ended": 31_336, "alreadyEnded": 1, "unknown": [],
        "createdAt": "2026-11-21T09:30:00.000Z", "startedAt": "2026-11-21T09:30:00.001Z",
        "endedAt": null, "failure": null,
    }]);
    task
}

fn lock_request() -> Value {
    let properties = json!({
        "until": {
            "type": ["string", "null"], "format": "date-time",
            "description": "A time to come; without it, until the lock is lifted",
        },
        "reason": {"type": ["string", "null"], "maxLength": 500, "description": "On one line"},
    });
    let mut request = object(&[], properties);
    request["examples"] =
        json!([{"until": "2126-12-31T23:59:59Z", "reason": "left the company"}, {}]);
    request
}

fn lock() -> Value {
    let properties = json!({
        "userDirectory": text(),
        "userId": text(),
        "until": maybe_time(),
        "since": time(),
        "by": {"type": "string", "description": "The id of the key that locked the user"},
        "reason": maybe_text(),
    });
    let required = ["userDirectory", "userId", "until", "since", "by", "reason"];
    let mut lock = object(&required, properties);
    lock["examples"] = json!([{
        "userDirectory": "DEMO", "userId": "bob", "until": null,
        "since": "2026-11-21T09:30:00.000Z", "by": "ops", "reason": "left the company",
    }]);
    lock
}

fn license() -> Value {
    let policy = json!({"enum": ["refuse", "end-oldest"]});
    let seats = json!({
        "oneOf": [
            {"type": "null"},
            object(&["max", "onLimit"], json!({"max": count(), "onLimit": policy})),
        ],
    });
    let day = json!({"type": "string", "format": "date"});
    let peak = object(&["day", "peak"], json!({"day": day, "peak": count()}));
    let properties = json!({
        "license": maybe_text(),
        "open": {"type": "integer", "minimum": 0, "description": "Sessions open now"},
        "seats": seats,
        "peaks": {"type": "array", "items": peak},
    });
    let mut license = object(&["license", "open", "seats", "peaks"], properties);
    license["examples"] = json!([{
        "license": "professional", "open": 40, "seats": {"max": 50, "onLimit": "refuse"},
        "peaks": [{"day": "2026-11-20", "peak": 50}, {"day": "2026-11-21", "peak": 44}],
    }]);
    license
}

fn event() -> Value {
    let properties = json!({
        "at": time(),
        "spaceId": text(),
        "sessionId": {"type": "string", "format": "uuid"},
        "userDirectory": text(),
        "userId": text(),
        "userName": text(),
        "endReason": text(),
        "endedBy": text(),
    });
    let required = [
        "at",
        "spaceId",
        "sessionId",
        "userDirectory",
        "userId",
        "userName",
    ];
    let mut event = object(&required, properties);
    event["description"] = "The data of an event of a session that started or ended".into();
    event["examples"] = json!([{
        "at": "2026-11-21T10:00:00.000Z", "spaceId": "1001",
        "sessionId": "019a9b1c-7a00-7c3e-9d1f-2b5a8c4e6f70", "userDirectory": "DEMO",
        "userId": "alice", "userName": "Alice Adams", "endReason": "terminated",
        "endedBy": "ops",
    }]);
    event
}

fn problem() -> Value {
    let properties = json!({
        "type": {"type": "string", "format": "uri", "pattern": "^urn:gatepass:problem:"},
        "title": text(),
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": text(),
        "instance": {"type": "string", "description": "The path that was asked for"},
        "offset": {"type": "integer", "minimum": 0, "description": "At which byte of a filter it is wrong"},
        "field": {"type": "string", "description": "The field that does not exist"},
    });
    let mut problem = object(&["type", "title", "status", "instance"], properties);
    problem["examples"] = json!([{
        "type": "urn:gatepass:problem:invalid-query",
        "title": "The query cannot be understood",
        "status": 400,
        "detail": "filter: there is no field ip, at offset 0\nip='10.*'\n^",
        "instance": "/api/v1/spaces/1001/sessions",
        "offset": 0,
        "field": "ip",
    }]);
    problem
}

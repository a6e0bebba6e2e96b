//! The document: sections of operations, written out as OpenAPI 3.1.

use serde_json::{Map, Value, json};

use super::operation::{Answer, Content, Operation, Parameter};

/// The operations of one dialect, and what they have in common.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its name.
    pub(crate) tag: &'static str,
    /// What it is, in a sentence or two.
    pub(crate) about: String,
    pub(crate) operations: Vec<Operation>,
    /// Every variable segment of its paths.
    pub(crate) segments: &'static [Parameter],
    /// Its JSON schemas by name. They refer to each other by `#/components/schemas/<name>`,
    /// so a name is unique over all sections.
    pub(crate) schemas: Map<String, Value>,
    /// Media type and schema of its errors.
    pub(crate) error: (&'static str, &'static str),
    /// The errors that all of its operations have which need a key.
    pub(crate) errors: &'static [Answer],
    /// What opens it, any of them.
    pub(crate) keys: &'static [Key],
}

/// A way to show who one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// A security scheme object, in JSON.
    pub(crate) scheme: &'static str,
}

/// An API key in the header `Authorization`.
pub(crate) const API_KEY: Key = Key {
    name: "apiKey",
    scheme: r#"{"type":"http","scheme":"bearer","description":"An API key, as `<key id>.<secret>`."}"#,
};

/// A client certificate, on the connection.
pub(crate) const CERTIFICATE: Key = Key {
    name: "clientCertificate",
    scheme: r#"{"type":"mutualTLS","description":"A client certificate to which the configuration gives a role."}"#,
};

/// The document of `sections`.
///
/// The format is that of <https://spec.openapis.org/oas/v3.1.1.html>.
pub(super) fn document(sections: &[Section]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas: Map<String, Value> = Map::new();
    let mut keys: Map<String, Value> = Map::new();
    for section in sections {
        for operation in &section.operations {
            let path = paths
                .entry(operation.path)
                .or_insert_with(|| Value::Object(path_item(section, operation)));
            path[operation.method.as_str()] = describe(section, operation);
        }
        schemas.extend(section.schemas.clone());
        for key in section.keys {
            keys.insert(key.name.to_owned(), literal(key.scheme));
        }
    }
    let tags: Vec<Value> = sections
        .iter()
        .map(|section| json!({"name": section.tag, "description": section.about}))
        .collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Gatepass side port",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "See every proxy session and end any of them.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This side port"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": keys,
        },
    })
}

/// The variable segments, which all methods of the path share.
fn path_item(section: &Section, operation: &Operation) -> Map<String, Value> {
    let parameters: Vec<Value> = operation
        .segments()
        .map(|name| {
            let known = section.segments.iter().find(|known| known.name == name);
            parameter(known.expect("a section describes the segments of its paths"))
        })
        .collect();
    let mut item = Map::new();
    if !parameters.is_empty() {
        item.insert("parameters".to_owned(), parameters.into());
    }
    item
}

fn describe(section: &Section, operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [section.tag],
        "summary": operation.summary,
    });
    if !operation.about.is_empty() {
        described["description"] = operation.about.into();
    }
    if !operation.parameters.is_empty() {
        described["parameters"] = operation.parameters.iter().map(parameter).collect();
    }
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": body.required,
            "content": {body.media_type: {"schema": reference(body.schema)}},
        });
    }
    let shared: &[Answer] = if operation.open { &[] } else { section.errors };
    let mut answers = Map::new();
    // Those of its own last: they say more.
    for of in shared.iter().chain(operation.answers) {
        answers.insert(of.status.to_string(), answer(section, of));
    }
    described["responses"] = answers.into();
    described["security"] = if operation.open {
        json!([])
    } else {
        section
            .keys
            .iter()
            .map(|key| json!({key.name: []}))
            .collect()
    };
    described
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place.as_str(),
        "required": parameter.required,
        "description": parameter.about,
        "schema": literal(parameter.schema),
    })
}

fn answer(section: &Section, answer: &Answer) -> Value {
    let mut described = json!({"description": answer.about});
    for link in answer.links {
        let parameters: Map<String, Value> = link
            .parameters
            .iter()
            .map(|(name, expression)| ((*name).to_owned(), (*expression).into()))
            .collect();
        described["links"][link.operation] =
            json!({"operationId": link.operation, "parameters": parameters});
    }
    described["content"] = match answer.content {
        Content::Empty => return described,
        Content::Json(schema) => json!({"application/json": {"schema": reference(schema)}}),
        Content::Error => {
            let (media_type, schema) = section.error;
            json!({media_type: {"schema": reference(schema)}})
        }
        Content::Text(media_type) => json!({media_type: {"schema": {"type": "string"}}}),
    };
    described
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// JSON that stands in the sources.
pub(super) fn literal(json: &str) -> Value {
    serde_json::from_str(json).expect("what stands in the sources is JSON")
}

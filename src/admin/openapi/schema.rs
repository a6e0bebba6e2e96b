//! As much of JSON Schema as the description uses, to hold answers against it. A keyword that
//! is not understood is an error, so that none is passed over.

use serde_json::{Map, Value};

/// What is wrong with `value` by `schema`, whose references are resolved in `document`.
pub(in crate::admin) fn check(
    document: &Value,
    schema: &Value,
    value: &Value,
) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return Err(format!("{schema} is no schema"));
    };
    for (keyword, expected) in keywords {
        check_keyword(document, keywords, keyword, expected, value)
            .map_err(|why| format!("{why} (by `{keyword}` of {schema})"))?;
    }
    Ok(())
}

fn check_keyword(
    document: &Value,
    keywords: &Map<String, Value>,
    keyword: &str,
    expected: &Value,
    value: &Value,
) -> Result<(), String> {
    let strings = |list: &Value| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    };
    let holds = match keyword {
        "$ref" => {
            let pointer = expected.as_str().and_then(|r| r.strip_prefix('#'));
            let schema = pointer.and_then(|pointer| document.pointer(pointer));
            return check(document, schema.ok_or("there is no such schema")?, value);
        }
        "type" => match expected {
            Value::Array(types) => types.iter().any(|one| is_of_type(value, one)),
            one => is_of_type(value, one),
        },
        "enum" => expected.as_array().expect("a list").contains(value),
        "required" => match value.as_object() {
            Some(members) => strings(expected).iter().all(|m| members.contains_key(m)),
            None => true,
        },
        "properties" => {
            for (name, schema) in expected.as_object().expect("an object") {
                if let Some(member) = value.get(name) {
                    check(document, schema, member).map_err(|why| format!("{name}: {why}"))?;
                }
            }
            true
        }
        "additionalProperties" => {
            let known = keywords.get("properties").and_then(Value::as_object);
            let is_known = |name: &String| known.is_some_and(|known| known.contains_key(name));
            let members = value.as_object().into_iter().flatten();
            let mut others = members.filter(|(name, _)| !is_known(name));
            if expected == false {
                return others.next().map_or(Ok(()), |(name, _)| {
                    Err(format!("the member {name} is not expected"))
                });
            }
            for (name, member) in others {
                check(document, expected, member).map_err(|why| format!("{name}: {why}"))?;
            }
            true
        }
        "items" => {
            for item in value.as_array().into_iter().flatten() {
                check(document, expected, item)?;
            }
            true
        }
        "oneOf" => {
            let schemas = expected.as_array().expect("a list").iter();
            schemas
                .filter(|s| check(document, s, value).is_ok())
                .count()
                == 1
        }
        "minimum" => value
            .as_i64()
            .is_none_or(|n| n >= expected.as_i64().expect("a number")),
        "maximum" => value
            .as_i64()
            .is_none_or(|n| n <= expected.as_i64().expect("a number")),
        "minLength" => value
            .as_str()
            .is_none_or(|t| t.len() as u64 >= expected.as_u64().expect("a number")),
        "maxLength" => value
            .as_str()
            .is_none_or(|t| t.len() as u64 <= expected.as_u64().expect("a number")),
        "format" => value
            .as_str()
            .is_none_or(|text| is_of_format(text, expected)),
        // Only a prefix is used.
        "pattern" => {
            let prefix = expected.as_str().and_then(|p| p.strip_prefix('^'));
            value
                .as_str()
                .is_none_or(|text| prefix.is_some_and(|p| text.starts_with(p)))
        }
        "description" | "examples" | "default" => true,
        other => return Err(format!("the keyword {other} is not understood here")),
    };
    if holds {
        Ok(())
    } else {
        Err(format!("{value} does not fit"))
    }
}

fn is_of_type(value: &Value, expected: &Value) -> bool {
    match expected.as_str().expect("the name of a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not understood here"),
    }
}

fn is_of_format(text: &str, expected: &Value) -> bool {
    match expected.as_str().expect("the name of a format") {
        "uuid" => uuid::Uuid::parse_str(text).is_ok(),
        "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "date" => text.parse::<chrono::NaiveDate>().is_ok(),
        "uri" => text.contains(':'),
        other => panic!("the format {other} is not understood here"),
    }
}

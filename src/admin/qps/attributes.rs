//! Attributes in the dialect's form: a list of objects with one member each, `[{"Group":"a"},
//! {"Group":"b"},{"Mail":""}]`; names may repeat, and values be empty.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::error::QpsError;
use super::input::wrong;
use super::json::Json;
use crate::domain::Attributes;

/// Reads attributes: the list, nothing at all, or an object of texts and lists of texts.
///
/// # Errors
///
/// [`QpsError::Input`] with what is wrong in words.
pub(super) fn read(value: Json) -> Result<Attributes, QpsError> {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    match value {
        Json::Null => {}
        Json::List(items) => {
            for item in items {
                let Json::Object(members) = item else {
                    let kind = item.kind();
                    return Err(wrong(format!(
                        "an item of Attributes is {kind}, and an object is expected"
                    )));
                };
                for (name, value) in members {
                    let value = text(&name, value)?;
                    pairs.push((named(name)?, vec![value]));
                }
            }
        }
        Json::Object(members) => {
            for (name, value) in members {
                let values = match value {
                    Json::List(values) => values
                        .into_iter()
                        .map(|value| text(&name, value))
                        .collect::<Result<_, _>>()?,
                    one => vec![text(&name, one)?],
                };
                pairs.push((named(name)?, values));
            }
        }
        other => {
            let kind = other.kind();
            return Err(wrong(format!(
                "Attributes is {kind}, and a list of objects is expected"
            )));
        }
    }
    Ok(pairs.into_iter().collect())
}

fn named(name: String) -> Result<String, QpsError> {
    if name.trim().is_empty() {
        return Err(wrong("the name of an attribute is blank"));
    }
    Ok(name)
}

fn text(name: &str, value: Json) -> Result<String, QpsError> {
    match value {
        Json::Text(text) => Ok(text),
        other => {
            let (name, kind) = (QpsError::shown(name), other.kind());
            Err(wrong(format!(
                "the attribute {name} is {kind}, and a text is expected"
            )))
        }
    }
}

/// Attributes to be written.
pub(super) struct AttributesForm<'a>(pub(super) &'a Attributes);

impl Serialize for AttributesForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for attribute in self.0 {
            for value in &attribute.values {
                list.serialize_element(&Pair(&attribute.name, value))?;
            }
        }
        list.end()
    }
}

struct Pair<'a>(&'a str, &'a str);

impl Serialize for Pair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry(self.0, self.1)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(json: &str) -> Result<String, String> {
        let value = Json::parse(json.as_bytes()).unwrap();
        let attributes = read(value).map_err(|error| error.to_string())?;
        Ok(serde_json::to_string(&AttributesForm(&attributes)).unwrap())
    }

    #[test]
    fn every_form_is_read_and_one_is_written() {
        for (json, written) in [
            ("null", "[]"),
            ("[]", "[]"),
            ("{}", "[]"),
            (
                r#"[{"Group":"b"},{"Mail":""},{"Group":"a"},{}]"#,
                r#"[{"Group":"b"},{"Group":"a"},{"Mail":""}]"#,
            ),
            (r#"[{"z":"1","a":"2"}]"#, r#"[{"z":"1"},{"a":"2"}]"#),
            (
                r#"{"z":["1","2"],"a":"3","z":"4","e":[]}"#,
                r#"[{"z":"1"},{"z":"2"},{"z":"4"},{"a":"3"}]"#,
            ),
        ] {
            assert_eq!(again(json).as_deref(), Ok(written), "{json}");
        }
    }

    #[test]
    fn other_types_are_refused() {
        for (json, expected) in [
            (
                "1",
                "Attributes is a number, and a list of objects is expected",
            ),
            (
                r#"["Group"]"#,
                "an item of Attributes is a text, and an object is expected",
            ),
            (
                r#"[{"Group":1}]"#,
                "the attribute Group is a number, and a text is expected",
            ),
            (
                r#"[{"Group":["a"]}]"#,
                "the attribute Group is a list, and a text is expected",
            ),
            (
                r#"{"Group":[["a"]]}"#,
                "the attribute Group is a list, and a text is expected",
            ),
            (
                r#"{"Group":null}"#,
                "the attribute Group is null, and a text is expected",
            ),
            (r#"[{"":"x"}]"#, "the name of an attribute is blank"),
        ] {
            assert_eq!(again(json), Err(expected.to_owned()), "{json}");
        }
    }
}

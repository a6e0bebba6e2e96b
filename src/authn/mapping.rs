//! From claims to attributes.
//!
//! Claims decide who may do what, so they are read strictly: a value has the type it needs to
//! have or it is refused. Nothing is guessed, `"false"` is no boolean, an object is no list.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::Attributes;

/// The claims of a token whose signature holds.
pub(super) type Claims = Map<String, Value>;

/// Where a claim is: its name, or names separated by dots for one inside another, as
/// `realm_access.roles`. A claim whose own name has dots in it, such as
/// `https://example.com/groups`, is found first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimPath(Box<str>);

/// A text that is no [`ClaimPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claim name `{0}` is blank or has an empty part")]
pub struct ClaimPathError(String);

impl ClaimPath {
    /// The path `text`.
    ///
    /// # Errors
    ///
    /// When it, or a part of it between dots, is empty.
    pub fn new(text: &str) -> Result<Self, ClaimPathError> {
        if text.split('.').any(|part| part.trim().is_empty()) {
            return Err(ClaimPathError(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is there. JSON's null is nothing.
    pub(super) fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let found = claims.get(&*self.0).or_else(|| {
            let (first, rest) = self.0.split_once('.')?;
            rest.split('.')
                .try_fold(claims.get(first)?, |value, name| value.get(name))
        });
        found.filter(|value| !value.is_null())
    }
}

/// A claim that becomes an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeMapping {
    /// The claim.
    pub claim: ClaimPath,
    /// The attribute that its values go to; several claims may share one.
    pub attribute: Arc<str>,
    /// Whether a token without the claim is refused.
    pub mandatory: bool,
}

/// Why claims cannot become attributes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MappingError {
    /// A mandatory claim is absent or has no value.
    #[error("the mandatory claim `{0}` is absent or empty")]
    Missing(Box<str>),
    /// A mandatory claim is no string, number or boolean, and no list of these.
    #[error("the mandatory claim `{0}` is neither a plain value nor a list of plain values")]
    NotPlain(Box<str>),
}

/// The attributes that `mappings` make of `claims`, in the order of `mappings`. A claim that
/// is not mandatory and not plain is left out whole.
pub(super) fn attributes(
    mappings: &[AttributeMapping],
    claims: &Claims,
) -> Result<Attributes, MappingError> {
    let mut pairs = Vec::with_capacity(mappings.len());
    for mapping in mappings {
        let name = || mapping.claim.0.clone();
        let values = match mapping.claim.find(claims).map(plain_values) {
            Some(Some(values)) => values,
            Some(None) if mapping.mandatory => return Err(MappingError::NotPlain(name())),
            Some(None) => {
                tracing::debug!(claim = %mapping.claim.0, "a claim is not plain, and is left out");
                continue;
            }
            None => Vec::new(),
        };
        if values.is_empty() {
            if mapping.mandatory {
                return Err(MappingError::Missing(name()));
            }
            continue;
        }
        pairs.push((Arc::clone(&mapping.attribute), values));
    }
    Ok(pairs.into_iter().collect())
}

/// The values of a claim; `None` when one is an object, a list or null.
fn plain_values(claim: &Value) -> Option<Vec<Box<str>>> {
    match claim {
        Value::Array(values) => values.iter().map(plain).collect(),
        value => plain(value).map(|value| vec![value]),
    }
}

fn plain(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(claim: &str, mandatory: bool, claims: Value) -> Result<Vec<String>, MappingError> {
        let mapping = AttributeMapping {
            claim: ClaimPath::new(claim).unwrap(),
            attribute: "group".into(),
            mandatory,
        };
        let claims = claims.as_object().unwrap();
        let set = attributes(&[mapping], claims)?;
        Ok(set.values("group").iter().map(|v| v.to_string()).collect())
    }

    #[test]
    fn plain_values_and_lists_of_them_are_taken() {
        assert_eq!(map("g", true, json!({"g": "a"})).unwrap(), ["a"]);
        assert_eq!(
            map("g", true, json!({"g": ["a", 7, 1.5, true]})).unwrap(),
            ["a", "7", "1.5", "true"]
        );
    }

    #[test]
    fn nested_claims_are_found_and_names_with_dots_come_first() {
        let claims = json!({"realm": {"roles": ["r"]}, "https://x.example/g": "u"});
        assert_eq!(map("realm.roles", true, claims.clone()).unwrap(), ["r"]);
        assert_eq!(map("https://x.example/g", true, claims).unwrap(), ["u"]);
        let shadow = json!({"a.b": "whole", "a": {"b": "nested"}});
        assert_eq!(map("a.b", true, shadow).unwrap(), ["whole"]);
        assert_eq!(map("a.b", false, json!({"a": "text"})), Ok(vec![]));
    }

    #[test]
    fn s29_what_is_not_plain_is_never_guessed_at() {
        for odd in [
            json!({"g": {"a": 1}}),
            json!({"g": ["a", {}]}),
            json!({"g": ["a", null]}),
        ] {
            assert_eq!(
                map("g", true, odd.clone()),
                Err(MappingError::NotPlain("g".into())),
                "{odd}"
            );
            assert_eq!(map("g", false, odd.clone()), Ok(vec![]), "{odd}");
        }
        for absent in [json!({}), json!({"g": null}), json!({"g": []})] {
            assert_eq!(
                map("g", true, absent.clone()),
                Err(MappingError::Missing("g".into())),
                "{absent}"
            );
        }
    }

    #[test]
    fn a_path_has_no_empty_part() {
        for bad in ["", " ", "a..b", ".a", "a."] {
            assert!(ClaimPath::new(bad).is_err(), "{bad:?} was taken");
        }
    }
}

//! Environment variables over the file.
//!
//! `GATEPASS_EDGE__LISTEN` is `edge.listen`: two underscores go one level down, and an item
//! of a list is named by its index, a space also by its id. A value is taken as the option
//! wants it: a text as it is, a list as TOML (`["a", "b"]`) or as what stands between its
//! commas, a table as TOML (`{ a = 1 }`).

use std::sync::Arc;

use toml::de::DeValue;

use super::tree::{Entry, Node, Place, Value};

/// What the names of our variables start with.
pub(super) const PREFIX: &str = "GATEPASS_";

/// Variables with our prefix that the command line reads, and that no option is named after.
const OF_THE_COMMAND_LINE: [&str; 9] = [
    "GATEPASS_CONFIG",
    "GATEPASS_ADMIN_URL",
    "GATEPASS_API_KEY",
    "GATEPASS_API_KEY_FILE",
    "GATEPASS_CA",
    "GATEPASS_CERT",
    "GATEPASS_KEY",
    "GATEPASS_PROFILE",
    "GATEPASS_LOG",
];

/// Why a variable has no place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnvError {
    #[error("the environment variable `{0}` has an empty part in its name")]
    EmptyPart(Arc<str>),
    #[error("the environment variable `{name}` names `{part}`, which is no space's id or index")]
    NoSuchSpace { name: Arc<str>, part: String },
    #[error("the environment variable `{name}` names `{part}`, which is no index of the list")]
    NoSuchItem { name: Arc<str>, part: String },
    #[error("the environment variable `{name}` goes into `{part}`, which is no table and no list")]
    NotATable { name: Arc<str>, part: String },
}

impl EnvError {
    /// The variable's name.
    pub(super) const fn variable(&self) -> &Arc<str> {
        match self {
            Self::EmptyPart(name)
            | Self::NoSuchSpace { name, .. }
            | Self::NoSuchItem { name, .. }
            | Self::NotATable { name, .. } => name,
        }
    }
}

/// Whether `name` is a variable that sets an option.
///
/// Container platforms describe a service called `gatepass` to its neighbours in variables
/// such as `GATEPASS_SERVICE_HOST` and `GATEPASS_PORT_8080_TCP`; those are not meant.
pub(super) fn is_option(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let describes_a_service = !rest.contains("__")
        && (rest == "PORT"
            || rest.starts_with("PORT_")
            || rest == "SERVICE_HOST"
            || rest.starts_with("SERVICE_PORT"));
    !describes_a_service && !OF_THE_COMMAND_LINE.contains(&name)
}

/// Puts `variables` over `root`, a table; the ones that name more over the ones that name
/// less. What cannot be put anywhere is handed back.
pub(super) fn overlay(root: &mut Node, variables: &[(String, String)]) -> Vec<EnvError> {
    let mut ours: Vec<_> = variables
        .iter()
        .filter(|(name, _)| is_option(name))
        .collect();
    ours.sort_by_key(|(name, _)| (name.matches("__").count(), name.as_str()));
    ours.into_iter()
        .filter_map(|(name, value)| put(root, name, value).err())
        .collect()
}

fn put(root: &mut Node, variable: &str, value: &str) -> Result<(), EnvError> {
    let name: Arc<str> = variable.into();
    let place = Place::Variable(Arc::clone(&name));
    let path = variable[PREFIX.len()..].to_ascii_lowercase();
    let parts: Vec<&str> = path.split("__").collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(EnvError::EmptyPart(name));
    }
    let mut node = root;
    for (depth, part) in parts.iter().enumerate() {
        let of_spaces = depth == 1 && parts[0] == "space";
        let list_wanted = of_spaces || part.bytes().all(|b| b.is_ascii_digit());
        if let Value::Untyped(text) = &node.value
            && text.is_empty()
        {
            // A piece that was made on the way and is not known yet to be the one or the other.
            node.value = if list_wanted {
                Value::List(Vec::new())
            } else {
                Value::Table(Vec::new())
            };
        }
        node = match &mut node.value {
            Value::Table(entries) => child(entries, part, &place, depth + 1 == parts.len()),
            Value::List(items) => {
                let known = if of_spaces {
                    space_called(items, part)
                } else {
                    None
                };
                let index = known.or_else(|| part.parse().ok().filter(|i| *i <= items.len()));
                match index {
                    Some(index) if index == items.len() => items.push(empty(&place)),
                    Some(_) => {}
                    None if of_spaces => {
                        return Err(EnvError::NoSuchSpace {
                            name,
                            part: (*part).to_owned(),
                        });
                    }
                    None => {
                        return Err(EnvError::NoSuchItem {
                            name,
                            part: (*part).to_owned(),
                        });
                    }
                }
                &mut items[index.expect("anything else has returned")]
            }
            _ => {
                let part = parts[..depth].join(".");
                return Err(EnvError::NotATable { name, part });
            }
        };
    }
    *node = read(value, place);
    Ok(())
}

fn child<'n>(entries: &'n mut Vec<Entry>, key: &str, place: &Place, last: bool) -> &'n mut Node {
    let at = entries
        .iter()
        .position(|entry| entry.key == key)
        .unwrap_or_else(|| {
            entries.push(Entry {
                key: key.to_owned(),
                key_place: place.clone(),
                node: empty(place),
            });
            entries.len() - 1
        });
    if last {
        entries[at].key_place = place.clone();
    }
    &mut entries[at].node
}

fn empty(place: &Place) -> Node {
    Node {
        place: place.clone(),
        value: Value::Untyped(String::new()),
    }
}

/// The space whose id is `part`, read as a variable's name can write it.
fn space_called(items: &[Node], part: &str) -> Option<usize> {
    let folded = |id: &str| -> String {
        id.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect()
    };
    items
        .iter()
        .position(|item| match item.entry("id").map(|id| &id.node.value) {
            Some(Value::Text(id) | Value::Untyped(id)) => folded(id) == part,
            _ => false,
        })
}

/// A value that reads as a list or a table of TOML is one; anything else is a text.
fn read(text: &str, place: Place) -> Node {
    let compound = text.trim().starts_with(['[', '{']);
    match DeValue::parse(text.trim()) {
        Ok(value) if compound => Node::from_toml(&value, &|_| place.clone()),
        _ => Node {
            place,
            value: Value::Untyped(text.to_owned()),
        },
    }
}

//! What was written, with the place of every piece of it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a piece of the configuration was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the file, at these bytes.
    File(Range<usize>),
    /// In this environment variable.
    Variable(Arc<str>),
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value as TOML has it, or the text of an environment variable.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// What no option is: a float, a date, a number out of range.
    Other(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Of an environment variable: what it is depends on who asks.
    Untyped(String),
}

/// A key with its place, and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// The way to a value: keys of tables and indexes of lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyPath(pub(super) Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl KeyPath {
    pub(super) fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    pub(super) fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The way to the table or list that this is in.
    pub(super) fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// The nearest key on the way, itself included.
    pub(super) fn nearest_key(&self) -> Self {
        let keys = self.0.iter().rposition(|step| matches!(step, Step::Key(_)));
        Self(self.0[..keys.map_or(0, |at| at + 1)].to_vec())
    }
}

impl Node {
    pub(super) fn from_toml(
        value: &Spanned<DeValue<'_>>,
        place: &dyn Fn(Range<usize>) -> Place,
    ) -> Self {
        let here = place(value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => Value::Other(number.to_string()),
                }
            }
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Float(number) => Value::Other(number.to_string()),
            DeValue::Datetime(date) => Value::Other(date.to_string()),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| Self::from_toml(item, place))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(entries(table, place)),
        };
        Self { place: here, value }
    }

    /// The document; its entries in the order of the file.
    pub(super) fn from_document(table: &Spanned<DeTable<'_>>) -> Self {
        Self {
            place: Place::File(0..0),
            value: Value::Table(entries(table.get_ref(), &Place::File)),
        }
    }

    pub(super) fn get(&self, path: &KeyPath) -> Option<&Self> {
        path.0
            .iter()
            .try_fold(self, |node, step| match (step, &node.value) {
                (Step::Key(key), Value::Table(_)) => node.entry(key).map(|entry| &entry.node),
                (Step::Index(index), Value::List(items)) => items.get(*index),
                _ => None,
            })
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    fn get_mut(&mut self, path: &KeyPath) -> Option<&mut Self> {
        path.0
            .iter()
            .try_fold(self, |node, step| match (step, &mut node.value) {
                (Step::Key(key), Value::Table(entries)) => entries
                    .iter_mut()
                    .find(|entry| entry.key == *key)
                    .map(|entry| &mut entry.node),
                (Step::Index(index), Value::List(items)) => items.get_mut(*index),
                _ => None,
            })
    }

    /// Where the key at `path` is written; for an item of a list, the item.
    pub(super) fn place_of_key(&self, path: &KeyPath) -> Option<&Place> {
        match path.0.last() {
            Some(Step::Key(key)) => {
                let table = self.get(&path.parent())?;
                table.entry(key).map(|entry| &entry.key_place)
            }
            _ => self.place_of_value(path),
        }
    }

    /// Where the value at `path` is written.
    pub(super) fn place_of_value(&self, path: &KeyPath) -> Option<&Place> {
        self.nearest(path).map(|node| &node.place)
    }

    /// The value at `path`; an item that the text of a variable was split into is that text.
    pub(super) fn nearest(&self, path: &KeyPath) -> Option<&Self> {
        self.get(path).or_else(|| {
            let list = self.get(&path.parent())?;
            matches!(list.value, Value::Untyped(_)).then_some(list)
        })
    }

    /// Takes the entry at `path` out; the last step is a key.
    pub(super) fn remove(&mut self, path: &KeyPath) {
        if let (
            Some(Step::Key(key)),
            Some(Self {
                value: Value::Table(entries),
                ..
            }),
        ) = (path.0.last(), self.get_mut(&path.parent()))
        {
            entries.retain(|entry| entry.key != *key);
        }
    }

    /// `path` as people read it: `space.1001.session.idle_timeout`. A space goes by its id,
    /// other items of lists by their index, counted from 0.
    pub(super) fn label(&self, path: &KeyPath) -> String {
        let mut label = String::new();
        for (at, step) in path.0.iter().enumerate() {
            if at > 0 {
                label.push('.');
            }
            match step {
                Step::Key(key) => label.push_str(key),
                Step::Index(index) => {
                    let item = KeyPath(path.0[..=at].to_vec());
                    match self.get(&item.key("id")).map(|id| &id.value) {
                        Some(Value::Text(id) | Value::Untyped(id)) if at == 1 => label.push_str(id),
                        _ => label.push_str(&index.to_string()),
                    }
                }
            }
        }
        label
    }
}

fn entries(table: &DeTable<'_>, place: &dyn Fn(Range<usize>) -> Place) -> Vec<Entry> {
    let mut entries: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let entry = Entry {
                key: key.get_ref().to_string(),
                key_place: place(key.span()),
                node: Node::from_toml(value, place),
            };
            (key.span().start, entry)
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

impl fmt::Display for Value {
    /// What was found, for a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Untyped(text) => write!(f, "`{text}`"),
            Self::Integer(number) => write!(f, "`{number}`"),
            Self::Boolean(value) => write!(f, "`{value}`"),
            Self::Other(text) => write!(f, "`{text}`"),
            Self::List(items) if items.is_empty() => f.write_str("an empty list"),
            Self::List(_) => f.write_str("a list"),
            Self::Table(_) => f.write_str("a table"),
        }
    }
}

//! All keys there are, asked of the raw structs themselves.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::config::raw::RawGateway;

/// Every key, as `space.session.idle_timeout`; items of lists have no step of their own.
pub(super) fn all() -> BTreeSet<String> {
    let mut leaves = BTreeSet::new();
    let mut tables = BTreeSet::new();
    // A leaf ends a probe, and the next one leaves it out; the last one finds no leaf.
    while RawGateway::deserialize(Probe {
        path: String::new(),
        leaves: &mut leaves,
        tables: &mut tables,
    })
    .is_err()
    {}
    leaves.append(&mut tables);
    leaves
}

/// Gives a struct one of each of its keys, and notes which it asks for.
struct Probe<'s> {
    path: String,
    leaves: &'s mut BTreeSet<String>,
    tables: &'s mut BTreeSet<String>,
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        self.leaves.insert(self.path);
        Err(serde::de::Error::custom("a leaf"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Once(Some(self)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !self.path.is_empty() {
            self.tables.insert(self.path.clone());
        }
        visitor.visit_map(Fields {
            of: self,
            fields,
            current: "",
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct tuple tuple_struct map enum identifier ignored_any
    }
}

struct Once<'s>(Option<Probe<'s>>);

impl<'de> SeqAccess<'de> for Once<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0
            .take()
            .map(|probe| seed.deserialize(probe))
            .transpose()
    }
}

struct Fields<'s> {
    of: Probe<'s>,
    fields: &'static [&'static str],
    current: &'static str,
}

impl Fields<'_> {
    fn path_of(&self, field: &str) -> String {
        match self.of.path.as_str() {
            "" => field.to_owned(),
            path => format!("{path}.{field}"),
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        while let Some((field, rest)) = self.fields.split_first() {
            self.current = field;
            self.fields = rest;
            if !self.of.leaves.contains(&self.path_of(field)) {
                return seed.deserialize(StrDeserializer::new(field)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Probe {
            path: self.path_of(self.current),
            leaves: self.of.leaves,
            tables: self.of.tables,
        })
    }
}

#[test]
fn the_probe_finds_keys_at_every_depth() {
    let all = all();
    for key in [
        "edge",
        "edge.limits.header_lines",
        "log.access",
        "space.id",
        "space.pool.idle_timeout",
        "space.jwt.audience",
        "space.jwt.attributes.mandatory",
        "space.classify.when.matches",
        "space.custom_headers",
    ] {
        assert!(all.contains(key), "{key} in {all:#?}");
    }
}

//! What is known of a user beyond their name: names with lists of values.

use std::sync::Arc;

/// One attribute: a name and its values, in the order the source gave them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Its name, as `group`. Not empty.
    pub name: Arc<str>,
    /// Its values; may be empty.
    pub values: Box<[Box<str>]>,
}

/// An ordered set of attributes. Names are unique (compared exactly); adding values under a
/// name that is there appends to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Box<[Attribute]>);

impl Attributes {
    /// No attributes.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The values of `name`; empty when there is no such attribute.
    #[must_use]
    pub fn values(&self, name: &str) -> &[Box<str>] {
        self.0
            .iter()
            .find(|a| &*a.name == name)
            .map_or(&[], |a| &a.values)
    }

    /// The first value of `name`.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.values(name).first().map(|v| &**v)
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<N, V, I> FromIterator<(N, I)> for Attributes
where
    N: Into<Arc<str>>,
    V: Into<Box<str>>,
    I: IntoIterator<Item = V>,
{
    /// Attributes from pairs of a name and its values; pairs of one name are joined and
    /// pairs with an empty name are left out.
    fn from_iter<T: IntoIterator<Item = (N, I)>>(pairs: T) -> Self {
        let mut joined: Vec<(Arc<str>, Vec<Box<str>>)> = Vec::new();
        for (name, values) in pairs {
            let name = name.into();
            let values = values.into_iter().map(Into::into);
            match joined.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(values),
                None if name.is_empty() => {}
                None => joined.push((name, values.collect())),
            }
        }
        Self(
            joined
                .into_iter()
                .map(|(name, v)| Attribute {
                    name,
                    values: v.into(),
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_one_name_are_joined() {
        let set: Attributes = [
            ("group", vec!["a"]),
            ("mail", vec![]),
            ("group", vec!["b", "a"]),
        ]
        .into_iter()
        .collect();
        assert_eq!(set.len(), 2);
        assert_eq!(
            set.values("group"),
            ["a".into(), "b".into(), "a".into()] as [Box<str>; 3]
        );
        assert_eq!(set.first("mail"), None);
        assert!(set.values("Group").is_empty(), "names are compared exactly");
    }
}

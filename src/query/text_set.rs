//! Texts of which one has to be met.

use super::caseless;

/// A set of texts that differ in more than case, as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextSet {
    /// Sorted by [`caseless::cmp`], without equals.
    texts: Box<[Box<str>]>,
}

impl TextSet {
    pub(super) fn one(text: &str) -> Self {
        Self {
            texts: Box::new([text.into()]),
        }
    }

    /// Everything that is in one of `sets`.
    pub(super) fn union(sets: Vec<Self>) -> Self {
        let mut texts: Vec<_> = sets.into_iter().flat_map(|set| set.texts).collect();
        texts.sort_by(|a, b| caseless::cmp(a, b));
        texts.dedup_by(|a, b| caseless::eq(a, b));
        Self {
            texts: texts.into(),
        }
    }

    /// Everything that is in all of `sets`; nothing when there are none.
    pub(super) fn intersection(mut sets: Vec<Self>) -> Self {
        sets.sort_by_key(|set| set.texts.len());
        let mut sets = sets.into_iter();
        let mut texts = sets
            .next()
            .map(|set| set.texts.into_vec())
            .unwrap_or_default();
        for set in sets {
            texts.retain(|text| set.contains(text));
        }
        Self {
            texts: texts.into(),
        }
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        match &*self.texts {
            [only] => caseless::eq(only, text),
            texts => texts
                .binary_search_by(|known| caseless::cmp(known, text))
                .is_ok(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> TextSet {
        TextSet::union(texts.iter().map(|text| TextSet::one(text)).collect())
    }

    #[test]
    fn sets_ignore_case() {
        let some = set(&["b", "A", "a", "Ä", "c"]);
        assert_eq!(some.iter().len(), 4);
        for text in ["a", "A", "B", "c", "ä"] {
            assert!(some.contains(text), "{text}");
        }
        assert!(!some.contains("d") && !some.contains(""));
        assert!(set(&["X"]).contains("x"));
        assert!(set(&[]).is_empty() && !set(&[]).contains(""));
    }

    #[test]
    fn an_intersection_holds_what_all_hold() {
        let both = TextSet::intersection(vec![set(&["a", "b", "c"]), set(&["C", "B", "x"])]);
        assert_eq!(both, set(&["b", "c"]));
        assert!(TextSet::intersection(vec![set(&["a"]), set(&["b"])]).is_empty());
        assert!(TextSet::intersection(vec![]).is_empty());
    }
}

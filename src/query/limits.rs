//! How large a query may be.

/// What a query may take, checked while it is read.
///
/// The figures are the dialect's: 8 KiB of decoded text, 256 comparisons, 32 levels of
/// nesting; and 64 KiB, with any number of comparisons, for what is nothing but a list of ids.
///
/// ```
/// use gatepass::query::{Limits, Query};
///
/// let ids = (0..2_000).map(|i| format!("id='{i}'")).collect::<Vec<_>>().join(";");
/// assert!(Query::parse(&ids, &Limits::FILTER).is_err());
/// assert!(Query::parse(&ids, &Limits::FILTER.with_id_lists("id")).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) text: usize,
    pub(super) comparisons: usize,
    pub(super) nesting: usize,
    pub(super) id_lists: Option<IdLists>,
}

/// The wider limit for lists of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IdLists {
    pub(super) field: &'static str,
    pub(super) text: usize,
}

impl Limits {
    /// For filters: 8 KiB of text, 256 comparisons (an `IN` list is one), 32 levels of `(`,
    /// `!` and `{`.
    pub const FILTER: Self = Self {
        text: 8 * 1024,
        comparisons: 256,
        nesting: 32,
        id_lists: None,
    };

    /// Also lets pass lists of ids up to 64 KiB: queries in which every comparison is `field`
    /// `EQ` or `IN` literals without wildcards, and none is negated.
    #[must_use]
    pub const fn with_id_lists(self, field: &'static str) -> Self {
        Self {
            id_lists: Some(IdLists {
                field,
                text: 64 * 1024,
            }),
            ..self
        }
    }

    /// The same limits but for the length of the text, in bytes.
    #[must_use]
    pub const fn with_text(self, bytes: usize) -> Self {
        Self {
            text: bytes,
            ..self
        }
    }

    /// The longest text that may be worth reading, in bytes.
    pub(super) fn longest_text(&self) -> usize {
        self.id_lists
            .map_or(self.text, |lists| lists.text.max(self.text))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::FILTER
    }
}

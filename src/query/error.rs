//! What is wrong with a query, and where.

use std::fmt::Write as _;

/// Why a query, an order, a grouping or a selection cannot be used, and at which place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}, at offset {offset}")]
pub struct QueryError {
    offset: usize,
    kind: QueryErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// The text is too long.
    #[error("the text is longer than {limit} bytes")]
    TooLong {
        /// The most there may be, in bytes.
        limit: usize,
    },
    /// The query is longer than a filter may be and holds more than ids.
    #[error("longer than {limit} bytes or {comparisons} comparisons may only be a list of ids")]
    NotAnIdList {
        /// The longest filter, in bytes.
        limit: usize,
        /// The most comparisons in a filter.
        comparisons: usize,
    },
    /// There are too many comparisons.
    #[error("more than {limit} comparisons")]
    TooManyComparisons {
        /// The most there may be.
        limit: usize,
    },
    /// Groups, negations and references are nested too deeply.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The most levels there may be.
        limit: usize,
    },
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A text has no closing quote.
    #[error("the text that begins here is not closed with {quote}")]
    Unterminated {
        /// The quote that should close it.
        quote: char,
    },
    /// A word stands where a value should.
    #[error("{word} is no value; texts stand in quotes, as in 'text' or ^text^")]
    BareWord {
        /// The word.
        word: String,
    },
    /// `AND` or `OR` is written out.
    #[error("comparisons are joined with ; (and) or || (or), not with the word {word}")]
    JoiningWord {
        /// The word.
        word: String,
    },
    /// `!=`, `NE` or `<>` is used.
    #[error("there is no not-equal; put ! before the comparison, as in !field=value")]
    NotEqual,
    /// No such field exists.
    #[error("there is no field {name}")]
    UnknownField {
        /// The field as written.
        name: String,
    },
    /// The field cannot be filtered by.
    #[error("{name} cannot be filtered by")]
    NotFilterable {
        /// The field as written.
        name: String,
    },
    /// The field cannot be sorted by.
    #[error("{name} cannot be sorted by")]
    NotSortable {
        /// The field as written.
        name: String,
    },
    /// The field cannot be grouped by.
    #[error("{name} cannot be grouped by")]
    NotGroupable {
        /// The field as written.
        name: String,
    },
    /// The field's values have no order, but are compared by one.
    #[error("{name} can be compared for equality only")]
    NoOrder {
        /// The field as written.
        name: String,
    },
    /// A plain field is used as if it were a reference.
    #[error("{name} is no reference and has no fields of its own")]
    NotAReference {
        /// The field as written.
        name: String,
    },
    /// The value is of another type than the field.
    #[error("{name} is compared with {expected}")]
    WrongType {
        /// The field as written.
        name: String,
        /// What it can be compared with.
        expected: &'static str,
    },
}

impl QueryError {
    pub(super) fn new(offset: usize, kind: QueryErrorKind) -> Self {
        Self { offset, kind }
    }

    /// Where it is wrong: bytes from the beginning of the decoded text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &QueryErrorKind {
        &self.kind
    }

    /// The name of the field that does not exist, if that is what is wrong.
    #[must_use]
    pub fn unknown_field(&self) -> Option<&str> {
        match &self.kind {
            QueryErrorKind::UnknownField { name } => Some(name),
            _ => None,
        }
    }

    /// The message, and below it the place in `text` with a caret:
    ///
    /// ```text
    /// expected a value, found `)`, at offset 10
    /// (end_time=)
    ///           ^
    /// ```
    ///
    /// Of a long text only the surroundings are shown. Control characters appear as spaces.
    #[must_use]
    pub fn describe(&self, text: &str) -> String {
        let at = text.floor_char_boundary(self.offset);
        let (before, after) = text.split_at(at);
        // Bounded before anything is counted: the text may be large.
        let start = before
            .char_indices()
            .rev()
            .nth(WINDOW - 1)
            .map_or(0, |(start, _)| start);
        let end = after
            .char_indices()
            .nth(WINDOW)
            .map_or(text.len(), |(end, _)| at + end);
        let (left, left_mark) = (&text[start..at], if start > 0 { "…" } else { "" });
        let right_mark = if end < text.len() { "…" } else { "" };
        let indent = left.chars().count() + left_mark.chars().count();
        let line = text[start..end].replace(char::is_control, " ");
        let mut out = self.to_string();
        write!(out, "\n{left_mark}{line}{right_mark}\n{:indent$}^", "")
            .expect("writing to a String cannot fail");
        out
    }
}

/// How many characters to show on each side of the place.
const WINDOW: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: usize) -> QueryError {
        QueryError::new(offset, QueryErrorKind::NotEqual)
    }

    /// The line and the caret's column in it, in characters.
    fn drawn(offset: usize, text: &str) -> (String, usize) {
        let described = at(offset).describe(text);
        let lines: Vec<_> = described.lines().collect();
        assert_eq!(lines.len(), 3, "{described}");
        assert!(lines[0].contains(&format!("offset {offset}")));
        assert_eq!(lines[2].trim_start(), "^");
        (lines[1].to_owned(), lines[2].chars().count() - 1)
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        assert_eq!(drawn(1, "a!=1"), ("a!=1".to_owned(), 1));
        assert_eq!(drawn(4, "a!=1"), ("a!=1".to_owned(), 4));
        assert_eq!(drawn(0, ""), (String::new(), 0));
    }

    #[test]
    fn columns_are_characters_and_lines_are_joined() {
        let text = "ä='ö\n'!=1";
        let (line, column) = drawn(text.find('!').unwrap(), text);
        assert_eq!(line, "ä='ö '!=1");
        assert_eq!(line.chars().nth(column), Some('!'));
    }

    #[test]
    fn of_a_long_text_the_surroundings_are_shown() {
        let text = format!("{}!{}", "x".repeat(10_000), "ü".repeat(10_000));
        let (line, column) = drawn(10_000, &text);
        assert_eq!(line.chars().count(), 40 + 40 + 2);
        assert_eq!(line.chars().nth(column), Some('!'));
        assert!(line.starts_with("…x") && line.ends_with("ü…"));
    }

    #[test]
    fn an_offset_inside_a_character_or_behind_the_end_is_no_trouble() {
        assert_eq!(drawn(1, "ä"), ("ä".to_owned(), 0));
        assert_eq!(drawn(99, "ä"), ("ä".to_owned(), 1));
    }
}

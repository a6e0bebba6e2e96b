//! By what lists are sorted and grouped.

use std::cmp::Ordering;

use super::error::{QueryError, QueryErrorKind};
use super::lexer::Lexer;
use super::limits::Limits;
use super::record::Record;
use super::schema::{Asked, Field, Schema, find_at};

/// An order of records: by the first key, among equals by the next, and at last by id.
#[derive(Clone, Debug)]
pub struct OrderBy<C: 'static> {
    keys: Vec<SortKey<C>>,
}

/// One key of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey<C> {
    column: C,
    direction: Direction,
}

/// Which way a key sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From small to large; null comes last.
    Ascending,
    /// From large to small, written with a `-`; null comes first.
    Descending,
}

impl<C: Copy + Eq> OrderBy<C> {
    /// Reads an order as in `-start_time,id` or `{start_time,id}`. The schema's id is added as
    /// the last key if it is not among them; a key that comes again changes nothing. The empty
    /// text is the order by id.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when the text is something else, or a field does not exist or cannot be
    /// sorted by.
    pub fn parse(text: &str, schema: &Schema<C>) -> Result<Self, QueryError> {
        let mut keys: Vec<SortKey<C>> = Vec::new();
        let mut add = |key: SortKey<C>| {
            if keys.iter().all(|known| known.column != key.column) {
                keys.push(key);
            }
        };
        check_len(text)?;
        let mut lexer = Lexer::new(text);
        let in_braces = lexer.eat("{");
        if !(lexer.is_at_end() || in_braces && lexer.sees("}")) {
            loop {
                let direction = match lexer.eat("-") {
                    true => Direction::Descending,
                    false => Direction::Ascending,
                };
                let (offset, asked) = field(&mut lexer, schema.fields())?;
                if !asked.field().is_sortable() {
                    let name = asked.name().to_owned();
                    return Err(QueryError::new(
                        offset,
                        QueryErrorKind::NotSortable { name },
                    ));
                }
                let column = asked.field().column();
                add(SortKey { column, direction });
                if !lexer.eat(",") {
                    break;
                }
            }
        }
        if in_braces {
            lexer.expect("}", ", or }")?;
        }
        if !lexer.is_at_end() {
            return Err(lexer.expected(", or the end"));
        }
        if let Some(column) = schema.id().map(Field::column) {
            let direction = Direction::Ascending;
            add(SortKey { column, direction });
        }
        Ok(Self { keys })
    }
}

impl<C: Copy> OrderBy<C> {
    /// The keys, the most important first.
    #[must_use]
    pub fn keys(&self) -> &[SortKey<C>] {
        &self.keys
    }

    /// How `a` and `b` are sorted; see
    /// [`FieldValue::cmp_for_sorting`](super::FieldValue::cmp_for_sorting).
    pub fn compare<R>(&self, a: &R, b: &R) -> Ordering
    where
        R: Record<Column = C> + ?Sized,
    {
        let orders = self.keys.iter().map(|key| {
            let order = a.value(key.column).cmp_for_sorting(&b.value(key.column));
            match key.direction {
                Direction::Ascending => order,
                Direction::Descending => order.reverse(),
            }
        });
        orders
            .into_iter()
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl<C: Copy> SortKey<C> {
    /// Where the values stand that are sorted by.
    #[must_use]
    pub fn column(&self) -> C {
        self.column
    }

    /// Which way.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }
}

impl<C> Schema<C> {
    /// Reads the field that is to be grouped by.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when the text is no field's name, or the field does not exist or cannot
    /// be grouped by.
    pub fn group_by(&self, text: &str) -> Result<Asked<C>, QueryError> {
        check_len(text)?;
        let mut lexer = Lexer::new(text);
        let in_braces = lexer.eat("{");
        let (offset, asked) = field(&mut lexer, self.fields())?;
        if in_braces {
            lexer.expect("}", "}")?;
        }
        if !lexer.is_at_end() {
            return Err(lexer.expected("the end, as one field is grouped by"));
        }
        if !asked.field().is_groupable() {
            let name = asked.name().to_owned();
            return Err(QueryError::new(
                offset,
                QueryErrorKind::NotGroupable { name },
            ));
        }
        Ok(asked)
    }
}

/// Reads the name of a field among `fields`.
pub(super) fn field<C>(
    lexer: &mut Lexer<'_>,
    fields: &'static [Field<C>],
) -> Result<(usize, Asked<C>), QueryError> {
    let offset = lexer.offset();
    match lexer.field() {
        Some(name) => Ok((offset, find_at(fields, name, offset)?)),
        None => Err(lexer.expected("a field")),
    }
}

/// Lists of fields may be as long as filters.
pub(super) fn check_len(text: &str) -> Result<(), QueryError> {
    let limit = Limits::FILTER.text;
    match text.len() > limit {
        true => Err(QueryError::new(limit, QueryErrorKind::TooLong { limit })),
        false => Ok(()),
    }
}

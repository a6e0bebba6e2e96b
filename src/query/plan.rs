//! A compiled query: asked of records, and asked which records are worth looking at.

use super::ast::{Expr, Located, Operator, Predicate, Query, Value};
use super::caseless;
use super::condition::{ColumnTest, Condition, Test};
use super::record::Record;
use super::schema::{Field, Schema};
use super::time_range::TimeRange;

/// A query in the form in which it is asked of records; see [`Query::compile`].
///
/// Asking allocates nothing and costs at most the length of the query and of the values.
#[derive(Clone, Debug)]
pub struct Compiled<C> {
    condition: Condition<C>,
    id: Option<C>,
}

impl<C: Copy + Eq> Compiled<C> {
    pub(super) fn new(condition: Condition<C>, id: Option<C>) -> Self {
        Self { condition, id }
    }

    /// Whether `record` fulfils the query.
    #[must_use]
    pub fn matches<R>(&self, record: &R) -> bool
    where
        R: Record<Column = C> + ?Sized,
    {
        self.condition.holds(record)
    }

    /// Whether every record matches, since nothing is demanded.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        matches!(self.condition, Condition::Constant(true))
    }

    /// Whether no record can match.
    #[must_use]
    pub fn matches_none(&self) -> bool {
        matches!(self.condition, Condition::Constant(false))
    }

    /// The ids of which every matching record has one, if the query restricts them; each once,
    /// as written. Not every record with such an id matches.
    ///
    /// Ids are compared regardless of case, so an index has to find them so.
    #[must_use]
    pub fn ids(&self) -> Option<Vec<&str>> {
        self.texts(self.id?)
    }

    /// The texts of which every matching record has one in `column`, if the query restricts
    /// them; see [`ids`](Self::ids).
    #[must_use]
    pub fn texts(&self, column: C) -> Option<Vec<&str>> {
        texts(&self.condition, column)
    }

    /// A range that holds the time in `column` of every matching record, if the query restricts
    /// it: of all ranges joined by "and" what they share, of those joined by "or" the hull.
    #[must_use]
    pub fn time_range(&self, column: C) -> Option<TimeRange> {
        let range = time_range(&self.condition, column);
        (range != TimeRange::ALWAYS).then_some(range)
    }

    /// Whether every matching record has null in `column`.
    #[must_use]
    pub fn requires_null(&self, column: C) -> bool {
        requires_null(&self.condition, column)
    }
}

impl Query {
    /// The ids that the query lists, if it is nothing but a list of ids: those of all
    /// comparisons of the id that are not negated, whatever joins them, each once, as written.
    /// That is how the dialect reads the query of a bulk operation, where `;` means "and also
    /// this one".
    ///
    /// `None` when there is a comparison of another kind: by another field, with a wildcard or
    /// by order. Such a query is a filter. Negated comparisons and those with null name nothing,
    /// so the list may be empty, as it is for the empty query; an empty list is not "all".
    #[must_use]
    pub fn union_of_ids<C: Copy + Eq>(&self, schema: &Schema<C>) -> Option<Vec<&str>> {
        let mut ids = Vec::new();
        if let Some(expr) = self.expr() {
            list_ids(expr, schema, false, &mut ids)?;
        }
        // In the order in which they were written, since errors count by it.
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by(|a, b| caseless::cmp(ids[*a], ids[*b]).then(a.cmp(b)));
        order.dedup_by(|b, a| caseless::eq(ids[*a], ids[*b]));
        order.sort_unstable();
        Some(order.into_iter().map(|index| ids[index]).collect())
    }
}

fn list_ids<'q, C: Copy + Eq>(
    expr: &'q Expr,
    schema: &Schema<C>,
    negated: bool,
    ids: &mut Vec<&'q str>,
) -> Option<()> {
    let comparison = match expr {
        Expr::Or(parts) | Expr::And(parts) => {
            return parts
                .iter()
                .try_for_each(|part| list_ids(part, schema, negated, ids));
        }
        Expr::Not(inner) => return list_ids(inner, schema, !negated, ids),
        Expr::Compare(comparison) => comparison,
    };
    let field = schema.find(comparison.field.get())?.field();
    if field.fields().is_some() || Some(field.column()) != schema.id().map(Field::column) {
        return None;
    }
    let values = match &comparison.predicate {
        Predicate::Is(Operator::Equal, value) => std::slice::from_ref(value),
        Predicate::In(values) => values,
        _ => return None,
    };
    for value in values.iter().map(Located::get) {
        let id = match value {
            Value::Text(text) => text.without_wildcards()?,
            Value::Number(number) => number.as_str(),
            Value::Null => continue,
            _ => return None,
        };
        if !negated {
            ids.push(id);
        }
    }
    Some(())
}

fn texts<C: Copy + Eq>(condition: &Condition<C>, wanted: C) -> Option<Vec<&str>> {
    match condition {
        Condition::Constant(false) => Some(Vec::new()),
        Condition::Test(ColumnTest {
            column,
            test: Test::Texts(set),
            negated: false,
        }) if *column == wanted => Some(set.iter().collect()),
        // Any of them will do; the shortest is the least work.
        Condition::All(parts) => {
            let lists = parts.iter().filter_map(|part| texts(part, wanted));
            lists.min_by_key(Vec::len)
        }
        Condition::Any(parts) => {
            let lists = parts.iter().map(|part| texts(part, wanted));
            let mut all = lists.collect::<Option<Vec<_>>>()?.concat();
            all.sort_by(|a, b| caseless::cmp(a, b));
            all.dedup_by(|a, b| caseless::eq(a, b));
            Some(all)
        }
        Condition::Constant(true) | Condition::Test(_) => None,
    }
}

fn time_range<C: Copy + Eq>(condition: &Condition<C>, wanted: C) -> TimeRange {
    match condition {
        Condition::Constant(false) => TimeRange::NEVER,
        Condition::Test(ColumnTest {
            column,
            test: Test::Time(range),
            negated: false,
        }) if *column == wanted => *range,
        Condition::All(parts) => parts
            .iter()
            .map(|part| time_range(part, wanted))
            .fold(TimeRange::ALWAYS, TimeRange::intersection),
        Condition::Any(parts) => parts
            .iter()
            .map(|part| time_range(part, wanted))
            .fold(TimeRange::NEVER, TimeRange::hull),
        Condition::Constant(true) | Condition::Test(_) => TimeRange::ALWAYS,
    }
}

fn requires_null<C: Copy + Eq>(condition: &Condition<C>, wanted: C) -> bool {
    match condition {
        Condition::Constant(holds) => !holds,
        Condition::Test(ColumnTest {
            column,
            test: Test::Null,
            negated: false,
        }) => *column == wanted,
        Condition::Test(_) => false,
        Condition::All(parts) => parts.iter().any(|part| requires_null(part, wanted)),
        Condition::Any(parts) => parts.iter().all(|part| requires_null(part, wanted)),
    }
}

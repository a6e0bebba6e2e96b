//! A query held against a schema: names become columns, values get types.

use std::ops::Bound;

use super::ast::{Comparison, Expr, Located, Number, Operator, Predicate, Query, Value};
use super::condition::{ColumnTest, Condition, Join, Test};
use super::date;
use super::error::{QueryError, QueryErrorKind};
use super::glob::Glob;
use super::plan::Compiled;
use super::schema::{Asked, Field, Kind, Schema, Shape, find_at};
use super::steps;
use super::text_set::TextSet;
use super::time_range::TimeRange;

impl Query {
    /// The query in the form in which it can be asked of records with this schema.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when a field does not exist or cannot be filtered by, or when a value or
    /// an operator does not fit the field.
    pub fn compile<C: Copy + Eq>(&self, schema: &Schema<C>) -> Result<Compiled<C>, QueryError> {
        let condition = match self.expr() {
            Some(expr) => condition(expr, schema.fields(), false)?,
            None => Condition::Constant(true),
        };
        let id = schema.id().map(Field::column);
        Ok(Compiled::new(condition, id))
    }
}

/// What `expr`, or its negation, demands.
fn condition<C: Copy + Eq>(
    expr: &Expr,
    fields: &'static [Field<C>],
    negated: bool,
) -> Result<Condition<C>, QueryError> {
    steps::count(1);
    let (join, parts) = match expr {
        Expr::Or(parts) => (Join::Any, parts),
        Expr::And(parts) => (Join::All, parts),
        Expr::Not(inner) => return condition(inner, fields, !negated),
        Expr::Compare(comparison) => return compared(comparison, fields, negated),
    };
    let parts = parts.iter().map(|part| condition(part, fields, negated));
    let parts = parts.collect::<Result<_, _>>()?;
    Ok(Condition::join(join.negated_if(negated), parts))
}

fn compared<C: Copy + Eq>(
    comparison: &Comparison,
    fields: &'static [Field<C>],
    negated: bool,
) -> Result<Condition<C>, QueryError> {
    let (name, offset) = (comparison.field.get(), comparison.field.offset());
    let asked = find_at(fields, name, offset)?;
    let refuse =
        |kind: fn(String) -> QueryErrorKind| Err(QueryError::new(offset, kind(name.clone())));
    if !asked.field().is_filterable() {
        return refuse(|name| QueryErrorKind::NotFilterable { name });
    }
    let place = Place { asked, negated };
    let (operator, value) = match &comparison.predicate {
        Predicate::Is(Operator::Equal, value) => return place.equal(value),
        Predicate::In(values) => {
            let parts = values.iter().map(|value| place.equal(value));
            let parts = parts.collect::<Result<_, _>>()?;
            return Ok(Condition::join(Join::Any.negated_if(negated), parts));
        }
        Predicate::Is(operator, value) => (*operator, value),
        Predicate::Between(low, high) => {
            let at_least = place.ordered(Operator::GreaterOrEqual, low);
            let at_most = place.ordered(Operator::LessOrEqual, high);
            return match (at_least, at_most) {
                (Some(low), Some(high)) => {
                    let join = Join::All.negated_if(negated);
                    Ok(Condition::join(join, vec![low?, high?]))
                }
                _ => refuse(|name| QueryErrorKind::NoOrder { name }),
            };
        }
    };
    match place.ordered(operator, value) {
        Some(condition) => condition,
        None => refuse(|name| QueryErrorKind::NoOrder { name }),
    }
}

/// A field that is compared, and whether the comparison is negated.
struct Place<C: 'static> {
    asked: Asked<C>,
    negated: bool,
}

impl<C: Copy + Eq> Place<C> {
    /// Equal to `value`.
    fn equal(&self, value: &Located<Value>) -> Result<Condition<C>, QueryError> {
        steps::count(1);
        let kind = match (self.asked.field().shape(), value.get()) {
            (_, Value::Null) => return Ok(self.test(Test::Null)),
            (Shape::Reference(fields), Value::Reference(expr)) => {
                let inner = condition(expr, fields, self.negated)?;
                return Ok(self.of_reference(inner));
            }
            (Shape::Reference(_), _) => Kind::Id,
            (Shape::Plain(kind), _) => kind,
        };
        let test = match (kind, value.get()) {
            (_, Value::Reference(_)) => return Err(self.not_a_reference(value)),
            (Kind::Id | Kind::Text | Kind::Enum, Value::Text(text)) => {
                match text.without_wildcards() {
                    Some(text) => Test::Texts(TextSet::one(text)),
                    None => Test::Glob(Glob::new(text.pieces())),
                }
            }
            (Kind::Id | Kind::Text | Kind::Enum, Value::Number(number)) => {
                Test::Texts(TextSet::one(number.as_str()))
            }
            (Kind::Timestamp, Value::Text(text)) if text.without_wildcards() == Some("null") => {
                Test::Null
            }
            (Kind::Timestamp, literal) => {
                let time = as_time(literal).ok_or_else(|| self.wrong_type(value))?;
                Test::Time(TimeRange::new(time, time))
            }
            (Kind::Number, literal) => {
                let number = as_number(literal).ok_or_else(|| self.wrong_type(value))?;
                Test::Number(bounds(Operator::Equal, number))
            }
            (Kind::Bool, literal) => {
                Test::Bool(as_bool(literal).ok_or_else(|| self.wrong_type(value))?)
            }
            _ => return Err(self.wrong_type(value)),
        };
        Ok(self.test(test))
    }

    /// The condition that there is a record referred to, and that `inner` holds for it (or,
    /// negated, that there is none or the negated `inner` holds). Of what is not there nothing
    /// is true, also not that it is not so.
    fn of_reference(&self, inner: Condition<C>) -> Condition<C> {
        let column = self.asked.field().column();
        if let Condition::Test(test) = &inner
            && test.column == column
            && test.negated == self.negated
            && !matches!(test.test, Test::Null)
        {
            return inner; // a test of the id says it already
        }
        let there = Condition::Test(ColumnTest {
            column,
            test: Test::Null,
            negated: !self.negated,
        });
        Condition::join(Join::All.negated_if(self.negated), vec![there, inner])
    }

    /// Compared by order with `value`; `None` when the field's values have no order.
    fn ordered(
        &self,
        operator: Operator,
        value: &Located<Value>,
    ) -> Option<Result<Condition<C>, QueryError>> {
        let kind = match self.asked.field().kind() {
            None | Some(Kind::Enum | Kind::Bool) => return None,
            Some(kind) => kind,
        };
        let is_null = match value.get() {
            Value::Null => true,
            Value::Text(text) => kind == Kind::Timestamp && text.literal() == "null",
            _ => false,
        };
        if is_null {
            // A comparison with null is false, its negation true.
            return Some(Ok(Condition::Constant(self.negated)));
        }
        let test = match (kind, value.get()) {
            (_, Value::Reference(_)) => return Some(Err(self.not_a_reference(value))),
            (Kind::Timestamp, value) => {
                as_time(value).map(|time| Test::Time(times(operator, time)))
            }
            (Kind::Number, value) => as_number(value).map(|n| Test::Number(bounds(operator, n))),
            (_, Value::Text(text)) => Some(text_range(operator, &text.literal())),
            (_, Value::Number(number)) => Some(text_range(operator, number.as_str())),
            _ => None,
        };
        Some(
            test.map(|test| self.test(test))
                .ok_or_else(|| self.wrong_type(value)),
        )
    }

    /// The condition that the field's value passes `test`, or does not.
    fn test(&self, test: Test) -> Condition<C> {
        let field = self.asked.field();
        if test.is_impossible() {
            return Condition::Constant(self.negated);
        }
        let passing = |test, negated| {
            Condition::Test(ColumnTest {
                column: field.column(),
                test,
                negated,
            })
        };
        match test {
            Test::Null if field.is_never_null() => Condition::Constant(self.negated),
            // Where there always is a time, not in a range is in what is left of it.
            Test::Time(range) if self.negated && field.is_never_null() => {
                let left = range.outside().map(|range| match range.is_empty() {
                    true => Condition::Constant(false),
                    false => passing(Test::Time(range), false),
                });
                Condition::join(Join::Any, left.into())
            }
            test => passing(test, self.negated),
        }
    }

    fn wrong_type(&self, value: &Located<Value>) -> QueryError {
        let expected = match self.asked.field().kind() {
            None => "an id or a condition in braces, as in {id=5}",
            Some(Kind::Timestamp) => "a time in UTC, as in '2026-01-31T08:00:00Z'",
            Some(Kind::Number) => "a number",
            Some(Kind::Bool) => "true or false",
            Some(_) => "a text, as in 'text'",
        };
        let name = self.asked.name().to_owned();
        QueryError::new(value.offset(), QueryErrorKind::WrongType { name, expected })
    }

    fn not_a_reference(&self, value: &Located<Value>) -> QueryError {
        let name = self.asked.name().to_owned();
        QueryError::new(value.offset(), QueryErrorKind::NotAReference { name })
    }
}

impl Join {
    /// What the join becomes when a negation moves inwards.
    fn negated_if(self, negated: bool) -> Self {
        match (self, negated) {
            (Self::All, true) => Self::Any,
            (Self::Any, true) => Self::All,
            (join, false) => join,
        }
    }
}

fn as_time(value: &Value) -> Option<i64> {
    match value {
        Value::Text(text) => date::parse(text.without_wildcards()?),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number.to_f64()),
        Value::Text(text) => Number::new(text.without_wildcards()?).map(|n| n.to_f64()),
        _ => None,
    }
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Text(text) => {
            let text = text.without_wildcards()?;
            let is = |word: &str| text.eq_ignore_ascii_case(word);
            is("true").then_some(true).or(is("false").then_some(false))
        }
        _ => None,
    }
}

fn times(operator: Operator, time: i64) -> TimeRange {
    match operator {
        Operator::Equal => TimeRange::new(time, time),
        Operator::Less => TimeRange::before(time),
        Operator::Greater => TimeRange::after(time),
        Operator::LessOrEqual => TimeRange::new(i64::MIN, time),
        Operator::GreaterOrEqual => TimeRange::new(time, i64::MAX),
    }
}

fn text_range(operator: Operator, text: &str) -> Test {
    let (low, high) = bounds(operator, text.into());
    Test::TextRange(low, high)
}

fn bounds<T: Clone>(operator: Operator, value: T) -> (Bound<T>, Bound<T>) {
    match operator {
        Operator::Equal => (Bound::Included(value.clone()), Bound::Included(value)),
        Operator::Less => (Bound::Unbounded, Bound::Excluded(value)),
        Operator::Greater => (Bound::Excluded(value), Bound::Unbounded),
        Operator::LessOrEqual => (Bound::Unbounded, Bound::Included(value)),
        Operator::GreaterOrEqual => (Bound::Included(value), Bound::Unbounded),
    }
}

//! Conditions in the form in which they are asked of records.

use std::ops::{Bound, RangeBounds};

use super::caseless;
use super::glob::Glob;
use super::record::{FieldValue, Record};
use super::text_set::TextSet;
use super::time_range::TimeRange;

/// A condition. Negations stand at the tests only, and what can be merged is.
#[derive(Clone, Debug)]
pub(super) enum Condition<C> {
    /// Holds always or never.
    Constant(bool),
    /// All of these hold.
    All(Box<[Condition<C>]>),
    /// At least one of these holds.
    Any(Box<[Condition<C>]>),
    /// A column's value passes a test.
    Test(ColumnTest<C>),
}

/// A test of the value in a column.
#[derive(Clone, Debug)]
pub(super) struct ColumnTest<C> {
    pub(super) column: C,
    pub(super) test: Test,
    /// Then the value must not pass.
    pub(super) negated: bool,
}

/// What a value is tested for. Null passes the test for null only.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Null,
    Bool(bool),
    Time(TimeRange),
    Number((Bound<f64>, Bound<f64>)),
    Texts(TextSet),
    Glob(Glob),
    TextRange(Bound<Box<str>>, Bound<Box<str>>),
}

/// How parts make up a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// `;`
    All,
    /// `||`
    Any,
}

impl<C: Copy> Condition<C> {
    pub(super) fn holds<R>(&self, record: &R) -> bool
    where
        R: Record<Column = C> + ?Sized,
    {
        match self {
            Self::Constant(holds) => *holds,
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::Test(ColumnTest {
                column,
                test,
                negated,
            }) => test.passes(&record.value(*column)) != *negated,
        }
    }
}

impl Test {
    fn passes(&self, value: &FieldValue<'_>) -> bool {
        match (self, value) {
            (Self::Null, value) => value.is_null(),
            (Self::Bool(wanted), FieldValue::Bool(value)) => wanted == value,
            (Self::Time(range), FieldValue::Timestamp(value)) => range.contains(*value),
            (Self::Number(range), FieldValue::Number(value)) => range.contains(value),
            (Self::Texts(texts), value) => value.as_text().is_some_and(|v| texts.contains(v)),
            (Self::Glob(glob), value) => value.as_text().is_some_and(|v| glob.matches(v)),
            (Self::TextRange(low, high), value) => value.as_text().is_some_and(|v| {
                let above = match low {
                    Bound::Included(low) => caseless::cmp(v, low).is_ge(),
                    Bound::Excluded(low) => caseless::cmp(v, low).is_gt(),
                    Bound::Unbounded => true,
                };
                above
                    && match high {
                        Bound::Included(high) => caseless::cmp(v, high).is_le(),
                        Bound::Excluded(high) => caseless::cmp(v, high).is_lt(),
                        Bound::Unbounded => true,
                    }
            }),
            _ => false,
        }
    }
}

impl<C: Copy + Eq> Condition<C> {
    /// `parts` joined, with everything merged that can be: constants vanish, parts of the same
    /// join move up, and sets of texts and ranges of time of a column become one.
    pub(super) fn join(join: Join, parts: Vec<Self>) -> Self {
        let mut merger = Merger::new(join);
        for part in parts {
            match (join, part) {
                (Join::All, Self::All(inner)) | (Join::Any, Self::Any(inner)) => {
                    inner.into_iter().for_each(|part| merger.add(part));
                }
                (_, part) => merger.add(part),
            }
        }
        merger.finish()
    }

    /// About how much it costs to ask, to ask the cheap first.
    fn cost(&self) -> u8 {
        match self {
            Self::Constant(_) => 0,
            Self::Test(test) => match test.test {
                Test::Null | Test::Bool(_) | Test::Time(_) | Test::Number(_) => 1,
                Test::Texts(_) => 2,
                Test::Glob(_) | Test::TextRange(..) => 3,
            },
            Self::All(_) | Self::Any(_) => 4,
        }
    }
}

/// Collects the parts of a join.
struct Merger<C> {
    join: Join,
    /// Whether the join's value is decided whatever the other parts are.
    decided: bool,
    texts: Vec<(C, bool, Vec<TextSet>)>,
    times: Vec<(C, TimeRange)>,
    rest: Vec<Condition<C>>,
}

impl<C: Copy + Eq> Merger<C> {
    fn new(join: Join) -> Self {
        Self {
            join,
            decided: false,
            texts: Vec::new(),
            times: Vec::new(),
            rest: Vec::new(),
        }
    }

    fn add(&mut self, part: Condition<C>) {
        let test = match part {
            Condition::Constant(holds) => {
                self.decided |= holds == (self.join == Join::Any);
                return;
            }
            Condition::Test(test) => test,
            other => return self.rest.push(other),
        };
        let (column, negated) = (test.column, test.negated);
        match test.test {
            Test::Texts(set) => {
                let known = self
                    .texts
                    .iter_mut()
                    .find(|(c, n, _)| *c == column && *n == negated);
                match known {
                    Some((_, _, sets)) => sets.push(set),
                    None => self.texts.push((column, negated, vec![set])),
                }
            }
            Test::Time(range) if !negated && self.join == Join::All => {
                match self.times.iter_mut().find(|(c, _)| *c == column) {
                    Some((_, known)) => *known = known.intersection(range),
                    None => self.times.push((column, range)),
                }
            }
            _ => self.rest.push(Condition::Test(test)),
        }
    }

    fn finish(mut self) -> Condition<C> {
        let neutral = self.join == Join::All;
        for (column, negated, sets) in std::mem::take(&mut self.texts) {
            // Not a, and not b: none of both.
            let set = match (self.join == Join::Any) != negated {
                true => TextSet::union(sets),
                false => TextSet::intersection(sets),
            };
            let test = Test::Texts(set);
            self.add_merged(column, test, negated);
        }
        for (column, range) in std::mem::take(&mut self.times) {
            self.add_merged(column, Test::Time(range), false);
        }
        if self.decided {
            return Condition::Constant(!neutral);
        }
        let mut parts = self.rest;
        parts.sort_by_key(Condition::cost);
        match (parts.len(), self.join) {
            (0, _) => Condition::Constant(neutral),
            (1, _) => parts.remove(0),
            (_, Join::All) => Condition::All(parts.into()),
            (_, Join::Any) => Condition::Any(parts.into()),
        }
    }

    fn add_merged(&mut self, column: C, test: Test, negated: bool) {
        match test.is_impossible() {
            true => self.add(Condition::Constant(negated)),
            false => self.rest.push(Condition::Test(ColumnTest {
                column,
                test,
                negated,
            })),
        }
    }
}

impl Test {
    /// Whether no value passes.
    pub(super) fn is_impossible(&self) -> bool {
        match self {
            Self::Time(range) => range.is_empty(),
            Self::Texts(texts) => texts.is_empty(),
            _ => false,
        }
    }
}

//! Filters of sessions, and how far they reach.
//!
//! The product's reference: sessions are filtered by ids or by a range of start times of at
//! most 30 days; open ones may be asked for whatever their age. What asks for neither gets
//! the last 30 days.

use std::time::Duration;

use super::fault::{Fault, FaultKind};
use crate::domain::Timestamp;
use crate::query::{
    Comparison, Compiled, Expr, Limits, Located, Operator, Predicate, Query, Text, TimeRange, Value,
};
use crate::sessions::search::{Column, SESSION_FIELDS};

/// What a text asks of sessions, as it is written.
#[derive(Clone, Debug)]
pub(super) struct Asked<'t> {
    text: &'t str,
    query: Query,
}

impl<'t> Asked<'t> {
    /// Reads `text`; no text asks for nothing in particular.
    pub(super) fn parse(text: Option<&'t str>) -> Result<Self, Fault> {
        let text = text.unwrap_or_default();
        let limits = Limits::FILTER.with_id_lists("id");
        match Query::parse(text, &limits) {
            Ok(query) => Ok(Self { text, query }),
            Err(error) => Err(Fault::query(&error, text)),
        }
    }

    /// It as a filter for a list at `now`: over ids, over open sessions, or over a range of
    /// start times that is not too long.
    pub(super) fn for_list(self, now: Timestamp) -> Result<Compiled<Column>, Fault> {
        let compiled = self.compile(&self.query)?;
        if compiled.ids().is_some() || compiled.requires_null(Column::End) {
            return Ok(compiled);
        }
        match compiled.time_range(Column::Start) {
            Some(range) if is_short(range, now) => Ok(compiled),
            Some(_) => {
                let why = "sessions are filtered by id, by end_time=null, or by a range of \
                           start_time of at most 30 days";
                Err(Fault::new(FaultKind::IllegalQuery, why))
            }
            None => {
                let since = now.unix_millis() - millis(LONGEST);
                let since = Timestamp::from_unix_millis(since).to_string();
                let lately = compare("start_time", Operator::GreaterOrEqual, text(since));
                self.compile(&self.and(lately))
            }
        }
    }

    /// It as a filter of open sessions.
    pub(super) fn for_open(&self) -> Result<Compiled<Column>, Fault> {
        self.compile(&self.and(compare("end_time", Operator::Equal, Value::Null)))
    }

    /// The ids, if it is nothing but a list of ids.
    pub(super) fn ids(&self) -> Option<Vec<&str>> {
        self.query.union_of_ids(&SESSION_FIELDS)
    }

    /// Whether it asks for nothing in particular.
    pub(super) fn is_empty(&self) -> bool {
        self.query.is_empty()
    }

    fn compile(&self, query: &Query) -> Result<Compiled<Column>, Fault> {
        let compiled = query.compile(&SESSION_FIELDS);
        compiled.map_err(|error| Fault::query(&error, self.text))
    }

    fn and(&self, more: Expr) -> Query {
        Query::new(Some(match self.query.expr() {
            Some(expr) => Expr::And(vec![expr.clone(), more]),
            None => more,
        }))
    }
}

/// Whether a range of start times is 30 days long at most. Without an upper limit it reaches
/// to now, as nothing has started later.
fn is_short(range: TimeRange, now: Timestamp) -> bool {
    let to_now = range.intersection(TimeRange::before(now.unix_millis() + 1));
    let length = match range.last() {
        Some(_) => range.length(),
        None => to_now.length(),
    };
    length.is_some_and(|length| length <= LONGEST.as_millis().try_into().unwrap_or(u64::MAX))
}

fn compare(field: &str, operator: Operator, value: Value) -> Expr {
    Expr::Compare(Comparison {
        field: Located::new(field.to_owned(), 0),
        predicate: Predicate::Is(operator, Located::new(value, 0)),
    })
}

fn text(text: String) -> Value {
    Value::Text(Text::exact(text))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The longest range of start times.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Compiled<Column>, Fault> {
        // 2026-03-31T00:00:00Z
        let now = Timestamp::from_unix_millis(1_774_915_200_000);
        Asked::parse(Some(text)).unwrap().for_list(now)
    }

    #[test]
    fn a_list_is_of_ids_of_open_sessions_or_of_thirty_days() {
        for good in [
            "id='a'",
            "\"(id='a'||id IN 'b','c')\"",
            "(end_time=null)",
            "end_time={null};user={id=5}",
            "start_time BTW '2020-01-01T00:00Z'...'2020-01-31T00:00Z'",
            "start_time>='2026-03-01T00:00Z'",
            "creation_time GE ^2026-03-01T00:00:00.000Z^;creation_time LT ^2026-03-31T00:00Z^",
            "!(start_time<'2026-03-02T00:00Z')",
        ] {
            assert!(list(good).is_ok(), "{good}");
        }
        for long in [
            "start_time BTW '2020-01-01T00:00Z'...'2020-01-31T00:01Z'",
            "start_time>='2026-02-28T00:00Z'",
            "start_time<'2026-03-31T00:00Z'",
            "start_time='2020-01-01T00:00Z'||start_time='2020-06-01T00:00Z'",
        ] {
            let fault = list(long).unwrap_err();
            assert_eq!(fault.code(), "platform.illegal_query", "{long}");
        }
    }

    #[test]
    fn what_asks_for_neither_gets_the_last_thirty_days() {
        // 2026-03-01T00:00:00Z
        let since = Some(1_772_323_200_000);
        for open in ["", "\"\"", "access_type='API'", "!end_time=null"] {
            let range = list(open).unwrap().time_range(Column::Start);
            assert_eq!(range.and_then(|range| range.first()), since, "{open}");
        }
    }
}

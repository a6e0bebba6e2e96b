//! Which sessions a call is about: those in a state, of a user, and what a filter lets through.

use serde::Deserialize;

use crate::admin::problem::{Problem, ProblemKind};
use crate::domain::{SpaceId, UserKey};
use crate::query::{
    Comparison, Compiled, Expr, Limits, Located, Operator, OrderBy, Predicate, Query, QueryError,
    Text, Value,
};
use crate::sessions::search::{Column, SESSION_FIELDS};
use crate::store::StateFilter;

/// The sessions that a list shows or an end ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Which<'a> {
    pub(super) state: StateParam,
    pub(super) user: Option<UserName<'a>>,
    /// In the filter language.
    pub(super) filter: Option<&'a str>,
}

/// A user as a call names them.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserName<'a> {
    pub(super) directory: &'a str,
    pub(super) id: &'a str,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StateParam {
    #[default]
    Open,
    Ended,
    All,
}

impl Which<'_> {
    /// The condition that all of it makes; `None` when there is none.
    pub(super) fn compile(&self) -> Result<Option<Compiled<Column>>, Problem> {
        let mut all = Vec::new();
        if let Some(text) = self.filter {
            // Alone first, so that errors are about what was written.
            let filter = read(text)?;
            all.extend(filter.expr().cloned());
        }
        match self.state {
            StateParam::Open => all.push(ended_never()),
            StateParam::Ended => all.push(Expr::Not(Box::new(ended_never()))),
            StateParam::All => {}
        }
        if let Some(user) = self.user {
            let is = |field, text| compare(field, Value::Text(Text::exact(text)));
            let both = vec![is("directory", user.directory), is("name", user.id)];
            let condition = Value::Reference(Box::new(Expr::And(both)));
            all.push(compare("user", condition));
        }
        let Some(last) = all.pop() else {
            return Ok(None);
        };
        let whole = if all.is_empty() {
            last
        } else {
            all.push(last);
            Expr::And(all)
        };
        let compiled = Query::new(Some(whole)).compile(&SESSION_FIELDS);
        compiled
            .map(Some)
            .map_err(|error| in_query("filter", &error, self.filter.unwrap_or_default()))
    }
}

impl<'a> UserName<'a> {
    /// The user that `text`, of the form `directory\id`, names.
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        let why = r"user: directory\id is expected";
        let parts = text.split_once('\\');
        let (directory, id) =
            parts.ok_or_else(|| Problem::new(ProblemKind::InvalidQuery).detail(why))?;
        Ok(Self { directory, id })
    }

    pub(super) fn key(self, space: &SpaceId) -> UserKey {
        UserKey::new(space, self.directory, self.id)
    }
}

impl StateParam {
    pub(super) const fn as_filter(self) -> StateFilter {
        match self {
            Self::Open => StateFilter::Open,
            Self::Ended => StateFilter::Ended,
            Self::All => StateFilter::All,
        }
    }
}

/// The order that `text` asks for.
pub(super) fn order(text: &str) -> Result<OrderBy<Column>, Problem> {
    OrderBy::parse(text, &SESSION_FIELDS).map_err(|error| in_query("order_by", &error, text))
}

/// The column that `text` asks to group by.
pub(super) fn group_by(text: &str) -> Result<Column, Problem> {
    match SESSION_FIELDS.group_by(text) {
        Ok(asked) => Ok(asked.field().column()),
        Err(error) => Err(in_query("group_by", &error, text)),
    }
}

/// Reads a filter and holds it against the fields that there are.
fn read(text: &str) -> Result<Query, Problem> {
    let limits = Limits::FILTER.with_id_lists("id");
    let wrong = |error: QueryError| in_query("filter", &error, text);
    let query = Query::parse(text, &limits).map_err(wrong)?;
    query.compile(&SESSION_FIELDS).map_err(wrong)?;
    Ok(query)
}

/// That `parameter`, which is `text`, is wrong, and where.
fn in_query(parameter: &'static str, error: &QueryError, text: &str) -> Problem {
    Problem::new(ProblemKind::InvalidQuery)
        .detail(format!("{parameter}: {}", error.describe(text)))
        .place(error.offset(), error.unknown_field())
}

/// The condition that a session is open.
fn ended_never() -> Expr {
    compare("end_time", Value::Null)
}

fn compare(field: &str, value: Value) -> Expr {
    Expr::Compare(Comparison {
        field: Located::new(field.to_owned(), 0),
        predicate: Predicate::Is(Operator::Equal, Located::new(value, 0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which<'a>(state: StateParam, filter: Option<&'a str>) -> Which<'a> {
        Which {
            state,
            user: None,
            filter,
        }
    }

    #[test]
    fn open_ones_are_looked_for_among_the_open_only() {
        let open = which(StateParam::Open, Some("id='x'||client_type=^UI^"));
        let compiled = open.compile().unwrap().unwrap();
        assert!(compiled.requires_null(Column::End));
        let all = which(StateParam::All, None).compile().unwrap();
        assert!(all.is_none());
        let ended = which(StateParam::Ended, None).compile().unwrap().unwrap();
        assert!(!ended.requires_null(Column::End));
    }

    #[test]
    fn a_wildcard_in_a_users_name_is_a_character() {
        let user = UserName::read(r"LAB\a*").unwrap();
        let named = Which {
            user: Some(user),
            ..Which::default()
        };
        let compiled = named.compile().unwrap().unwrap();
        let texts = compiled.texts(Column::UserId).unwrap();
        assert_eq!(texts, ["a*"]);
    }
}

//! The language in which lists are filtered, sorted, grouped and cut to fields.
//!
//! It is the query language of the Octane REST API. A query is read ([`Query::parse`]), held
//! against the fields that there are ([`Query::compile`] with a [`Schema`]) and asked of
//! [`Record`]s, of which this room knows nothing else. Before a scan, [`Compiled`] says which
//! records are worth looking at.
//!
//! # The language
//!
//! - A comparison is a field, an operator and a value: `=`, `<`, `>`, `<=`, `>=` or `EQ`, `LT`,
//!   `GT`, `LE`, `GE`; `IN 'a','b'` is equality with any of them; `BTW 'a'...'b'` is the range
//!   with both ends. Fields are case-sensitive, words for operators are not.
//! - `!` negates the comparison or group behind it, `;` is "and", `||` is "or", in this order
//!   of precedence; parentheses group. There is no not-equal.
//! - Values are texts (`'a'` or `^a^`, with `\` before `\ ' " ^ ( ) *` as an escape), numbers,
//!   `true`, `false`, `null`, and for references a condition in braces, as in `user={id=5}`;
//!   a plain value stands for the reference's id.
//! - Texts are compared regardless of case. A `*` in a text that is tested for equality stands
//!   for any characters.
//! - Null equals null (`=null`, `={null}`, for times also `'null'`). Every other comparison
//!   with null is false and its negation true; so is a condition on a reference to nothing.
//! - Times are ISO 8601 in UTC, as in `'2026-01-31T08:00:00Z'`.
//!
//! # Example
//!
//! ```
//! use gatepass::query::{Field, FieldValue, Kind, Limits, Query, Record, Schema};
//!
//! #[derive(Clone, Copy, Debug, PartialEq, Eq)]
//! enum Column { Id, Client }
//!
//! static FIELDS: [Field<Column>; 2] = [
//!     Field::new("id", Kind::Id, Column::Id).filterable(),
//!     Field::new("client_type", Kind::Enum, Column::Client).filterable(),
//! ];
//! static SCHEMA: Schema<Column> = Schema::new(&FIELDS);
//!
//! struct Session { id: String }
//!
//! impl Record for Session {
//!     type Column = Column;
//!     fn value(&self, column: Column) -> FieldValue<'_> {
//!         match column {
//!             Column::Id => FieldValue::Text(&self.id),
//!             Column::Client => FieldValue::Text("UI"),
//!         }
//!     }
//! }
//!
//! let query = Query::parse("\"id IN 'a','b';!client_type=^ci^\"", &Limits::FILTER)?;
//! let compiled = query.compile(&SCHEMA)?;
//! assert_eq!(compiled.ids(), Some(vec!["a", "b"]));
//! assert!(compiled.matches(&Session { id: "a".to_owned() }));
//!
//! let text = "ip='10.*'";
//! let wrong = Query::parse(text, &Limits::FILTER)?.compile(&SCHEMA).unwrap_err();
//! assert_eq!(wrong.describe(text), "there is no field ip, at offset 0\nip='10.*'\n^");
//! # Ok::<(), gatepass::query::QueryError>(())
//! ```

mod ast;
mod caseless;
mod compile;
mod condition;
mod date;
mod error;
mod glob;
mod lexer;
mod limits;
mod order;
mod parser;
mod plan;
mod print;
mod record;
mod schema;
mod selection;
mod steps;
#[cfg(test)]
mod tests;
mod text_set;
mod time_range;

pub use ast::{Comparison, Expr, Located, Number, Operator, Predicate, Query, Text, Value};
pub use error::{QueryError, QueryErrorKind};
pub use limits::Limits;
pub use order::{Direction, OrderBy, SortKey};
pub use plan::Compiled;
pub use record::{FieldValue, Record, ShortText};
pub use schema::{Asked, Field, Kind, Schema};
pub use selection::{Selected, Selection};
pub use time_range::TimeRange;

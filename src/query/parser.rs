//! From text to a [`Query`], by recursive descent.
//!
//! ```text
//! query = ["\""], [or], {"\""}
//! or    = and, {"||", and}
//! and   = unary, {";", unary}
//! unary = "!", unary | "(", or, ")" | cmp
//! cmp   = field, (operator, value | "IN", value, {",", value} | "BTW", value, "...", value)
//! value = text | number | "null" | "true" | "false" | "{", ("null" | or), "}"
//! ```
//!
//! Recursion goes no deeper than the limit of nesting, which counts every `(`, `!` and `{`.

use super::ast::{Comparison, Expr, Located, Operator, Predicate, Query, Value};
use super::error::{QueryError, QueryErrorKind};
use super::lexer::{Lexer, Verb};
use super::limits::Limits;

impl Query {
    /// Reads the query that `text` is, after URL decoding. Quotes around it are optional, and
    /// several closing ones are tolerated.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when the text is not in the language or beyond `limits`. Whether fields
    /// exist and values fit them is seen by [`compile`](Self::compile).
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, QueryError> {
        let limit = limits.longest_text();
        if text.len() > limit {
            return Err(QueryError::new(limit, QueryErrorKind::TooLong { limit }));
        }
        Parser::new(text, limits).query()
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    limits: &'t Limits,
    is_long: bool,
    nesting: usize,
    negated: bool,
    in_reference: bool,
    comparisons: usize,
    /// Where the first comparison stands that does not belong into a list of ids.
    not_an_id: Option<usize>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, limits: &'t Limits) -> Self {
        Self {
            lexer: Lexer::new(text),
            limits,
            is_long: text.len() > limits.text,
            nesting: 0,
            negated: false,
            in_reference: false,
            comparisons: 0,
            not_an_id: None,
        }
    }

    fn query(mut self) -> Result<Query, QueryError> {
        self.lexer.eat("\"");
        let expr = match self.lexer.is_at_end() || self.lexer.sees("\"") {
            true => None,
            false => Some(self.or()?),
        };
        while self.lexer.eat("\"") {}
        if !self.lexer.is_at_end() {
            return Err(self.not_joined("; or || or the end"));
        }
        Ok(Query::new(expr))
    }

    fn or(&mut self) -> Result<Expr, QueryError> {
        self.joined("||", Self::and, Expr::Or)
    }

    fn and(&mut self) -> Result<Expr, QueryError> {
        self.joined(";", Self::unary, Expr::And)
    }

    fn joined(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Result<Expr, QueryError>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, QueryError> {
        let first = part(self)?;
        if !self.lexer.sees(sign) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.lexer.eat(sign) {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn unary(&mut self) -> Result<Expr, QueryError> {
        let offset = self.lexer.offset();
        if self.lexer.eat("!") {
            self.negated = !self.negated;
            let inner = self.nested(offset, Self::unary)?;
            self.negated = !self.negated;
            return Ok(Expr::Not(Box::new(inner)));
        }
        if self.lexer.eat("(") {
            let inner = self.nested(offset, Self::or)?;
            self.close(")", "; or || or )")?;
            return Ok(inner);
        }
        self.comparison().map(Expr::Compare)
    }

    fn comparison(&mut self) -> Result<Comparison, QueryError> {
        let offset = self.lexer.offset();
        let Some(field) = self.lexer.field() else {
            return Err(self.lexer.expected("a field, ( or !"));
        };
        let field = Located::new(field.to_owned(), offset);
        let verb = self.lexer.verb()?;
        // Before the values are read: they may hold comparisons themselves.
        self.comparisons += 1;
        let predicate = match verb {
            Verb::Is(operator) => Predicate::Is(operator, self.value()?),
            Verb::In => {
                let mut values = vec![self.value()?];
                while self.lexer.eat(",") {
                    values.push(self.value()?);
                }
                Predicate::In(values)
            }
            Verb::Between => {
                let low = self.value()?;
                self.lexer
                    .expect("...", "... and the other end of the range")?;
                Predicate::Between(low, self.value()?)
            }
        };
        let comparison = Comparison { field, predicate };
        self.check_count(&comparison)?;
        Ok(comparison)
    }

    fn value(&mut self) -> Result<Located<Value>, QueryError> {
        let offset = self.lexer.offset();
        let value = if let Some(text) = self.lexer.text()? {
            Value::Text(text)
        } else if let Some(number) = self.lexer.number() {
            Value::Number(number)
        } else if let Some(word) = self.lexer.value_word() {
            match word {
                "null" => Value::Null,
                word => Value::Bool(word == "true"),
            }
        } else if self.lexer.eat("{") {
            self.nested(offset, Self::reference)?
        } else {
            let word = self.lexer.shown_word();
            if word.is_empty() {
                return Err(self.lexer.expected("a value"));
            }
            let word = word.to_owned();
            return Err(QueryError::new(offset, QueryErrorKind::BareWord { word }));
        };
        Ok(Located::new(value, offset))
    }

    /// What stands in braces, and the closing one.
    fn reference(&mut self) -> Result<Value, QueryError> {
        // A field may be named null, too.
        let mut ahead = self.lexer.clone();
        if ahead.field() == Some("null") && ahead.eat("}") {
            self.lexer = ahead;
            return Ok(Value::Null);
        }
        let outer = std::mem::replace(&mut self.in_reference, true);
        let expr = self.or()?;
        self.in_reference = outer;
        self.close("}", "; or || or }")?;
        Ok(Value::Reference(Box::new(expr)))
    }

    /// Runs `read` one level further in, for what opened at `offset`.
    fn nested<T>(
        &mut self,
        offset: usize,
        read: fn(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let limit = self.limits.nesting;
        if self.nesting == limit {
            return Err(QueryError::new(offset, QueryErrorKind::TooDeep { limit }));
        }
        self.nesting += 1;
        let inner = read(self)?;
        self.nesting -= 1;
        Ok(inner)
    }

    fn close(&mut self, sign: &str, expected: &'static str) -> Result<(), QueryError> {
        match self.lexer.eat(sign) {
            true => Ok(()),
            false => Err(self.not_joined(expected)),
        }
    }

    /// That something stands behind a comparison that does not join it to another.
    fn not_joined(&mut self, expected: &'static str) -> QueryError {
        let word = self.lexer.shown_word();
        let joins = ["AND", "OR"]
            .iter()
            .any(|join| join.eq_ignore_ascii_case(word));
        match joins {
            true => QueryError::new(
                self.lexer.offset(),
                QueryErrorKind::JoiningWord {
                    word: word.to_owned(),
                },
            ),
            false => self.lexer.expected(expected),
        }
    }

    fn check_count(&mut self, comparison: &Comparison) -> Result<(), QueryError> {
        let offset = comparison.field.offset();
        if !self.is_listed_id(comparison) {
            self.not_an_id.get_or_insert(offset);
        }
        let limit = self.limits.comparisons;
        let too_many = self.comparisons > limit;
        let Some(not_an_id) = self.not_an_id.filter(|_| too_many || self.is_long) else {
            return Ok(());
        };
        Err(match self.limits.id_lists {
            None => QueryError::new(offset, QueryErrorKind::TooManyComparisons { limit }),
            Some(_) => QueryError::new(
                not_an_id,
                QueryErrorKind::NotAnIdList {
                    limit: self.limits.text,
                    comparisons: limit,
                },
            ),
        })
    }

    /// Whether `comparison` just read names ids to be listed.
    fn is_listed_id(&self, comparison: &Comparison) -> bool {
        let Some(lists) = self.limits.id_lists else {
            return false;
        };
        let is_id = |value: &Located<Value>| match value.get() {
            Value::Text(text) => text.without_wildcards().is_some(),
            value => matches!(value, Value::Number(_)),
        };
        let named = match &comparison.predicate {
            Predicate::Is(Operator::Equal, value) => is_id(value),
            Predicate::In(values) => values.iter().all(is_id),
            _ => false,
        };
        named && !self.negated && !self.in_reference && comparison.field.get() == lists.field
    }
}

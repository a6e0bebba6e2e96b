//! Queries as text: what is printed reads back as the same query.
//!
//! Printed are symbols and no space that is not needed, so that a query grows by at most a
//! space for each `IN` and each `BTW`.

use std::fmt::{self, Display, Formatter, Write as _};

use super::ast::{Comparison, Expr, Located, Number, Operator, Predicate, Query, Text, Value};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(f, "||", parts, |part| matches!(part, Self::Or(_))),
            Self::And(parts) => joined(f, ";", parts, Self::is_joined),
            Self::Not(inner) => {
                f.write_char('!')?;
                grouped(f, inner, inner.is_joined())
            }
            Self::Compare(comparison) => comparison.fmt(f),
        }
    }
}

impl Expr {
    fn is_joined(&self) -> bool {
        matches!(self, Self::Or(_) | Self::And(_))
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.get())?;
        match &self.predicate {
            Predicate::Is(operator, value) => write!(f, "{operator}{}", value.get()),
            Predicate::In(values) => {
                f.write_str(" IN ")?;
                separated(f, ",", values.iter().map(Located::get))
            }
            Predicate::Between(low, high) => write!(f, " BTW {}...{}", low.get(), high.get()),
        }
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Null => f.write_str("null"),
            Self::Reference(expr) => write!(f, "{{{expr}}}"),
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Display for Text {
    /// In the quotes of which it holds fewer, and with no more escapes than needed: a
    /// backslash is an escape only before one of the `ESCAPABLE`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = |quote| {
            self.pieces()
                .iter()
                .flat_map(|piece| piece.matches(quote))
                .count()
        };
        let quote = if count('\'') > count('^') { '^' } else { '\'' };
        f.write_char(quote)?;
        for (index, piece) in self.pieces().iter().enumerate() {
            if index > 0 {
                f.write_char('*')?;
            }
            let mut chars = piece.chars().peekable();
            while let Some(c) = chars.next() {
                let escape = match c {
                    // The end of a piece is followed by `*` or the quote.
                    '\\' => chars.peek().is_none_or(|next| ESCAPABLE.contains(*next)),
                    '*' => true,
                    c => c == quote,
                };
                if escape {
                    f.write_char('\\')?;
                }
                f.write_char(c)?;
            }
        }
        f.write_char(quote)
    }
}

fn joined(
    f: &mut Formatter<'_>,
    sign: &str,
    parts: &[Expr],
    needs_group: impl Fn(&Expr) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(sign)?;
        }
        grouped(f, part, needs_group(part))?;
    }
    Ok(())
}

fn grouped(f: &mut Formatter<'_>, expr: &Expr, group: bool) -> fmt::Result {
    match group {
        true => write!(f, "({expr})"),
        false => expr.fmt(f),
    }
}

fn separated<T: Display>(
    f: &mut Formatter<'_>,
    sign: &str,
    parts: impl Iterator<Item = T>,
) -> fmt::Result {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            f.write_str(sign)?;
        }
        part.fmt(f)?;
    }
    Ok(())
}

/// What a backslash takes its meaning from; before anything else it is itself.
pub(super) const ESCAPABLE: &str = "\\'\"^()*";

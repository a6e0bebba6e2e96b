//! A query as it was understood.

use std::borrow::Cow;

/// A query: a condition that records fulfil or do not, or no condition at all.
///
/// Printing it gives text that reads back as an equal query; see [`Query::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    expr: Option<Expr>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// At least one of two or more holds: `a||b`.
    Or(Vec<Expr>),
    /// All of two or more hold: `a;b`.
    And(Vec<Expr>),
    /// It does not hold: `!a`.
    Not(Box<Expr>),
    /// A field compares as said.
    Compare(Comparison),
}

/// A field and what its value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The field's name as written.
    pub field: Located<String>,
    /// The comparison.
    pub predicate: Predicate,
}

/// How a field is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// With one value.
    Is(Operator, Located<Value>),
    /// Equal to one of at least one: `IN 'a','b'`.
    In(Vec<Located<Value>>),
    /// Between two, both included: `BTW 1...4`.
    Between(Located<Value>, Located<Value>),
}

/// A comparison with one value. There is no not-equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`, `EQ`
    Equal,
    /// `<`, `LT`
    Less,
    /// `>`, `GT`
    Greater,
    /// `<=`, `LE`
    LessOrEqual,
    /// `>=`, `GE`
    GreaterOrEqual,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `'text'` or `^text^`.
    Text(Text),
    /// `5`, `-0.25`.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    /// `null` or `{null}`.
    Null,
    /// `{id=5}`: a condition on the record that is referred to.
    Reference(Box<Expr>),
}

/// A text in which an unescaped `*` may stand for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What stands between the wildcards: one piece more than there are wildcards.
    pieces: Vec<String>,
}

/// A number as it was written: `-`, digits, `.` and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

/// Something and where it was written. Two are equal if what they hold is.
#[derive(Clone, Debug)]
pub struct Located<T> {
    inner: T,
    offset: usize,
}

impl Query {
    /// The query that demands `expr`, or nothing.
    #[must_use]
    pub fn new(expr: Option<Expr>) -> Self {
        Self { expr }
    }

    /// The condition; `None` when there is none, as in the empty query.
    #[must_use]
    pub fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }

    /// Whether there is no condition, so that every record matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expr.is_none()
    }
}

impl Text {
    /// The text `text`, in which `*` is an ordinary character.
    pub fn exact(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![text.into()],
        }
    }

    /// The pattern of `pieces` with a wildcard between each two.
    ///
    /// No pieces are the empty text.
    #[must_use]
    pub fn pattern(pieces: Vec<String>) -> Self {
        match pieces.is_empty() {
            true => Self::exact(""),
            false => Self { pieces },
        }
    }

    /// What stands between the wildcards; one piece when there are none.
    #[must_use]
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The text, if there is no wildcard in it.
    #[must_use]
    pub fn without_wildcards(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// The text where `*` means itself, as in comparisons by order.
    #[must_use]
    pub fn literal(&self) -> Cow<'_, str> {
        match self.pieces.as_slice() {
            [text] => Cow::Borrowed(text),
            pieces => Cow::Owned(pieces.join("*")),
        }
    }
}

impl Number {
    /// The number that `text` is, if it is one: an optional `-`, digits, and maybe a `.` with
    /// digits behind it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (number_len(text) == text.len() && !text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The number as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, as near as a double comes to it.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.parse().expect("digits are a number")
    }
}

impl<T> Located<T> {
    /// `inner`, written `offset` bytes into the text.
    pub fn new(inner: T, offset: usize) -> Self {
        Self { inner, offset }
    }

    /// What it is.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.inner
    }

    /// Where it was written, in bytes from the beginning of the text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for Located<T> {}

/// How many bytes at the beginning of `text` are a number; 0 when it begins with none. The
/// `.` belongs to it only when a digit follows, so that `1...4` is a range.
pub(super) fn number_len(text: &str) -> usize {
    let digits_from = |from: usize| {
        let rest = text.as_bytes().get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let sign = usize::from(text.starts_with('-'));
    let whole = digits_from(sign);
    if whole == 0 {
        return 0;
    }
    let end = sign + whole;
    let fraction = match text.as_bytes().get(end) {
        Some(b'.') => digits_from(end + 1),
        _ => 0,
    };
    if fraction == 0 {
        end
    } else {
        end + 1 + fraction
    }
}

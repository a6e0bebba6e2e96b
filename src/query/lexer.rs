//! The words and signs of the language.
//!
//! Which token a character begins depends on what may stand there (`null` is a value or a
//! field, `a...b` a name or a range), so the parser asks for what it needs instead of taking
//! tokens as they come. Every question looks at each character at most once.

use super::ast::{Number, Operator, Text, number_len};
use super::error::{QueryError, QueryErrorKind};
use super::print::ESCAPABLE;
use super::steps;

/// A place in a text, and what can be read from there.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// What stands between a field and its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Is(Operator),
    In,
    Between,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token begins.
    pub(super) fn offset(&mut self) -> usize {
        let space = self.rest().bytes().take_while(u8::is_ascii_whitespace);
        let space = space.count();
        self.advance(space);
        self.at
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.offset() == self.text.len()
    }

    /// Whether the next token begins with `sign`.
    pub(super) fn sees(&mut self, sign: &str) -> bool {
        self.offset();
        self.rest().starts_with(sign)
    }

    /// Reads `sign` if it stands here.
    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let seen = self.sees(sign);
        if seen {
            self.advance(sign.len());
        }
        seen
    }

    /// Reads `sign`, which has to stand here; `expected` names all that may.
    pub(super) fn expect(&mut self, sign: &str, expected: &'static str) -> Result<(), QueryError> {
        match self.eat(sign) {
            true => Ok(()),
            false => Err(self.expected(expected)),
        }
    }

    /// Reads a field's name: a letter, then letters, digits, `_` and `.`.
    pub(super) fn field(&mut self) -> Option<&'t str> {
        self.offset();
        let word = self.word();
        self.advance(word.len());
        (!word.is_empty()).then_some(word)
    }

    /// Reads what stands between a field and its values.
    pub(super) fn verb(&mut self) -> Result<Verb, QueryError> {
        let offset = self.offset();
        for (sign, operator) in SIGNS {
            if self.eat(sign) {
                return match operator == Operator::Less && self.sees(">") {
                    true => Err(QueryError::new(offset, QueryErrorKind::NotEqual)),
                    false => Ok(Verb::Is(operator)),
                };
            }
        }
        let word = self.word();
        let found = VERBS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word));
        if let Some((_, verb)) = found {
            self.advance(word.len());
            return Ok(*verb);
        }
        if self.sees("!=") || word.eq_ignore_ascii_case("NE") {
            return Err(QueryError::new(offset, QueryErrorKind::NotEqual));
        }
        Err(self.expected("one of = < > <= >= EQ LT GT LE GE IN BTW"))
    }

    /// Reads the word `null`, `true` or `false`; any other word is no value.
    pub(super) fn value_word(&mut self) -> Option<&'t str> {
        self.offset();
        let word = self.word();
        // The points of a range are not part of the word.
        let word = word.find("...").map_or(word, |end| &word[..end]);
        let found = matches!(word, "null" | "true" | "false");
        if found {
            self.advance(word.len());
        }
        found.then_some(word)
    }

    /// Reads a number.
    pub(super) fn number(&mut self) -> Option<Number> {
        self.offset();
        let len = number_len(self.rest());
        let number = Number::new(&self.rest()[..len]);
        self.advance(len);
        number
    }

    /// Reads a text in either kind of quotes.
    pub(super) fn text(&mut self) -> Result<Option<Text>, QueryError> {
        let start = self.offset();
        let Some(quote) = ['\'', '^']
            .into_iter()
            .find(|q| self.rest().starts_with(*q))
        else {
            return Ok(None);
        };
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' => match chars.next_if(|(_, next)| ESCAPABLE.contains(*next)) {
                    Some((_, escaped)) => piece.push(escaped),
                    None => piece.push(c),
                },
                '*' => pieces.push(std::mem::take(&mut piece)),
                c if c == quote => {
                    pieces.push(piece);
                    self.advance(index + 1);
                    return Ok(Some(Text::pattern(pieces)));
                }
                c => piece.push(c),
            }
        }
        Err(QueryError::new(
            start,
            QueryErrorKind::Unterminated { quote },
        ))
    }

    /// That something else than `expected` stands here.
    pub(super) fn expected(&mut self, expected: &'static str) -> QueryError {
        let offset = self.offset();
        let found = match (self.shown_word(), self.rest().chars().next()) {
            (word, _) if !word.is_empty() => format!("`{word}`"),
            (_, Some(c)) => format!("`{}`", c.escape_debug()),
            (_, None) => "the end".to_owned(),
        };
        QueryError::new(offset, QueryErrorKind::Expected { expected, found })
    }

    /// The word that stands here, cut to a length for messages; empty when there is none.
    pub(super) fn shown_word(&mut self) -> &'t str {
        self.offset();
        let word = self.word();
        &word[..word.len().min(SHOWN)]
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn advance(&mut self, bytes: usize) {
        steps::count(bytes + 1);
        self.at += bytes;
    }

    fn word(&self) -> &'t str {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return "";
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        &rest[..end.unwrap_or(rest.len())]
    }
}

/// The signs for operators; of two that begin alike the longer comes first.
const SIGNS: [(&str, Operator); 5] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// The words for operators, in any case.
const VERBS: [(&str, Verb); 7] = [
    ("EQ", Verb::Is(Operator::Equal)),
    ("LT", Verb::Is(Operator::Less)),
    ("GT", Verb::Is(Operator::Greater)),
    ("LE", Verb::Is(Operator::LessOrEqual)),
    ("GE", Verb::Is(Operator::GreaterOrEqual)),
    ("IN", Verb::In),
    ("BTW", Verb::Between),
];

/// How much of a word a message repeats, in bytes.
const SHOWN: usize = 40;

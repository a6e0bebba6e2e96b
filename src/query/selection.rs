//! Which fields an answer shows.

use super::error::{QueryError, QueryErrorKind};
use super::lexer::Lexer;
use super::order::{check_len, field};
use super::schema::{Asked, Field, Schema};

/// The fields that were asked for, each once, in the order in which they were first named.
///
/// A field that was asked for under two names is there under both.
#[derive(Clone, Debug)]
pub struct Selection<C: 'static> {
    fields: Vec<Selected<C>>,
}

/// A field that was asked for, and what of the record it refers to.
#[derive(Clone, Debug)]
pub struct Selected<C: 'static> {
    asked: Asked<C>,
    of_reference: Option<Selection<C>>,
}

impl<C> Selection<C> {
    /// Reads a list of fields as in `id,user{id,name}`. The empty text selects nothing.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when the text is something else, a field does not exist, or one with
    /// braces is no reference.
    pub fn parse(text: &str, schema: &Schema<C>) -> Result<Self, QueryError> {
        Self::read(text, schema, Braces::Fields)
    }

    /// Reads a list of references as in `user{fields=id,name}`, the older way to say
    /// `fields=user{id,name}`. The empty text selects nothing.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when the text is something else, or a field does not exist or is no
    /// reference.
    pub fn parse_expand(text: &str, schema: &Schema<C>) -> Result<Self, QueryError> {
        Self::read(text, schema, Braces::Expand)
    }

    fn read(text: &str, schema: &Schema<C>, braces: Braces) -> Result<Self, QueryError> {
        check_len(text)?;
        let mut lexer = Lexer::new(text);
        let mut selection = Self { fields: Vec::new() };
        if !lexer.is_at_end() {
            selection.read_list(&mut lexer, schema.fields(), braces)?;
        }
        match lexer.is_at_end() {
            true => Ok(selection),
            false => Err(lexer.expected(", or the end")),
        }
    }

    /// Reads fields up to what is neither a field nor a comma. Goes no deeper than the schema
    /// does.
    fn read_list(
        &mut self,
        lexer: &mut Lexer<'_>,
        fields: &'static [Field<C>],
        braces: Braces,
    ) -> Result<(), QueryError> {
        loop {
            let (offset, asked) = field(lexer, fields)?;
            let opens = lexer.eat("{");
            let inner = match asked.field().fields() {
                None if opens || braces == Braces::Expand => {
                    let name = asked.name().to_owned();
                    return Err(QueryError::new(
                        offset,
                        QueryErrorKind::NotAReference { name },
                    ));
                }
                inner => inner.filter(|_| opens),
            };
            let selected = self.select(asked);
            if let Some(inner) = inner {
                let of_reference = selected
                    .of_reference
                    .get_or_insert_with(|| Self { fields: Vec::new() });
                if braces == Braces::Expand {
                    lexer.expect("fields", "fields=")?;
                    lexer.expect("=", "fields=")?;
                }
                of_reference.read_list(lexer, inner, Braces::Fields)?;
                lexer.expect("}", ", or }")?;
            }
            if !lexer.eat(",") {
                return Ok(());
            }
        }
    }

    /// The entry for `asked`, which is added if there is none.
    fn select(&mut self, asked: Asked<C>) -> &mut Selected<C> {
        let known = self
            .fields
            .iter()
            .position(|known| known.name() == asked.name());
        let index = known.unwrap_or_else(|| {
            self.fields.push(Selected {
                asked,
                of_reference: None,
            });
            self.fields.len() - 1
        });
        &mut self.fields[index]
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &[Selected<C>] {
        &self.fields
    }

    /// What is selected under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Selected<C>> {
        self.fields.iter().find(|selected| selected.name() == name)
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl<C> Selected<C> {
    /// The name that was asked for, under which to answer.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.asked.name()
    }

    /// The field.
    #[must_use]
    pub fn field(&self) -> &'static Field<C> {
        self.asked.field()
    }

    /// What of the record referred to was asked for; `None` when that was left open, and for
    /// plain values.
    #[must_use]
    pub fn of_reference(&self) -> Option<&Selection<C>> {
        self.of_reference.as_ref()
    }
}

/// What stands in the braces behind a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    Fields,
    Expand,
}

//! Which part of a list is asked for, and what of each entity.

use super::fault::Fault;
use super::form::Form;
use crate::query::{OrderBy, Schema, Selection};

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Window {
    /// `offset` and `limit`; without them, the first thousand.
    pub(super) fn of(form: &Form) -> Result<Self, Fault> {
        let offset = form.number("offset", OFFSETS)?.map(usize::try_from);
        let limit = form.number("limit", LIMITS)?.map(usize::try_from);
        Ok(Self {
            offset: offset
                .unwrap_or(Ok(0))
                .map_err(|_| Fault::parameter("offset", OFFSETS))?,
            limit: limit
                .unwrap_or(Ok(MAX_LIMIT))
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| Fault::parameter("limit", LIMITS))?,
        })
    }

    /// That part of `all`.
    pub(super) fn cut<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

/// The order that `order_by` asks for, or `default`.
pub(super) fn order<C: Copy + Eq>(
    form: &Form,
    schema: &Schema<C>,
    default: &str,
) -> Result<OrderBy<C>, Fault> {
    let text = form.get("order_by").unwrap_or(default);
    OrderBy::parse(text, schema).map_err(|error| Fault::query(&error, text))
}

/// The fields to show: those of `fields`, and references opened as `expand` says.
#[derive(Clone, Debug)]
pub(super) struct Shown<C: 'static> {
    fields: Selection<C>,
    expand: Selection<C>,
    /// What is shown when nothing is asked for; of references, always.
    default: Selection<C>,
}

impl<C> Shown<C> {
    /// What `form` asks for; `default` is a list of fields that the schema has.
    pub(super) fn of(form: &Form, schema: &Schema<C>, default: &str) -> Result<Self, Fault> {
        let fields = form.get("fields").unwrap_or(default);
        let expand = form.get("expand").unwrap_or_default();
        Ok(Self {
            fields: Selection::parse(fields, schema).map_err(|e| Fault::query(&e, fields))?,
            expand: Selection::parse_expand(expand, schema)
                .map_err(|e| Fault::query(&e, expand))?,
            default: Self::default_fields(schema, default),
        })
    }

    /// The default alone.
    pub(super) fn default_fields(schema: &Schema<C>, default: &str) -> Selection<C> {
        Selection::parse(default, schema).expect("the default is made of the schema's fields")
    }

    /// The fields, each under the name it was asked for by, and for references the fields of
    /// theirs.
    pub(super) fn fields(&self) -> impl Iterator<Item = ShownField<'_, C>> {
        let named = self.fields.fields().iter();
        let only_expanded = self.expand.fields().iter();
        let only_expanded = only_expanded.filter(|one| self.fields.get(one.name()).is_none());
        named.chain(only_expanded).map(|selected| ShownField {
            name: selected.name(),
            field: selected.field(),
            of_reference: selected
                .of_reference()
                .or_else(|| self.expand.get(selected.name())?.of_reference())
                .or_else(|| self.default.get(selected.field().name())?.of_reference()),
        })
    }
}

/// A field to show.
pub(super) struct ShownField<'s, C: 'static> {
    pub(super) name: &'static str,
    pub(super) field: &'static crate::query::Field<C>,
    pub(super) of_reference: Option<&'s Selection<C>>,
}

const MAX_LIMIT: usize = 1000;
const LIMITS: &str = "a number from 1 to 1000";
const OFFSETS: &str = "a number from 0";

//! Which fields records have, and what can be done with them.

use super::error::{QueryError, QueryErrorKind};

/// The fields that queries, orders, groupings and selections may name.
///
/// `C` names the columns of a [`Record`](super::Record); two fields, or a field and its
/// [alias](Field::alias), may show the same column. Both are tables of constants:
///
/// ```
/// use gatepass::query::{Field, Kind, Schema};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// enum Column { Id, Start, UserId, UserName }
///
/// static USER: [Field<Column>; 2] = [
///     Field::new("id", Kind::Id, Column::UserId).filterable(),
///     Field::new("full_name", Kind::Text, Column::UserName).filterable(),
/// ];
/// static SESSION: [Field<Column>; 3] = [
///     Field::new("id", Kind::Id, Column::Id).filterable().sortable(),
///     Field::new("start_time", Kind::Timestamp, Column::Start)
///         .alias(&["creation_time"])
///         .never_null()
///         .filterable()
///         .sortable(),
///     Field::reference("user", Column::UserId, &USER).filterable().groupable(),
/// ];
/// static SCHEMA: Schema<Column> = Schema::new(&SESSION);
/// assert!(SCHEMA.find("creation_time").is_some());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schema<C: 'static> {
    fields: &'static [Field<C>],
}

/// A field: its names, what its values are, and what it may be used for. At first it can only
/// be selected.
#[derive(Clone, Copy, Debug)]
pub struct Field<C: 'static> {
    name: &'static str,
    aliases: &'static [&'static str],
    column: C,
    shape: Shape<C>,
    never_null: bool,
    filterable: bool,
    sortable: bool,
    groupable: bool,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A text that names something. Numbers are ids, too: `5` is `'5'`. The first of a schema
    /// is what [`Compiled::ids`](super::Compiled::ids) is about and breaks ties in an order.
    Id,
    /// A text.
    Text,
    /// One of a few words, which have no order when filtered by.
    Enum,
    /// A point in time: milliseconds since 1970 in UTC.
    Timestamp,
    /// A number.
    Number,
    /// True or false.
    Bool,
}

/// A plain value, or another record's fields.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape<C: 'static> {
    Plain(Kind),
    Reference(&'static [Field<C>]),
}

/// A field that was asked for, under the name it was asked by.
#[derive(Clone, Copy, Debug)]
pub struct Asked<C: 'static> {
    name: &'static str,
    field: &'static Field<C>,
}

impl<C> Schema<C> {
    /// The schema with `fields`.
    #[must_use]
    pub const fn new(fields: &'static [Field<C>]) -> Self {
        Self { fields }
    }

    /// The fields in the order of the table.
    #[must_use]
    pub fn fields(&self) -> &'static [Field<C>] {
        self.fields
    }

    /// The field with this name or alias, which is case-sensitive.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Asked<C>> {
        find(self.fields, name)
    }

    /// The first field of kind [`Kind::Id`].
    #[must_use]
    pub fn id(&self) -> Option<&'static Field<C>> {
        self.fields
            .iter()
            .find(|field| field.kind() == Some(Kind::Id))
    }
}

impl<C: Copy> Field<C> {
    /// The field `name` of plain values of `kind`, which stand in `column`.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, column: C) -> Self {
        Self::of(name, column, Shape::Plain(kind))
    }

    /// The field `name` that refers to a record with `fields`, whose id stands in `id`. Where
    /// that is null there is no such record.
    #[must_use]
    pub const fn reference(name: &'static str, id: C, fields: &'static [Self]) -> Self {
        Self::of(name, id, Shape::Reference(fields))
    }

    const fn of(name: &'static str, column: C, shape: Shape<C>) -> Self {
        Self {
            name,
            aliases: &[],
            column,
            shape,
            never_null: false,
            filterable: false,
            sortable: false,
            groupable: false,
        }
    }

    /// Also knows the field under these names.
    #[must_use]
    pub const fn alias(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Promises that every record (or, in a reference, every one referred to) has a value here.
    /// Plans are tighter then.
    #[must_use]
    pub const fn never_null(self) -> Self {
        Self {
            never_null: true,
            ..self
        }
    }

    /// Lets the field be filtered by.
    #[must_use]
    pub const fn filterable(self) -> Self {
        Self {
            filterable: true,
            ..self
        }
    }

    /// Lets the field be sorted by. A reference sorts by its id.
    #[must_use]
    pub const fn sortable(self) -> Self {
        Self {
            sortable: true,
            ..self
        }
    }

    /// Lets the field be grouped by. A reference groups by its id.
    #[must_use]
    pub const fn groupable(self) -> Self {
        Self {
            groupable: true,
            ..self
        }
    }

    /// Where the values stand; of a reference, where its id stands.
    #[must_use]
    pub const fn column(&self) -> C {
        self.column
    }
}

impl<C> Field<C> {
    /// The first of the field's names.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// All of the field's names, of which the first is [`name`](Self::name).
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// What the values are; `None` for a reference.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        match self.shape {
            Shape::Plain(kind) => Some(kind),
            Shape::Reference(_) => None,
        }
    }

    /// The fields of the record that a reference refers to; `None` for plain values.
    #[must_use]
    pub const fn fields(&self) -> Option<&'static [Self]> {
        match self.shape {
            Shape::Plain(_) => None,
            Shape::Reference(fields) => Some(fields),
        }
    }

    /// Whether the field can be filtered by.
    #[must_use]
    pub const fn is_filterable(&self) -> bool {
        self.filterable
    }

    /// Whether the field can be sorted by.
    #[must_use]
    pub const fn is_sortable(&self) -> bool {
        self.sortable
    }

    /// Whether the field can be grouped by.
    #[must_use]
    pub const fn is_groupable(&self) -> bool {
        self.groupable
    }

    /// Whether every record has a value here.
    #[must_use]
    pub const fn is_never_null(&self) -> bool {
        self.never_null
    }

    pub(super) const fn shape(&self) -> Shape<C>
    where
        C: Copy,
    {
        self.shape
    }
}

impl<C> Asked<C> {
    /// The name or alias that was asked for, under which to answer.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The field.
    #[must_use]
    pub fn field(&self) -> &'static Field<C> {
        self.field
    }
}

/// The field with this name or alias among `fields`.
pub(super) fn find<C>(fields: &'static [Field<C>], name: &str) -> Option<Asked<C>> {
    fields.iter().find_map(|field| {
        let mut names = std::iter::once(&field.name).chain(field.aliases);
        let name = names.find(|known| **known == name)?;
        Some(Asked { name, field })
    })
}

/// The same, where the name was written at `offset`.
pub(super) fn find_at<C>(
    fields: &'static [Field<C>],
    name: &str,
    offset: usize,
) -> Result<Asked<C>, QueryError> {
    find(fields, name).ok_or_else(|| {
        let name = name.to_owned();
        QueryError::new(offset, QueryErrorKind::UnknownField { name })
    })
}

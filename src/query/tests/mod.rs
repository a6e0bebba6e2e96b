//! Tests of the language as a whole, on sessions like the dialect's.

mod evaluation;
mod language;
mod lists;
mod naive;
mod planning;
mod properties;
mod work;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    ClientType,
    ClientIp,
    License,
    Start,
    End,
    Load,
    Open,
    UserId,
    UserName,
    SpaceId,
    SpaceName,
}

static SPACE: [Field<Column>; 2] = [
    Field::new("id", Kind::Id, Column::SpaceId).filterable(),
    Field::new("name", Kind::Text, Column::SpaceName).filterable(),
];
static USER: [Field<Column>; 3] = [
    Field::new("id", Kind::Id, Column::UserId).filterable(),
    Field::new("name", Kind::Text, Column::UserName).filterable(),
    Field::reference("space", Column::SpaceId, &SPACE).filterable(),
];
static SESSION: [Field<Column>; 10] = [
    Field::new("id", Kind::Id, Column::Id)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("client_type", Kind::Enum, Column::ClientType)
        .filterable()
        .sortable(),
    Field::new("client_ip", Kind::Text, Column::ClientIp)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("license", Kind::Text, Column::License)
        .alias(&["license_type", "license_edition"])
        .filterable()
        .sortable()
        .groupable(),
    Field::new("start_time", Kind::Timestamp, Column::Start)
        .alias(&["creation_time"])
        .never_null()
        .filterable()
        .sortable(),
    Field::new("end_time", Kind::Timestamp, Column::End)
        .filterable()
        .sortable(),
    Field::new("load", Kind::Number, Column::Load).filterable(),
    Field::new("open", Kind::Bool, Column::Open).filterable(),
    Field::reference("user", Column::UserId, &USER)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("user_agent", Kind::Text, Column::ClientType),
];
pub(super) static SCHEMA: Schema<Column> = Schema::new(&SESSION);

#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) client_type: Option<String>,
    pub(super) client_ip: Option<String>,
    pub(super) license: Option<String>,
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) load: Option<f64>,
    pub(super) open: Option<bool>,
    pub(super) user: Option<User>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) space: Option<Space>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    pub(super) id: String,
    pub(super) name: Option<String>,
}

impl Record for Session {
    type Column = Column;

    fn value(&self, column: Column) -> FieldValue<'_> {
        let user = self.user.as_ref();
        let space = user.and_then(|user| user.space.as_ref());
        let held = match column {
            Column::Id => Some(&self.id),
            Column::ClientType => self.client_type.as_ref(),
            Column::ClientIp => self.client_ip.as_ref(),
            Column::License => self.license.as_ref(),
            Column::UserId => user.map(|user| &user.id),
            Column::UserName => user.and_then(|user| user.name.as_ref()),
            Column::SpaceId => space.map(|space| &space.id),
            Column::SpaceName => space.and_then(|space| space.name.as_ref()),
            Column::Start => return FieldValue::Timestamp(self.start),
            Column::End => return self.end.map_or(FieldValue::Null, FieldValue::Timestamp),
            Column::Load => return self.load.map_or(FieldValue::Null, FieldValue::Number),
            Column::Open => return self.open.map_or(FieldValue::Null, FieldValue::Bool),
        };
        // Both kinds of texts take their turn.
        let Some(held) = held else {
            return FieldValue::Null;
        };
        match ShortText::print(held).filter(|_| held.len() % 2 == 0) {
            Some(short) => FieldValue::Short(short),
            None => FieldValue::Text(held),
        }
    }
}

pub(super) fn parse(text: &str) -> Query {
    Query::parse(text, &Limits::FILTER).unwrap_or_else(|e| panic!("{}", e.describe(text)))
}

pub(super) fn compile(text: &str) -> Compiled<Column> {
    let compiled = parse(text).compile(&SCHEMA);
    compiled.unwrap_or_else(|e| panic!("{}", e.describe(text)))
}

pub(super) fn parse_error(text: &str) -> QueryError {
    match Query::parse(text, &Limits::FILTER) {
        Ok(query) => panic!("{text} is read as {query}"),
        Err(error) => error,
    }
}

pub(super) fn compile_error(text: &str) -> QueryError {
    match parse(text).compile(&SCHEMA) {
        Ok(_) => panic!("{text} is compiled"),
        Err(error) => error,
    }
}

//! A session as the filter language sees it.

use crate::domain::{EndReason, Session};
use crate::query::{Field, FieldValue, Kind, Record, Schema, ShortText};

/// What a session can be filtered, sorted and grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Column {
    /// The public id.
    Id,
    /// The sign-on it belongs to.
    SignOn,
    /// UI, Integration or CI.
    ClientType,
    /// The user's number.
    UserNumber,
    /// The user's directory.
    UserDirectory,
    /// The user's id within the directory.
    UserId,
    /// The user's name.
    UserName,
    /// The user's e-mail address.
    UserEmail,
    /// The client's address.
    ClientIp,
    /// UI or API.
    AccessType,
    /// When it started.
    Start,
    /// When it ended.
    End,
    /// The license it uses.
    License,
    /// When it was last active.
    LastActive,
    /// When it ends unless it is used again; null once it has ended.
    ExpiresAt,
    /// The User-Agent header.
    UserAgent,
    /// How the user was authenticated.
    Method,
    /// Why it ended.
    EndReason,
    /// Who ended it.
    EndedBy,
}

/// A session, asked about its columns.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'s>(pub &'s Session);

impl Record for Columns<'_> {
    type Column = Column;

    fn value(&self, column: Column) -> FieldValue<'_> {
        let session = self.0;
        match column {
            Column::Id => short(session.id()),
            Column::SignOn => short(session.sign_on()),
            Column::ClientType => FieldValue::Text(session.client().client_type.as_str()),
            Column::UserNumber => short(session.identity().number()),
            Column::UserDirectory => FieldValue::Text(session.user_directory()),
            Column::UserId => FieldValue::Text(session.user_id()),
            Column::UserName => FieldValue::Text(session.user_name()),
            Column::UserEmail => maybe(session.identity().email()),
            Column::ClientIp => session.client().ip.map_or(FieldValue::Null, short),
            Column::AccessType => FieldValue::Text(session.client().access_type.as_str()),
            Column::Start => FieldValue::Timestamp(session.started_at().unix_millis()),
            Column::End => session.end().map_or(FieldValue::Null, |end| {
                FieldValue::Timestamp(end.at.unix_millis())
            }),
            Column::License => maybe(session.license()),
            Column::LastActive => FieldValue::Timestamp(session.last_active().unix_millis()),
            Column::ExpiresAt if session.end().is_some() => FieldValue::Null,
            Column::ExpiresAt => FieldValue::Timestamp(session.expires_at().unix_millis()),
            Column::UserAgent => maybe(session.client().user_agent.as_deref()),
            Column::Method => FieldValue::Text(session.method().as_str()),
            Column::EndReason => maybe(session.end().map(|end| EndReason::as_str(end.reason))),
            Column::EndedBy => maybe(session.end().and_then(|end| end.by.as_deref())),
        }
    }
}

fn maybe(text: Option<&str>) -> FieldValue<'_> {
    text.map_or(FieldValue::Null, FieldValue::Text)
}

fn short<'v>(value: impl std::fmt::Display) -> FieldValue<'v> {
    ShortText::print(value).map_or(FieldValue::Null, FieldValue::Short)
}

static USER: [Field<Column>; 5] = [
    Field::new("id", Kind::Id, Column::UserNumber).filterable(),
    Field::new("name", Kind::Text, Column::UserId).filterable(),
    Field::new("full_name", Kind::Text, Column::UserName).filterable(),
    Field::new("email", Kind::Text, Column::UserEmail).filterable(),
    Field::new("directory", Kind::Text, Column::UserDirectory).filterable(),
];

static FIELDS: [Field<Column>; 16] = [
    Field::new("id", Kind::Id, Column::Id)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("session_identifier", Kind::Text, Column::SignOn)
        .never_null()
        .filterable()
        .sortable()
        .groupable(),
    Field::new("client_type", Kind::Enum, Column::ClientType)
        .never_null()
        .filterable()
        .sortable()
        .groupable(),
    Field::reference("user", Column::UserNumber, &USER)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("client_ip", Kind::Text, Column::ClientIp)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("access_type", Kind::Enum, Column::AccessType)
        .never_null()
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
    Field::new("license", Kind::Text, Column::License)
        .alias(&["license_type", "license_edition"])
        .filterable()
        .sortable()
        .groupable(),
    Field::new("last_active", Kind::Timestamp, Column::LastActive)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("expires_at", Kind::Timestamp, Column::ExpiresAt)
        .filterable()
        .sortable(),
    Field::new("user_agent", Kind::Text, Column::UserAgent)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("authentication_method", Kind::Enum, Column::Method)
        .never_null()
        .filterable()
        .sortable()
        .groupable(),
    Field::new("end_reason", Kind::Enum, Column::EndReason)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("ended_by", Kind::Text, Column::EndedBy)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("user_directory", Kind::Text, Column::UserDirectory)
        .never_null()
        .filterable()
        .sortable()
        .groupable(),
];

/// The fields of sessions in the filter language, the same in every API.
pub static SESSION_FIELDS: Schema<Column> = Schema::new(&FIELDS);

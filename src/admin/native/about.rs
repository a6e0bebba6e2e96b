//! The native API in words, for its description.

use crate::admin::keys::Role;
use crate::query::{Field, Kind};
use crate::sessions::search::{Column, SESSION_FIELDS};

/// What the API is, with the fields of the filter language.
pub(in crate::admin::native) fn about() -> String {
    let mut text = "The proxy sessions of a space, in JSON. `Authorization: Bearer <key \
        id>.<secret>` on every call; the roles are "
        .to_owned();
    let roles = Role::ALL.map(|role| format!("`{role}`"));
    text.push_str(&roles.join(", "));
    text.push_str(
        ". Errors are problems as in RFC 9457.\n\n\
         The filter language, in short: `field='text'` with `*` as a wildcard, `<`, `>`, `<=`, \
         `>=`, `IN 'a','b'`, `BTW 'a'...'b'`; `!` negates, `;` is and, `||` is or, parentheses \
         group; `null` is no value; times are ISO 8601 in UTC. Fields:",
    );
    for field in SESSION_FIELDS.fields() {
        text.push_str(&format!("\n\n`{}` {}", field.name(), uses(field)));
    }
    text
}

fn uses(field: &Field<Column>) -> String {
    let kind = match field.kind() {
        Some(Kind::Timestamp) => "(time)".to_owned(),
        Some(Kind::Number) => "(number)".to_owned(),
        Some(Kind::Bool) => "(true or false)".to_owned(),
        Some(_) => "(text)".to_owned(),
        None => {
            let fields = field.fields().unwrap_or_default().iter();
            let names: Vec<String> = fields.map(|f| format!("`{}`", f.name())).collect();
            let name = field.name();
            format!("(as `{name}={{...}}` with {})", names.join(", "))
        }
    };
    let uses = [
        (field.is_filterable(), "filter"),
        (field.is_sortable(), "order"),
        (field.is_groupable(), "group"),
    ];
    let uses: Vec<&str> = uses.iter().filter(|u| u.0).map(|u| u.1).collect();
    format!("{kind}: {}", uses.join(", "))
}

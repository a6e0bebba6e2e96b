//! What queries mean, written down a second time in the plainest way: no compilation, names
//! looked up as they come, texts folded into new ones, wildcards by trying everything.

use super::*;

/// A value, or another record.
enum Plain<'s> {
    Null,
    Text(&'s str),
    Time(i64),
    Number(f64),
    Bool(bool),
    User(&'s User),
    Space(&'s Space),
}

fn text(value: &Option<String>) -> Plain<'_> {
    value.as_deref().map_or(Plain::Null, Plain::Text)
}

fn of_session<'s>(session: &'s Session, field: &str) -> Plain<'s> {
    match field {
        "id" => Plain::Text(&session.id),
        "client_type" => text(&session.client_type),
        "client_ip" => text(&session.client_ip),
        "license" | "license_type" | "license_edition" => text(&session.license),
        "start_time" | "creation_time" => Plain::Time(session.start),
        "end_time" => session.end.map_or(Plain::Null, Plain::Time),
        "load" => session.load.map_or(Plain::Null, Plain::Number),
        "open" => session.open.map_or(Plain::Null, Plain::Bool),
        "user" => session.user.as_ref().map_or(Plain::Null, Plain::User),
        other => panic!("{other}"),
    }
}

fn of_user<'s>(user: &'s User, field: &str) -> Plain<'s> {
    match field {
        "id" => Plain::Text(&user.id),
        "name" => text(&user.name),
        "space" => user.space.as_ref().map_or(Plain::Null, Plain::Space),
        other => panic!("{other}"),
    }
}

fn of_space<'s>(space: &'s Space, field: &str) -> Plain<'s> {
    match field {
        "id" => Plain::Text(&space.id),
        "name" => text(&space.name),
        other => panic!("{other}"),
    }
}

/// Whether `session` fulfils `query`.
pub(super) fn matches(query: &Query, session: &Session) -> bool {
    query
        .expr()
        .is_none_or(|expr| holds(expr, &|field| of_session(session, field)))
}

fn holds<'s>(expr: &Expr, get: &dyn Fn(&str) -> Plain<'s>) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| holds(part, get)),
        Expr::And(parts) => parts.iter().all(|part| holds(part, get)),
        Expr::Not(inner) => !holds(inner, get),
        Expr::Compare(Comparison { field, predicate }) => {
            let value = get(field.get());
            match predicate {
                Predicate::Is(Operator::Equal, wanted) => equal(&value, wanted.get()),
                Predicate::Is(operator, wanted) => ordered(&value, *operator, wanted.get()),
                Predicate::In(wanted) => wanted.iter().any(|wanted| equal(&value, wanted.get())),
                Predicate::Between(low, high) => {
                    ordered(&value, Operator::GreaterOrEqual, low.get())
                        && ordered(&value, Operator::LessOrEqual, high.get())
                }
            }
        }
    }
}

fn equal(value: &Plain<'_>, wanted: &Value) -> bool {
    match (value, wanted) {
        (Plain::Null, Value::Null) => true,
        (Plain::Null, _) | (_, Value::Null) => false,
        (Plain::User(user), Value::Reference(expr)) => holds(expr, &|field| of_user(user, field)),
        (Plain::Space(space), Value::Reference(expr)) => {
            holds(expr, &|field| of_space(space, field))
        }
        (Plain::User(user), wanted) => equal(&Plain::Text(&user.id), wanted),
        (Plain::Space(space), wanted) => equal(&Plain::Text(&space.id), wanted),
        (Plain::Text(value), Value::Text(wanted)) => {
            let pieces: Vec<_> = wanted.pieces().iter().map(|piece| fold(piece)).collect();
            glob(&fold(value), &pieces)
        }
        (Plain::Text(value), Value::Number(wanted)) => *value == wanted.as_str(),
        (Plain::Bool(value), Value::Bool(wanted)) => value == wanted,
        (value, wanted) => ordered(value, Operator::Equal, wanted),
    }
}

fn ordered(value: &Plain<'_>, operator: Operator, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (value, wanted) {
        (Plain::Null, _) | (_, Value::Null) => return false,
        (Plain::Time(value), Value::Text(text)) => {
            // The times of the tests are whole minutes.
            let wanted = format!("{}:00Z", &text.literal()[..16]);
            let wanted = wanted.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            value.cmp(&wanted.timestamp_millis())
        }
        (Plain::Number(value), Value::Number(wanted)) => value
            .partial_cmp(&wanted.as_str().parse().unwrap())
            .unwrap(),
        (Plain::Text(value), Value::Text(wanted)) => fold(value).cmp(&fold(&wanted.literal())),
        (Plain::Text(value), Value::Number(wanted)) => fold(value).as_str().cmp(wanted.as_str()),
        (_, wanted) => panic!("{wanted:?} does not fit"),
    };
    match operator {
        Operator::Equal => order == Equal,
        Operator::Less => order == Less,
        Operator::Greater => order == Greater,
        Operator::LessOrEqual => order != Greater,
        Operator::GreaterOrEqual => order != Less,
    }
}

/// Upper case and back: enough for the letters of the tests, which are unlike `ẞ` and `ı`.
fn fold(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

fn glob(text: &str, pieces: &[String]) -> bool {
    let (first, rest) = pieces.split_first().unwrap();
    let Some(text) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    if rest.is_empty() {
        return text.is_empty();
    }
    text.char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .any(|at| glob(&text[at..], rest))
}

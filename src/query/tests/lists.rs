//! Orders, groupings and selections.

use std::cmp::Ordering;

use super::*;

fn order(text: &str) -> Vec<(Column, Direction)> {
    let order = OrderBy::parse(text, &SCHEMA).unwrap_or_else(|e| panic!("{}", e.describe(text)));
    order
        .keys()
        .iter()
        .map(|key| (key.column(), key.direction()))
        .collect()
}

#[test]
fn orders_are_lists_and_end_with_the_id() {
    use Direction::{Ascending, Descending};
    let newest = vec![(Column::Start, Descending), (Column::Id, Ascending)];
    for text in [
        "-start_time,id",
        "-start_time",
        " { - creation_time , id } ",
        "-start_time,creation_time",
    ] {
        assert_eq!(order(text), newest, "{text}");
    }
    let both = vec![
        (Column::ClientIp, Ascending),
        (Column::End, Descending),
        (Column::Id, Ascending),
    ];
    assert_eq!(order("{client_ip,-end_time}"), both);
    assert_eq!(
        order("-id,user"),
        [(Column::Id, Descending), (Column::UserId, Ascending)]
    );
    for text in ["", "{}", " "] {
        assert_eq!(order(text), [(Column::Id, Ascending)], "{text}");
    }
}

#[test]
fn an_order_that_cannot_be_is_named_with_its_place() {
    let error = |text: &str| OrderBy::parse(text, &SCHEMA).unwrap_err();
    for (text, offset) in [
        ("id,", 3),
        (",id", 0),
        ("--id", 1),
        ("{id", 3),
        ("id}", 2),
        ("id id", 3),
        ("user{name}", 4),
        ("5", 0),
        ("id;start_time", 2),
    ] {
        let error = error(text);
        assert_eq!(error.offset(), offset, "{text}");
        assert!(
            matches!(error.kind(), QueryErrorKind::Expected { .. }),
            "{text}"
        );
    }
    let unknown = error("id,-nme");
    assert_eq!(
        (unknown.offset(), unknown.unknown_field()),
        (4, Some("nme"))
    );
    let name = "load".to_owned();
    assert_eq!(error("load").kind(), &QueryErrorKind::NotSortable { name });
    let limit = 8_192;
    let long = error(&"id,".repeat(4_000));
    assert_eq!(long.kind(), &QueryErrorKind::TooLong { limit });
}

#[test]
fn records_are_sorted_by_all_keys() {
    let session = |id: &str, ip: Option<&str>, end: Option<i64>| Session {
        id: id.to_owned(),
        client_ip: ip.map(str::to_owned),
        end,
        ..Session::default()
    };
    let mut all = [
        session("1", Some("b"), Some(1)),
        session("2", Some("B"), None),
        session("3", None, Some(3)),
        session("4", Some("a"), None),
        session("5", Some("A"), Some(9)),
    ];
    let mut sorted = |text: &str| {
        let order = OrderBy::parse(text, &SCHEMA).unwrap();
        all.sort_by(|a, b| order.compare(a, b));
        all.iter()
            .map(|session| session.id.as_str())
            .collect::<String>()
    };
    assert_eq!(sorted("client_ip"), "45123");
    assert_eq!(sorted("-client_ip"), "31245");
    assert_eq!(sorted("-end_time"), "24531");
    assert_eq!(sorted("end_time,-client_ip"), "13524");
    assert_eq!(sorted("-id"), "54321");
    let order = OrderBy::parse("", &SCHEMA).unwrap();
    assert_eq!(order.compare(&all[0], &all[0]), Ordering::Equal);
}

#[test]
fn one_field_is_grouped_by() {
    let group = |text: &str| SCHEMA.group_by(text).map(|asked| asked.name());
    assert_eq!(group("license"), Ok("license"));
    assert_eq!(group(" license_type "), Ok("license_type"));
    assert_eq!(group("{client_ip}"), Ok("client_ip"));
    let user = SCHEMA.group_by("user").unwrap();
    assert_eq!(user.field().column(), Column::UserId);
    let name = "client_type".to_owned();
    let refused = group("client_type").unwrap_err();
    assert_eq!(refused.kind(), &QueryErrorKind::NotGroupable { name });
    assert_eq!(group("nme").unwrap_err().unknown_field(), Some("nme"));
    for (text, offset) in [
        ("", 0),
        ("license,user", 7),
        ("-license", 0),
        ("{license", 8),
    ] {
        assert_eq!(group(text).unwrap_err().offset(), offset, "{text}");
    }
}

/// The selection as text, in one spelling.
fn shown(selection: &Selection<Column>) -> String {
    let fields = selection
        .fields()
        .iter()
        .map(|selected| match selected.of_reference() {
            Some(inner) => format!("{}{{{}}}", selected.name(), shown(inner)),
            None => selected.name().to_owned(),
        });
    fields.collect::<Vec<_>>().join(",")
}

#[test]
fn fields_are_selected_under_the_names_asked_for() {
    for (text, expected) in [
        ("", ""),
        ("id", "id"),
        (" id , start_time ", "id,start_time"),
        (
            "creation_time,start_time,license_type",
            "creation_time,start_time,license_type",
        ),
        ("id,id,user,user{name},user{id,name}", "id,user{name,id}"),
        ("user{name,space{id}},id", "user{name,space{id}},id"),
        ("user_agent", "user_agent"),
    ] {
        let selection = Selection::parse(text, &SCHEMA).unwrap();
        assert_eq!(shown(&selection), expected, "{text}");
        assert_eq!(selection.is_empty(), expected.is_empty());
    }
    let selection = Selection::parse("creation_time", &SCHEMA).unwrap();
    let selected = selection.get("creation_time").unwrap();
    assert_eq!(selected.field().column(), Column::Start);
    assert!(selection.get("start_time").is_none());
}

#[test]
fn references_are_expanded() {
    for (text, expected) in [
        ("user{fields=id,name}", "user{id,name}"),
        ("user{ fields = name }", "user{name}"),
        ("user", "user"),
        (
            "user{fields=space{id}},user{fields=name}",
            "user{space{id},name}",
        ),
        ("", ""),
    ] {
        let selection = Selection::parse_expand(text, &SCHEMA).unwrap();
        assert_eq!(shown(&selection), expected, "{text}");
    }
    for (text, offset) in [
        ("id{fields=x}", 0),
        ("id", 0),
        ("user{name}", 5),
        ("user{fields name}", 12),
        ("user{fields=name", 16),
    ] {
        let error = Selection::parse_expand(text, &SCHEMA).unwrap_err();
        assert_eq!(error.offset(), offset, "{text}");
    }
}

#[test]
fn a_selection_that_cannot_be_is_named_with_its_place() {
    for (text, offset) in [
        ("id,", 3),
        (",", 0),
        ("user{", 5),
        ("user{}", 5),
        ("user{id", 7),
        ("user{id}}", 8),
        ("id user", 3),
        ("-id", 0),
        ("id{id}", 0),
        ("user{id{id}}", 5),
        ("id,nme", 3),
        ("user{nme}", 5),
    ] {
        let error = Selection::parse(text, &SCHEMA).unwrap_err();
        assert_eq!(error.offset(), offset, "{text}");
        assert_eq!(
            error.unknown_field().is_some(),
            text.contains("nme"),
            "{text}"
        );
    }
}

//! What a query says about the records that can match.

use super::*;

fn ids(text: &str) -> Option<Vec<String>> {
    let compiled = compile(text);
    let ids = compiled.ids()?;
    Some(ids.into_iter().map(str::to_owned).collect())
}

#[test]
fn ids_are_found_where_they_restrict_the_query() {
    for (text, expected) in [
        ("id='a'", vec!["a"]),
        ("id=5", vec!["5"]),
        ("id IN 'b','a','B'", vec!["a", "b"]),
        ("id='b'||id='a'", vec!["a", "b"]),
        ("id IN 'a','b';end_time=null", vec!["a", "b"]),
        ("id IN 'a','b';id IN 'B','c'", vec!["b"]),
        (
            "(id='a';end_time=null)||(client_type='UI';id='b')",
            vec!["a", "b"],
        ),
        ("!(!id='a'||end_time=null)", vec!["a"]),
        ("!!id='a'", vec!["a"]),
        ("id='a';id='b'", vec![]),
        ("id='a';(id='a'||end_time=null)", vec!["a"]),
        ("id=null", vec![]),
    ] {
        assert_eq!(
            ids(text),
            Some(expected.into_iter().map(str::to_owned).collect()),
            "{text}"
        );
    }
    for text in [
        "",
        "end_time=null",
        "id='a'||end_time=null",
        "!id='a'",
        "id='a*'",
        "id='a'||id='b*'",
        "id>'a'",
        "user={id='a'}",
        "!(id='a';id='b')",
    ] {
        assert_eq!(ids(text), None, "{text}");
    }
    assert!(compile("id='a';id='b'").matches_none());
}

#[test]
fn texts_of_other_columns_are_found_too() {
    let of_user = |text: &str| {
        let compiled = compile(text);
        compiled.texts(Column::UserId).map(|ids| ids.join(","))
    };
    assert_eq!(of_user("user=5;end_time=null").as_deref(), Some("5"));
    assert_eq!(of_user("user IN 7,'5'").as_deref(), Some("5,7"));
    assert_eq!(
        of_user("user={id=5;name='x'}||user='6'").as_deref(),
        Some("5,6")
    );
    assert_eq!(of_user("user={name='x'}"), None);
    assert_eq!(of_user("!user={!id=5}"), None);
}

#[test]
fn the_list_of_a_bulk_operation_takes_every_id_that_is_not_negated() {
    for (text, expected) in [
        ("\"(id='a';id='b';id='c')\"", vec!["a", "b", "c"]),
        ("id='a'||id='b'", vec!["a", "b"]),
        ("id IN 'c','a',7", vec!["c", "a", "7"]),
        ("id='a';(id IN ^b^,'A'||id='c');id='a'", vec!["a", "b", "c"]),
        ("id='a';!id='b'", vec!["a"]),
        ("!(id='a'||!id='b')", vec!["b"]),
        ("!id='a'", vec![]),
        ("id=null", vec![]),
        ("\"\"", vec![]),
    ] {
        assert_eq!(parse(text).union_of_ids(&SCHEMA), Some(expected), "{text}");
    }
    for text in [
        "id='a';end_time=null",
        "id='*'",
        "id='a';id='b*'",
        "id>'a'",
        "id BTW 'a'...'b'",
        "user='a'",
        "user={id='a'}",
        "sid='a'",
        "id=true",
        "id={id='a'}",
    ] {
        assert_eq!(parse(text).union_of_ids(&SCHEMA), None, "{text}");
    }
}

#[test]
fn ranges_of_time_are_as_tight_as_the_query_says() {
    const DAY: i64 = 86_400_000;
    let day = |n: i64| format!("'1970-01-{:02}T00:00Z'", n + 1);
    let range = |template: &str| {
        let text = (0..9).fold(template.to_owned(), |text, n| {
            text.replace(&format!("${n}"), &day(n))
        });
        compile(&text).time_range(Column::Start)
    };
    let exactly = |first, last| Some(TimeRange::new(first * DAY, last * DAY));
    for (text, expected) in [
        ("start_time BTW $1...$3", exactly(1, 3)),
        ("creation_time=$2", exactly(2, 2)),
        (
            "start_time>=$1;start_time<=$4;start_time BTW $0...$3",
            exactly(1, 3),
        ),
        ("start_time IN $4,$2", exactly(2, 4)),
        (
            "start_time BTW $1...$2||start_time BTW $4...$5",
            exactly(1, 5),
        ),
        (
            "(start_time BTW $1...$2||start_time BTW $4...$5);start_time<=$4",
            exactly(1, 4),
        ),
        (
            "start_time BTW $1...$3;(end_time=null||client_type='UI')",
            exactly(1, 3),
        ),
        (
            "(start_time=$1;end_time=null)||(start_time=$3;id='a')",
            exactly(1, 3),
        ),
        // It always has a value, so what is not before is after.
        ("!(start_time<$1||start_time>$3)", exactly(1, 3)),
        ("!start_time<$1;start_time<=$2", exactly(1, 2)),
        ("start_time>=$3;start_time<=$1", Some(TimeRange::NEVER)),
        (
            "start_time=$1||(start_time>=$3;start_time<=$2)",
            exactly(1, 1),
        ),
        ("start_time=null", Some(TimeRange::NEVER)),
        ("start_time>$1", Some(TimeRange::after(DAY))),
        ("!start_time>=$1", Some(TimeRange::before(DAY))),
        ("start_time=$1||end_time=null", None),
        ("!start_time BTW $1...$2", None),
        ("end_time BTW $1...$2", None),
        ("", None),
    ] {
        assert_eq!(range(text), expected, "{text}");
    }
    let lengths = [
        ("start_time BTW $0...$8", Some(8 * DAY as u64)),
        ("start_time>$0", None),
    ];
    for (text, length) in lengths {
        assert_eq!(range(text).unwrap().length(), length, "{text}");
    }
}

#[test]
fn the_range_of_a_field_that_may_be_null_does_not_follow_from_negation() {
    let range = |text: &str| compile(text).time_range(Column::End);
    assert_eq!(range("!end_time<'1970-01-02T00:00Z'"), None);
    assert_eq!(
        range("end_time<'1970-01-01T00:00Z'"),
        Some(TimeRange::before(0))
    );
}

#[test]
fn open_sessions_are_seen_to_be_asked_for() {
    for text in [
        "end_time=null",
        "end_time='null'",
        "end_time=null;client_type='UI'",
        "(end_time=null;id='a')||(end_time={null};id='b')",
        "!!end_time=null",
        "!(!end_time=null||id='a')",
        "id='a';id='b'",
    ] {
        assert!(compile(text).requires_null(Column::End), "{text}");
    }
    for text in [
        "",
        "!end_time=null",
        "end_time=null||id='a'",
        "license=null",
        "!end_time>'1970-01-01T00:00Z'",
    ] {
        assert!(!compile(text).requires_null(Column::End), "{text}");
    }
}

#[test]
fn what_is_always_or_never_true_is_seen() {
    for text in [
        "",
        "id='a'||!start_time=null",
        "!start_time=null",
        "!(id='a';id='b')||!start_time>null",
    ] {
        assert!(compile(text).matches_all(), "{text}");
    }
    for text in [
        "start_time=null",
        "id='a';start_time>null",
        "end_time=null;(id='a';id='b')",
    ] {
        assert!(compile(text).matches_none(), "{text}");
    }
    assert!(!compile("!id='a'").matches_all() && !compile("id='a'").matches_none());
}

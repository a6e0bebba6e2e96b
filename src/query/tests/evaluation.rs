//! What queries mean.

use super::*;

const NEW_YEAR: i64 = 1_767_225_600_000;

fn session() -> Session {
    Session {
        id: "7F3A".to_owned(),
        client_type: Some("UI".to_owned()),
        client_ip: Some("10.1.2.3".to_owned()),
        license: None,
        start: NEW_YEAR,
        end: None,
        load: Some(2.5),
        open: Some(true),
        user: Some(User {
            id: "5".to_owned(),
            name: Some("Zoë Müller".to_owned()),
            space: Some(Space {
                id: "1001".to_owned(),
                name: None,
            }),
        }),
    }
}

fn holds(text: &str) -> bool {
    compile(text).matches(&session())
}

fn negated_holds(text: &str) -> bool {
    let expr = parse(text).expr().cloned().expect("a condition");
    let negated = Query::new(Some(Expr::Not(Box::new(expr))));
    negated.compile(&SCHEMA).unwrap().matches(&session())
}

fn all_hold(texts: &[&str]) {
    for text in texts {
        assert!(holds(text), "{text}");
        assert!(!negated_holds(text), "not {text}");
    }
}

fn none_holds(texts: &[&str]) {
    for text in texts {
        assert!(!holds(text), "{text}");
        assert!(negated_holds(text), "not {text}");
    }
}

#[test]
fn the_page_of_the_api_is_understood() {
    all_hold(&[
        "\"(end_time=null)\"",
        "\"start_time BTW ^2025-12-15T00:00:00Z^...^2026-01-10T00:00:00Z^\"",
        "\"user={id=5}\"",
        "\"user EQ {id EQ ^5^}\"",
        "\"creation_time GT ^2025-12-31T23:59:59.999Z^;client_type EQ ^ui^\"",
        "\"(id='7f3a'||id='b'||id='c')\"",
    ]);
    assert!(holds("") && holds("\"\"") && compile("").matches_all());
}

#[test]
fn texts_are_equal_regardless_of_case() {
    all_hold(&[
        "client_type='ui'",
        "client_type=^UI^",
        "user={name='ZOË MÜLLER'}",
        "id='7f3A'",
        "id IN 'x','7F3a'",
        "user='5'",
        "user=5",
        "user IN 4,^5^",
    ]);
    none_holds(&[
        "client_type='UIX'",
        "client_type=''",
        "user=05",
        "user={name='Zoe Muller'}",
    ]);
}

#[test]
fn wildcards_work_in_equality_only() {
    all_hold(&[
        "client_ip='10.1.*'",
        "client_ip='*.3'",
        "client_ip='*'",
        "client_ip IN 'x','1*.*3'",
        "user={name='zo*MÜ*'}",
        "id='7f*'",
        "user='*5'",
        // A star is smaller than a digit.
        "client_ip>'*'",
        "client_ip BTW '*'...'2'",
    ]);
    none_holds(&[
        r"client_ip='10.1.\*'",
        "client_ip='10.2*'",
        "client_ip<'1*'",
        "license='*'",
    ]);
}

#[test]
fn order_and_ranges() {
    all_hold(&[
        "start_time='2026-01-01T00:00:00Z'",
        "start_time=^2026-01-01T00:00Z^",
        "start_time<='2026-01-01T00:00:00.000Z'",
        "start_time>='2026-01-01T00:00Z'",
        "start_time<'2026-01-01T00:00:00.001Z'",
        "start_time BTW '2026-01-01T00:00Z'...'2026-01-01T00:00Z'",
        "start_time IN '2020-01-01T00:00Z','2026-01-01T00:00Z'",
        "load=2.5",
        "load='2.50'",
        "load>2",
        "load BTW 2.5...3",
        "load BTW -1...2.5",
        "client_ip BTW '10'...'11'",
        "client_ip GE ^10.1.2.3^",
        "id GT '7f39'",
        "id<'8'",
        "open=true",
        "open='TRUE'",
    ]);
    none_holds(&[
        "start_time<'2026-01-01T00:00Z'",
        "start_time>'2026-01-01T00:00Z'",
        "start_time BTW '2026-01-02T00:00Z'...'2025-01-01T00:00Z'",
        "load<2.5",
        "load>2.5",
        "load BTW 3...2",
        "client_ip<'10.1.2.3'",
        "open=false",
    ]);
}

#[test]
fn a_comparison_with_null_is_false_and_its_negation_true() {
    all_hold(&[
        "end_time=null",
        "end_time='null'",
        "end_time=^null^",
        "end_time={null}",
        "license=null",
    ]);
    all_hold(&[
        "end_time IN null,'2026-01-01T00:00Z'",
        "license IN 'x',null",
    ]);
    none_holds(&[
        "end_time<'2999-01-01T00:00Z'",
        "end_time>'1999-01-01T00:00Z'",
        "end_time BTW '1999-01-01T00:00Z'...'2999-01-01T00:00Z'",
        "license='x'",
        "license<'x'",
        "start_time<null",
        "start_time>='null'",
        "start_time BTW null...'2999-01-01T00:00Z'",
        "start_time=null",
        "end_time<=null",
        "client_ip='null'",
        "client_ip>null",
    ]);
}

#[test]
fn references_are_followed() {
    all_hold(&[
        "user={id=5;name='zoë*'}",
        "user={id=4||!id=6}",
        "user={!(id=4||id=6)}",
        "user={id IN 4,5}",
        "user={space={id=1001}}",
        "user={space={name=null;id='1001'}}",
        "user={space='1001'}",
        "user IN {id=4},{id=5}",
        "!user=null",
    ]);
    none_holds(&[
        "user={id=4}",
        "user={null}",
        "user={space=null}",
        "user={!id=5}",
    ]);
    let nobody = Session {
        user: None,
        ..session()
    };
    for (text, expected) in [
        ("user=null", true),
        ("user={id=5}", false),
        ("user={!id=5}", false),
        ("user={id=null}", false),
        ("!user={id=5}", true),
        ("!user={!id=5}", true),
        ("!user=5", true),
        ("user={space={!id=1}}", false),
        ("!user={space={!id=1}}", true),
    ] {
        assert_eq!(compile(text).matches(&nobody), expected, "{text}");
    }
}

#[test]
fn unknown_fields_are_found_before_any_record_is() {
    for (text, name, offset) in [
        ("nme='x'", "nme", 0),
        ("id=1;Id=2", "Id", 5),
        ("id=1||!(id=2;user={nme='x'})", "nme", 19),
        ("user={user=1}", "user", 6),
        ("user.name='x'", "user.name", 0),
    ] {
        let error = compile_error(text);
        assert_eq!(error.unknown_field(), Some(name), "{text}");
        assert_eq!(error.offset(), offset, "{text}");
    }
    let name = "user_agent".to_owned();
    let error = compile_error("id=1;user_agent='x'");
    assert_eq!(error.kind(), &QueryErrorKind::NotFilterable { name });
    assert_eq!((error.offset(), error.unknown_field()), (5, None));
}

#[test]
fn values_have_to_fit_their_fields() {
    for (text, offset) in [
        ("start_time='yesterday'", 11),
        ("start_time='2026-01-*'", 11),
        ("start_time=5", 11),
        ("start_time>true", 11),
        ("start_time BTW '2026-01-01T00:00Z'...'x'", 37),
        ("start_time IN '2026-01-01T00:00Z','x'", 34),
        ("load='x'", 5),
        ("load='1e5'", 5),
        ("load='inf'", 5),
        ("load='1*'", 5),
        ("load<true", 5),
        ("open=1", 5),
        ("open='yes'", 5),
        ("client_ip=true", 10),
        ("client_ip<false", 10),
        ("user=true", 5),
    ] {
        let error = compile_error(text);
        assert_eq!(error.offset(), offset, "{text}");
        assert!(
            matches!(error.kind(), QueryErrorKind::WrongType { .. }),
            "{text}: {error}"
        );
    }
    for text in [
        "user<5",
        "user BTW 1...2",
        "client_type>'a'",
        "open<=true",
        "user>=null",
    ] {
        let error = compile_error(text);
        assert_eq!(error.offset(), 0, "{text}");
        assert!(
            matches!(error.kind(), QueryErrorKind::NoOrder { .. }),
            "{text}"
        );
    }
    for (text, offset) in [
        ("id={id=1}", 3),
        ("start_time<{id=1}", 11),
        ("id IN 1,{id=1}", 8),
    ] {
        let error = compile_error(text);
        assert_eq!(error.offset(), offset, "{text}");
        assert!(
            matches!(error.kind(), QueryErrorKind::NotAReference { .. }),
            "{text}"
        );
    }
}

#[test]
fn a_value_of_another_type_than_the_schema_says_equals_nothing() {
    struct Odd;
    impl Record for Odd {
        type Column = Column;
        fn value(&self, _: Column) -> FieldValue<'_> {
            FieldValue::Number(5.0)
        }
    }
    for text in [
        "id=5",
        "start_time='2026-01-01T00:00Z'",
        "open=true",
        "id='*'",
        "id<'9'",
    ] {
        assert!(!compile(text).matches(&Odd), "{text}");
    }
    assert!(compile("load=5").matches(&Odd));
}

//! What is in the language and what is not.

use super::*;

/// That both texts are read as the same query.
fn same(a: &str, b: &str) {
    assert_eq!(parse(a), parse(b), "{a} and {b}");
}

fn printed(text: &str) -> String {
    parse(text).to_string()
}

fn kind(text: &str) -> (usize, QueryErrorKind) {
    let error = parse_error(text);
    (error.offset(), error.kind().clone())
}

#[test]
fn quotes_around_a_query_are_optional() {
    for text in [
        "\"id=1\"",
        "\"id=1",
        "id=1\"",
        "id=1\"\"\"",
        " \" id = 1 \" \" ",
        "\t\"(id EQ 1)\"\r\n",
    ] {
        same(text, "id=1");
    }
    for text in ["", " ", "\"\"", "\"", "\" \"", "\"\"\"\""] {
        assert!(parse(text).is_empty(), "{text}");
        assert_eq!(printed(text), "");
    }
    assert_eq!(kind("\"\"id=1\"").0, 2);
}

#[test]
fn not_binds_closer_than_and_and_and_closer_than_or() {
    same("a=1||b=2;c=3", "a=1||(b=2;c=3)");
    same("a=1;b=2||c=3", "(a=1;b=2)||c=3");
    same("!a=1;b=2", "(!a=1);b=2");
    same("!a=1||b=2", "(!(a=1))||(b=2)");
    assert_ne!(parse("!(a=1;b=2)"), parse("!a=1;b=2"));
    assert_ne!(parse("(a=1||b=2);c=3"), parse("a=1||b=2;c=3"));
    let Some(Expr::Or(parts)) = parse("a=1||b=2||c=3").expr().cloned() else {
        panic!("three parts joined by or");
    };
    assert_eq!(parts.len(), 3);
    assert_eq!(printed("!!(((a=1)))"), "!!a=1");
}

#[test]
fn operators_are_signs_or_words_in_any_case() {
    for (word, sign) in [
        ("EQ", "="),
        ("LT", "<"),
        ("GT", ">"),
        ("LE", "<="),
        ("GE", ">="),
    ] {
        for word in [word.to_owned(), word.to_lowercase()] {
            same(&format!("a {word} 1"), &format!("a{sign}1"));
            same(&format!("a {word}'x'"), &format!("a {sign} ^x^"));
        }
    }
    same("a in 1,2", "a IN 1 , 2");
    same("a Btw 1...2", "a BTW 1 ... 2");
    same("EQ EQ 1", "EQ=1");
    same("null=null", "null EQ null");
    assert!(matches!(
        kind("a EQ1"),
        (2, QueryErrorKind::Expected { .. })
    ));
    assert!(matches!(kind("a 1"), (2, QueryErrorKind::Expected { .. })));
}

#[test]
fn there_is_no_not_equal() {
    for text in ["a != 1", "a NE 1", "a ne 1", "a <> 1"] {
        assert_eq!(kind(text), (2, QueryErrorKind::NotEqual), "{text}");
    }
}

#[test]
fn fields_are_letters_digits_underscores_and_points() {
    for name in ["a", "start_time", "x.y", "a1", "A"] {
        assert_eq!(printed(&format!("{name}=1")), format!("{name}=1"));
    }
    assert_ne!(parse("ID=1"), parse("id=1"));
    for text in ["1a=1", "_a=1", ".a=1", "ä=1", "'a'=1", "=1"] {
        assert!(
            matches!(kind(text), (0, QueryErrorKind::Expected { .. })),
            "{text}"
        );
    }
    assert_eq!(kind("aä=1").0, 1);
}

#[test]
fn texts_have_two_kinds_of_quotes_and_seven_escapes() {
    same("a='x'", "a=^x^");
    same(r"a='it\'s'", "a=^it's^");
    same(r"a=^2\^3^", "a='2^3'");
    same(r#"a='\"\(\)'"#, r#"a='"()'"#);
    same(r"a='C:\dir'", r"a='C:\\dir'");
    same("a='(b);!c||\"'", "a=^(b);!c||\"^");
    let text = |query: &str| match parse(query).expr() {
        Some(Expr::Compare(Comparison {
            predicate: Predicate::Is(_, value),
            ..
        })) => match value.get() {
            Value::Text(text) => text.clone(),
            value => panic!("{value:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(text(r"a='x\*y'"), Text::exact("x*y"));
    assert_eq!(text("a='x*y'"), Text::pattern(vec!["x".into(), "y".into()]));
    assert_eq!(
        text(r"a='\\*'"),
        Text::pattern(vec!["\\".into(), String::new()])
    );
    assert_eq!(text("a=''"), Text::exact(""));
    assert_eq!(text("a='x*y'").literal(), "x*y");
    for unclosed in ["a='x", "a='x^", r"a='x\'", "a=^", r"a='\"] {
        let (offset, kind) = kind(unclosed);
        assert_eq!(offset, 2, "{unclosed}");
        assert!(
            matches!(kind, QueryErrorKind::Unterminated { .. }),
            "{unclosed}"
        );
    }
}

#[test]
fn a_point_belongs_to_a_number_only_before_a_digit() {
    same("a BTW 1...4", "a BTW 1 ... 4");
    same("a BTW 1.5...-2", "a BTW 1.5 ... -2");
    same("a BTW 'a' ...'b'", "a BTW 'a'...'b'");
    same("a BTW null...true", "a BTW null ... true");
    assert_eq!(printed("a=-1.50"), "a=-1.50");
    for text in ["a=1.", "a=1.x", "a=1..2", "a=1e5", "a=1x", "a=1.2.3"] {
        assert!(
            matches!(kind(text).1, QueryErrorKind::Expected { .. }),
            "{text}"
        );
    }
    for text in ["a=.5", "a=-", "a=--1", "a=+1"] {
        assert!(
            matches!(kind(text), (2, QueryErrorKind::Expected { .. })),
            "{text}"
        );
    }
    assert_eq!(kind("a BTW 1..4").0, 7);
    assert_eq!(kind("a BTW 1").0, 7);
}

#[test]
fn null_is_written_in_four_ways() {
    for text in [
        "a EQ null",
        "a={null}",
        "a EQ {null}",
        "a = { null }",
        "\"(a=null)\"",
    ] {
        same(text, "a=null");
    }
    assert_ne!(parse("a='null'"), parse("a=null"));
    assert_ne!(parse("a={null=1}"), parse("a=null"));
}

#[test]
fn bare_words_are_no_values() {
    for word in ["UI", "NULL", "True", "x.y", "nullx"] {
        let expected = QueryErrorKind::BareWord {
            word: word.to_owned(),
        };
        assert_eq!(kind(&format!("a={word}")), (2, expected));
    }
    assert_eq!(kind("a IN 'x',y").0, 9);
}

#[test]
fn and_and_or_are_not_written_out() {
    for (text, offset) in [
        ("a=1 AND b=2", 4),
        ("(a=1 or b=2)", 5),
        ("a={b=1 And c=2}", 7),
    ] {
        let (found, kind) = kind(text);
        assert_eq!(found, offset, "{text}");
        assert!(matches!(kind, QueryErrorKind::JoiningWord { .. }), "{text}");
    }
}

#[test]
fn references_hold_conditions() {
    same("user EQ {id EQ ^5^}", "user={id='5'}");
    same("user={(id EQ 5)}", "user={id=5}");
    same(
        "user={ id = 5 ; ! ( name IN 'a' , 'b' ) || id = 6 }",
        "user={id=5;!name IN 'a','b'||id=6}",
    );
    same("user={space={id=1}}", "user EQ {(space EQ {(id EQ 1)})}");
    same("user IN {id=5},{id=6}", "user IN {id=5} , {id=6}");
    for text in ["user={}", "user={id=5", "user={null", "user={5}", "user=}"] {
        assert!(
            matches!(kind(text).1, QueryErrorKind::Expected { .. }),
            "{text}"
        );
    }
}

#[test]
fn what_is_left_open_or_over_is_named_with_its_place() {
    for (text, offset) in [
        ("(id=1", 5),
        ("id=1)", 4),
        ("(end_time=)", 10),
        ("id=1;", 5),
        (";id=1", 0),
        ("id=1||", 6),
        ("id=1|id=2", 4),
        ("id=1,2", 4),
        ("id IN 1,", 8),
        ("id IN", 5),
        ("()", 1),
        ("!", 1),
        ("id=1 'x'", 5),
        ("id==1", 3),
        ("id=1\0", 4),
        ("id=1\u{a0}", 4),
    ] {
        let (found, kind) = kind(text);
        assert_eq!(found, offset, "{text}");
        assert!(matches!(kind, QueryErrorKind::Expected { .. }), "{text}");
        assert!(parse_error(text).describe(text).ends_with('^'));
    }
    let text = "(end_time=)";
    assert_eq!(
        parse_error(text).describe(text),
        "expected a value, found `)`, at offset 10\n(end_time=)\n          ^"
    );
    let end = parse_error("(id=1").to_string();
    assert_eq!(end, "expected ; or || or ), found the end, at offset 5");
}

#[test]
fn nesting_has_a_limit() {
    let parens = |n: usize| format!("{}id=1{}", "(".repeat(n), ")".repeat(n));
    let nots = |n: usize| format!("{}id=1", "!".repeat(n));
    let mixed = |n: usize| format!("{}id=1{}", "!(".repeat(n), ")".repeat(n));
    let braces = |n: usize| format!("{}id=1{}", "user={".repeat(n), "}".repeat(n));
    parse(&parens(32));
    parse(&nots(32));
    parse(&mixed(16));
    parse(&braces(32));
    let limit = 32;
    for (text, offset) in [
        (parens(33), 32),
        (nots(33), 32),
        (mixed(17), 32),
        (braces(33), 32 * 6 + 5),
        ("(".repeat(8_000), 32),
        ("!(".repeat(4_000), 32),
    ] {
        assert_eq!(kind(&text), (offset, QueryErrorKind::TooDeep { limit }));
    }
}

#[test]
fn comparisons_have_a_limit_and_a_list_is_one() {
    let many = |n: usize| vec!["a=1"; n].join(";");
    parse(&many(256));
    let limit = 256;
    let too_many = QueryErrorKind::TooManyComparisons { limit };
    assert_eq!(kind(&many(257)), (256 * 4, too_many.clone()));
    parse(&format!("a IN {}", vec!["1"; 4_000].join(",")));
    let inside = format!("a={{{}}};b=1", many(254));
    parse(&inside);
    assert_eq!(kind(&format!("a={{{}}}", many(256))).1, too_many);
}

#[test]
fn text_has_a_limit_and_lists_of_ids_a_wider_one() {
    let long = |len: usize| format!("a='{}'", "x".repeat(len - 4));
    parse(&long(8_192));
    let limit = 8_192;
    assert_eq!(
        kind(&long(8_193)),
        (limit, QueryErrorKind::TooLong { limit })
    );

    let wide = Limits::FILTER.with_id_lists("id");
    let joined = |sign: &str, n: usize| {
        let ids: Vec<_> = (0..n).map(|i| format!("id='{i:036}'")).collect();
        format!("\"({})\"", ids.join(sign))
    };
    let listed = format!("id IN {}", vec!["12345"; 10_000].join(","));
    for text in [joined(";", 1_500), joined("||", 1_400), listed.clone()] {
        assert!(text.len() > 8_192 && text.len() <= 65_536);
        Query::parse(&text, &wide).unwrap();
        assert!(Query::parse(&text, &Limits::FILTER).is_err());
    }
    let comparisons = vec!["id=1"; 257].join(";");
    Query::parse(&comparisons, &wide).unwrap();
    let limit = 65_536;
    let error = Query::parse(&"x".repeat(limit + 1), &wide).unwrap_err();
    assert_eq!(error.kind(), &QueryErrorKind::TooLong { limit });

    for (other, named) in [
        ("end_time=null", "end_time"),
        ("!id=1", "id=1"),
        ("id='a*'", "id='a*'"),
        ("id>1", "id>1"),
        ("id=null", "id=null"),
        ("user={id=1}", "id=1}"),
    ] {
        for text in [
            format!("{listed};{other}"),
            format!("{other};{comparisons}"),
        ] {
            let error = Query::parse(&text, &wide).unwrap_err();
            assert!(
                matches!(error.kind(), QueryErrorKind::NotAnIdList { .. }),
                "{other}"
            );
            assert!(text[error.offset()..].starts_with(named), "{other}");
        }
        Query::parse(&format!("id=1;{other}"), &wide).unwrap();
    }
}

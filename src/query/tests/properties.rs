//! Properties that hold for all queries.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn located<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Located<T>> {
    strategy.prop_map(|inner| Located::new(inner, 0))
}

/// Any text, rich in what has a meaning.
fn any_text() -> impl Strategy<Value = Text> {
    let piece = || prop_oneof![r#"[\\'"^()*ab ]{0,6}"#, any::<String>()];
    vec(piece(), 1..4).prop_map(Text::pattern)
}

fn any_number() -> impl Strategy<Value = Number> {
    "-?[0-9]{1,4}(\\.[0-9]{1,3})?".prop_map(|text| Number::new(&text).unwrap())
}

fn any_operator() -> impl Strategy<Value = Operator> {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    select(vec![Equal, Less, Greater, LessOrEqual, GreaterOrEqual])
}

/// What can be compared with plain values.
fn any_plain() -> BoxedStrategy<Value> {
    prop_oneof![
        any_text().prop_map(Value::Text),
        any_number().prop_map(Value::Number),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ]
    .boxed()
}

fn predicate(value: BoxedStrategy<Value>) -> impl Strategy<Value = Predicate> {
    prop_oneof![
        (any_operator(), located(value.clone())).prop_map(|(o, v)| Predicate::Is(o, v)),
        vec(located(value.clone()), 1..4).prop_map(Predicate::In),
        (located(value.clone()), located(value)).prop_map(|(a, b)| Predicate::Between(a, b)),
    ]
}

fn equality(value: BoxedStrategy<Value>) -> BoxedStrategy<Predicate> {
    prop_oneof![
        located(value.clone()).prop_map(|v| Predicate::Is(Operator::Equal, v)),
        vec(located(value), 1..4).prop_map(Predicate::In),
    ]
    .boxed()
}

fn compare(
    field: impl Strategy<Value = String> + 'static,
    p: BoxedStrategy<Predicate>,
) -> BoxedStrategy<Expr> {
    (located(field), p)
        .prop_map(|(field, predicate)| Expr::Compare(Comparison { field, predicate }))
        .boxed()
}

/// Conditions whose comparisons are `leaf`.
fn joined(leaf: BoxedStrategy<Expr>, depth: u32) -> BoxedStrategy<Expr> {
    leaf.prop_recursive(depth, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expr::Or),
            vec(inner.clone(), 2..4).prop_map(Expr::And),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

/// Any condition that can be written, whether or not it makes sense.
fn any_expr() -> BoxedStrategy<Expr> {
    let field = || {
        prop_oneof![
            "[a-zA-Z][a-zA-Z0-9_.]{0,8}",
            select(vec!["null", "true", "EQ", "in", "AND", "or"]).prop_map(str::to_owned),
        ]
    };
    let flat = joined(compare(field(), predicate(any_plain()).boxed()), 3);
    let value = prop_oneof![
        any_plain(),
        flat.clone()
            .prop_map(|expr| Value::Reference(Box::new(expr))),
    ];
    joined(compare(field(), predicate(value.boxed()).boxed()), 3)
}

/// Few texts, so that they meet.
fn word() -> BoxedStrategy<String> {
    select(vec![
        "", "a", "A", "b", "ab", "aB", "aba", "ä", "Äb", "ß", "sS", "5", "7",
    ])
    .prop_map(str::to_owned)
    .boxed()
}

/// Few times, in all their spellings.
fn time() -> impl Strategy<Value = Value> {
    (0..4u32, select(vec![":00Z", ":00.000Z", "Z", ":00+00:00"]))
        .prop_map(|(n, end)| Value::Text(Text::exact(format!("2026-01-01T00:0{n}{end}"))))
}

const MINUTE: i64 = 60_000;
const NEW_YEAR: i64 = 1_767_225_600_000;

fn some_time() -> impl Strategy<Value = i64> {
    (0..4i64).prop_map(|n| NEW_YEAR + n * MINUTE)
}

fn or_null(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![8 => value, 1 => Just(Value::Null)].boxed()
}

/// Conditions that fit the schema.
fn fitting() -> BoxedStrategy<Expr> {
    let names = |names: &[&'static str]| select(names.to_vec()).prop_map(str::to_owned).boxed();
    let number = || select(vec!["5", "7", "-1", "2.5"]);
    let number = move || number().prop_map(|n| Value::Number(Number::new(n).unwrap()));
    let pattern = || vec(word(), 1..4).prop_map(|pieces| Value::Text(Text::pattern(pieces)));
    let exact = || word().prop_map(|word| Value::Text(Text::exact(word)));
    let texts = move || or_null(prop_oneof![2 => exact(), 1 => pattern(), 1 => number()]);
    let times = or_null(time());
    let numbers = or_null(number());
    let bools = or_null(any::<bool>().prop_map(Value::Bool));
    let refers = |leaf: BoxedStrategy<Expr>| {
        let inner = joined(leaf, 2).prop_map(|expr| Value::Reference(Box::new(expr)));
        equality(or_null(
            prop_oneof![3 => inner, 1 => exact(), 1 => number()],
        ))
    };
    let plain = |fields| compare(names(fields), predicate(texts()).boxed());
    let of_space = plain(&["id", "name"]);
    let of_user = prop_oneof![
        2 => plain(&["id", "name"]),
        1 => compare(names(&["space"]), refers(of_space.boxed())),
    ];
    let leaf = prop_oneof![
        4 => plain(&["id", "client_ip", "license", "license_type"]),
        1 => compare(names(&["client_type"]), equality(texts())),
        3 => compare(
            names(&["start_time", "creation_time", "end_time"]),
            predicate(times).boxed(),
        ),
        1 => compare(names(&["load"]), predicate(numbers).boxed()),
        1 => compare(names(&["open"]), equality(bools)),
        3 => compare(names(&["user"]), refers(of_user.boxed())),
    ];
    joined(leaf.boxed(), 4)
}

fn space() -> impl Strategy<Value = Space> {
    (word(), option::of(word())).prop_map(|(id, name)| Space { id, name })
}

fn user() -> impl Strategy<Value = User> {
    (word(), option::of(word()), option::of(space())).prop_map(|(id, name, space)| User {
        id,
        name,
        space,
    })
}

fn session() -> impl Strategy<Value = Session> {
    let texts = (
        word(),
        option::of(word()),
        option::of(word()),
        option::of(word()),
    );
    let loads = option::of(select(vec![-1.0, 2.5, 5.0, 7.0]));
    let others = (
        some_time(),
        option::of(some_time()),
        loads,
        option::of(any::<bool>()),
    );
    (texts, others, option::of(user())).prop_map(|(texts, others, user)| {
        let (id, client_type, client_ip, license) = texts;
        let (start, end, load, open) = others;
        Session {
            id,
            client_type,
            client_ip,
            license,
            start,
            end,
            load,
            open,
            user,
        }
    })
}

/// Pieces of the language in any order.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        select(vec![
            "(",
            ")",
            "{",
            "}",
            "!",
            ";",
            "||",
            "|",
            "=",
            "<",
            ">",
            "<=",
            ",",
            "...",
            "\"",
            "'",
            "^",
            "\\",
            "*",
            " ",
            "EQ",
            "in",
            " BTW ",
            "null",
            "id",
            "user",
            "start_time",
            "-",
            "1",
            "1.5",
            "'a*'",
            "^2026-01-01T00:00Z^",
            "é",
            "\0",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    vec(scrap, 0..40).prop_map(|scraps| scraps.concat())
}

/// A query with some characters changed, added or gone.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        option::of(any::<char>()),
        any::<bool>(),
    );
    (fitting(), vec(edit, 1..4)).prop_map(|(expr, edits)| {
        let mut chars: Vec<char> = expr.to_string().chars().collect();
        for (place, with, replace) in edits {
            let at = place.index(chars.len() + 1);
            let end = (at + usize::from(replace)).min(chars.len());
            chars.splice(at..end, with);
        }
        chars.into_iter().collect()
    })
}

/// Does everything with `text` that can be done with a text from outside.
fn use_all(text: &str) -> Result<(), TestCaseError> {
    let wide = Limits::FILTER.with_id_lists("id");
    for limits in [Limits::FILTER, wide] {
        let compiled = Query::parse(text, &limits).and_then(|query| {
            let reread = Query::parse(&query.to_string(), &limits);
            assert_eq!(reread.as_ref(), Ok(&query), "{text}");
            let compiled = query.compile(&SCHEMA)?;
            if let (Some(listed), Some(ids)) = (query.union_of_ids(&SCHEMA), compiled.ids()) {
                assert!(
                    ids.iter()
                        .all(|id| listed.iter().any(|known| caseless::eq(known, id))),
                    "{text}"
                );
            }
            Ok(compiled)
        });
        match compiled {
            Ok(compiled) => {
                let matches = compiled.matches(&Session::default());
                prop_assert!(!(matches && compiled.matches_none()));
            }
            Err(error) => {
                prop_assert!(error.offset() <= text.len());
                prop_assert_eq!(error.describe(text).lines().count(), 3);
            }
        }
    }
    let errors = [
        OrderBy::parse(text, &SCHEMA).err(),
        SCHEMA.group_by(text).err(),
        Selection::parse(text, &SCHEMA).err(),
        Selection::parse_expand(text, &SCHEMA).err(),
    ];
    for error in errors.into_iter().flatten() {
        prop_assert!(error.offset() <= text.len());
        prop_assert!(error.describe(text).ends_with('^'));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back(expr in any_expr()) {
        let query = Query::new(Some(expr));
        let limits = Limits::FILTER.with_text(1 << 20);
        let text = query.to_string();
        prop_assert_eq!(Query::parse(&text, &limits).map_err(|e| e.describe(&text)), Ok(query.clone()));
        let quoted = format!(" \" {text} \"\" ");
        prop_assert_eq!(Query::parse(&quoted, &limits), Ok(query));
    }

    #[test]
    fn no_text_panics(text in prop_oneof![any::<String>(), "\\PC*", scraps(), mutated()]) {
        use_all(&text)?;
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200)) {
        use_all(&String::from_utf8_lossy(&bytes))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_evaluator_agrees_with_the_naive_model(
        expr in fitting(),
        sessions in vec(session(), 8),
    ) {
        let query = Query::new(Some(expr));
        let compiled = query.compile(&SCHEMA).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let ids = compiled.ids();
        let users = compiled.texts(Column::UserId);
        let start = compiled.time_range(Column::Start).unwrap_or(TimeRange::ALWAYS);
        let end = compiled.time_range(Column::End);
        for session in &sessions {
            let matches = compiled.matches(session);
            prop_assert_eq!(matches, naive::matches(&query, session), "{} {:?}", &query, session);
            prop_assert!(matches || !compiled.matches_all());
            if !matches {
                continue;
            }
            // What the plan says holds for everything that matches.
            let among = |ids: &[&str], id: &str| ids.iter().any(|known| caseless::eq(known, id));
            prop_assert!(ids.as_deref().is_none_or(|ids| among(ids, &session.id)));
            let user = session.user.as_ref();
            let by_user = |ids: &[&str]| user.is_some_and(|user| among(ids, &user.id));
            prop_assert!(users.as_deref().is_none_or(by_user));
            prop_assert!(start.contains(session.start));
            prop_assert!(end.is_none_or(|range| session.end.is_some_and(|t| range.contains(t))));
            prop_assert!(!compiled.requires_null(Column::End) || session.end.is_none());
            prop_assert!(!compiled.matches_none());
        }
    }
}

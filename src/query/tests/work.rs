//! Nothing takes more than linear time: units of work are counted, not seconds.

use super::*;
use crate::query::steps;

fn wide() -> Limits {
    Limits::FILTER.with_id_lists("id")
}

/// The work to read, compile and plan `text`, whether or not that succeeds.
fn work(text: &str) -> usize {
    let plan = || {
        let query = Query::parse(text, &wide()).ok()?;
        let compiled = query.compile(&SCHEMA).ok()?;
        let listed = query.union_of_ids(&SCHEMA).map(|ids| ids.len());
        Some((listed, compiled.ids().map(|ids| ids.len())))
    };
    steps::of(plan).0
}

/// That `text(n)` takes work in proportion to its length.
fn linear(name: &str, n: usize, text: impl Fn(usize) -> String) {
    let (short, long) = (text(n), text(2 * n));
    assert!(long.len() <= 65_536, "{name}: {} bytes", long.len());
    let (short_work, long_work) = (work(&short), work(&long));
    assert!(short_work > 0, "{name}");
    // Sorting the ids of a list is what is allowed to be a little more than linear.
    let ratio = long_work as f64 / short_work as f64;
    let growth = long.len() as f64 / short.len() as f64;
    assert!(
        ratio <= growth * 1.25,
        "{name}: {short_work} grows to {long_work}"
    );
    assert!(
        long_work <= 32 * long.len(),
        "{name}: {long_work} for {} bytes",
        long.len()
    );
}

#[test]
fn reading_takes_linear_time() {
    let nested = |n: usize| {
        let group = format!("{}id=1{}", "!(".repeat(16), ")".repeat(16));
        vec![group; n].join(";")
    };
    linear("nested groups", 100, nested);
    linear("nested references", 20, |n| {
        let inner = format!("{}id=1{}", "user={".repeat(2), "}".repeat(2));
        vec![inner; n].join("||")
    });
    linear("a list", 3_000, |n| {
        format!(
            "id IN {}",
            (0..n)
                .map(|i| format!("'{i}'"))
                .collect::<Vec<_>>()
                .join(",")
        )
    });
    linear("joined by and", 2_000, |n| {
        (0..n)
            .map(|i| format!("id='{i}'"))
            .collect::<Vec<_>>()
            .join(";")
    });
    linear("joined by or", 2_000, |n| {
        (0..n)
            .map(|i| format!("id='{i}'"))
            .collect::<Vec<_>>()
            .join("||")
    });
    linear("alternating joins", 1_000, |n| {
        (0..n)
            .map(|i| format!("(id='{i}';id=1)"))
            .collect::<Vec<_>>()
            .join("||")
    });
    linear("blanks", 20_000, |n| format!("id{}=1", " ".repeat(n)));
    linear("quotes", 20_000, |n| format!("id=1{}", "\"".repeat(n)));
    linear("backslashes", 20_000, |n| {
        format!("id='{}'", "\\".repeat(n))
    });
    linear("a field", 20_000, |n| format!("{}=1", "x".repeat(n)));
}

#[test]
fn what_is_refused_takes_linear_time_too() {
    for text in [
        "(".repeat(65_536),
        "!(".repeat(32_768),
        "user={".repeat(10_000),
        format!("id='{}", "x".repeat(65_000)),
        format!("id={}", "x".repeat(65_000)),
        "|".repeat(65_536),
        "x=1;".repeat(16_000),
        "x".repeat(1_000_000),
    ] {
        let work = work(&text);
        assert!(work <= 4 * 65_536, "{:.20}: {work}", text);
    }
}

#[test]
fn matching_takes_linear_time() {
    let hostile = compile(&format!("client_ip='{}b'", "*a".repeat(2_000)));
    let list = format!(
        "id IN {}",
        (0..5_000)
            .map(|i| i.to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
    let list = Query::parse(&list, &wide())
        .unwrap()
        .compile(&SCHEMA)
        .unwrap();
    let session = |len: usize| Session {
        id: "4999".to_owned(),
        client_ip: Some("a".repeat(len)),
        ..Session::default()
    };
    for len in [10_000, 20_000] {
        let session = session(len);
        let (steps, matches) = steps::of(|| hostile.matches(&session));
        assert!(!matches);
        assert!(
            (len..=3 * len).contains(&steps),
            "{steps} steps for {len} characters"
        );
    }
    let short = session(1);
    let (steps, matches) = steps::of(|| list.matches(&short));
    assert!(
        matches && (1..=15).contains(&steps),
        "{steps} comparisons in a list of 5000"
    );
}

//! Texts compared regardless of case, by the rules of Unicode's full case folding.
//!
//! Nothing is allocated: ASCII is compared byte by byte, the rest as it is folded.

use std::char::{ToLowercase, ToUppercase};
use std::cmp::Ordering;
use std::iter::{self, FlatMap};
use std::str::Chars;

use super::steps;

/// The characters that a text folds to.
pub(super) struct Folded<'t> {
    chars: Chars<'t>,
    /// What is left of a character that folds to several.
    expansion: Option<Expansion>,
}

/// What a character becomes in lower case by way of upper case.
type Expansion = FlatMap<
    FlatMap<ToLowercase, ToUppercase, fn(char) -> ToUppercase>,
    ToLowercase,
    fn(char) -> ToLowercase,
>;

/// Whether `a` and `b` differ in case at most.
pub(super) fn eq(a: &str, b: &str) -> bool {
    if a.len() == b.len() && a.eq_ignore_ascii_case(b) {
        return true;
    }
    // ASCII folds to nothing else, but something else may fold to ASCII.
    if a.is_ascii() && b.is_ascii() {
        return false;
    }
    cmp(a, b).is_eq()
}

/// The order of `a` and `b` by the code points of what they fold to.
pub(super) fn cmp(a: &str, b: &str) -> Ordering {
    steps::count(1);
    let both = iter::zip(a.bytes(), b.bytes());
    for (at, (x, y)) in both.enumerate() {
        if !(x.is_ascii() && y.is_ascii()) {
            // All before is ASCII, so `at` is between characters.
            return cmp_chars(&a[at..], &b[at..]);
        }
        match x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    a.len().cmp(&b.len())
}

/// The same, one character against one for as long as that is possible.
fn cmp_chars(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        let (rest_a, rest_b) = (a.as_str(), b.as_str());
        let (Some(x), Some(y)) = (a.next(), b.next()) else {
            return rest_a.len().cmp(&rest_b.len());
        };
        if x == y {
            continue;
        }
        match (single(x), single(y)) {
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => return x.cmp(&y),
            _ => return folded(rest_a).cmp(folded(rest_b)),
        }
    }
}

/// The characters that `text` folds to.
pub(super) fn folded(text: &str) -> Folded<'_> {
    Folded {
        chars: text.chars(),
        expansion: None,
    }
}

impl Iterator for Folded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        if let Some(expansion) = &mut self.expansion {
            match expansion.next() {
                Some(c) => return Some(c),
                None => self.expansion = None,
            }
        }
        let c = self.chars.next()?;
        single(c).or_else(|| self.expansion.insert(expand(c)).next())
    }
}

/// What `c` folds to, if that is one character.
fn single(c: char) -> Option<char> {
    match c {
        c if c.is_ascii() => return Some(c.to_ascii_lowercase()),
        // Latin 1 without the tables, since names are full of it.
        'à'..='ÿ' if c != 'ß' => return Some(c),
        'À'..='Þ' if c != '×' => return char::from_u32(u32::from(c) + 0x20),
        // By way of upper case it would become the i with a dot, which is another letter.
        'ı' => return Some(c),
        _ => {}
    }
    let mut expansion = expand(c);
    let first = expansion.next();
    first.filter(|_| expansion.next().is_none())
}

/// Lower case by way of upper case brings together what only differs in case: `ß`, `ẞ` and
/// `SS`, or the two small sigmas. That is Unicode's full case folding (CaseFolding.txt, C and
/// F) but for the dotless i.
fn expand(c: char) -> Expansion {
    let upper: fn(char) -> ToUppercase = char::to_uppercase;
    let lower: fn(char) -> ToLowercase = char::to_lowercase;
    c.to_lowercase().flat_map(upper).flat_map(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_makes_no_difference() {
        for (a, b) in [
            ("", ""),
            ("UI", "ui"),
            ("Müller", "MÜLLER"),
            ("straße", "STRASSE"),
            ("straße", "STRAẞE"),
            ("sß", "ßs"),
            ("ΟΔΟΣ", "οδος"),
            ("οδος", "οδοσ"),
            ("\u{212a}elvin", "kelvin"),
            ("ﬁn", "FIN"),
            ("Ǆ", "ǅ"),
            ("İ", "i\u{307}"),
        ] {
            assert!(eq(a, b) && eq(b, a), "{a} {b}");
            assert_eq!(cmp(a, b), Ordering::Equal, "{a} {b}");
        }
        for (a, b) in [
            ("a", "b"),
            ("a", "ä"),
            ("ı", "i"),
            ("I", "ı"),
            ("a", "aa"),
            ("ss", "s"),
        ] {
            assert!(!eq(a, b) && !eq(b, a), "{a} {b}");
        }
    }

    #[test]
    fn every_character_equals_its_cases_and_orders_as_it_folds() {
        // Beyond this plane nothing has case.
        for c in ('\0'..='\u{1ffff}').filter(|c| *c != 'ı') {
            let text = c.to_string();
            assert!(eq(&text, &text.to_lowercase()), "{c:?}");
            assert!(folded(&text).eq(expand(c)), "{c:?}");
            let upper = text.to_lowercase().to_uppercase();
            assert!(eq(&text, &upper), "{c:?}");
            let order = folded(&text).cmp("ß".chars().flat_map(expand));
            assert_eq!(cmp(&text, "ß"), order, "{c:?}");
        }
    }

    #[test]
    fn the_order_ignores_case_and_is_total() {
        let sorted = ["", "A", "aa", "B", "b1", "Z", "ä", "Ö", "ω"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(cmp(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}

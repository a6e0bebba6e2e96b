//! Texts compared regardless of case, by the rules of Unicode's full case folding.
//!
//! Nothing is allocated: ASCII is compared byte by byte, the rest as it is folded.

use std::cmp::Ordering;
use std::iter;

use super::steps;

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
            return folded(&a[at..]).cmp(folded(&b[at..]));
        }
        match x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    a.len().cmp(&b.len())
}

/// The characters that `text` folds to.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(fold)
}

/// Lower case by way of upper case brings together what only differs in case: `ß`, `ẞ` and
/// `SS`, or the two small sigmas. Only the dotless `ı` would come too far: it is not `i`.
fn fold(c: char) -> impl Iterator<Item = char> {
    let simple = c.is_ascii() || c == 'ı';
    let one = simple.then(|| c.to_ascii_lowercase());
    let more = (!simple).then(|| {
        c.to_lowercase()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
    });
    one.into_iter().chain(more.into_iter().flatten())
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
    fn the_order_ignores_case_and_is_total() {
        let sorted = ["", "A", "aa", "B", "b1", "Z", "ä", "Ö", "ω"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(cmp(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}

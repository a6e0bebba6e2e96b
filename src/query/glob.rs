//! Texts with wildcards.

use super::caseless;
use super::steps;

/// A text with at least one wildcard, matched regardless of case.
///
/// Time is linear in the length of the text whatever the pattern is, since no character is
/// looked at twice: what stands between two wildcards is searched with the automaton of Knuth,
/// Morris and Pratt, and of every piece the first occurrence is as good as any other.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// What the text has to begin with.
    start: Box<[char]>,
    /// What has to follow somewhere, in this order.
    inner: Box<[Needle]>,
    /// What the text has to end with; empty when it may end anyhow.
    end: Needle,
}

impl Glob {
    /// The pattern of `pieces`, at least two, with a wildcard between each two.
    pub(super) fn new(pieces: &[String]) -> Self {
        let (first, rest) = pieces.split_first().expect("a pattern has pieces");
        let (last, inner) = rest.split_last().expect("a pattern has a wildcard");
        Self {
            start: caseless::folded(first).collect(),
            inner: inner
                .iter()
                .filter(|piece| !piece.is_empty())
                .map(|piece| Needle::new(piece))
                .collect(),
            end: Needle::new(last),
        }
    }

    /// Whether all of `text` fits the pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        match text.is_ascii() {
            true => self.run(text.bytes().map(|b| char::from(b.to_ascii_lowercase()))),
            false => self.run(caseless::folded(text)),
        }
    }

    fn run(&self, chars: impl Iterator<Item = char>) -> bool {
        let mut chars = chars.inspect(|_| steps::count(1));
        if !self.start.iter().all(|c| chars.next() == Some(*c)) {
            return false;
        }
        if !self.inner.iter().all(|needle| needle.find(&mut chars)) {
            return false;
        }
        self.end.is_empty() || self.end.ends(chars)
    }
}

/// A piece of text to be searched for.
#[derive(Clone, Debug)]
struct Needle {
    chars: Box<[char]>,
    /// For each number of characters that fit so far, less one: how many still fit when the
    /// next one does not.
    fallback: Box<[usize]>,
}

impl Needle {
    fn new(text: &str) -> Self {
        let chars: Box<[char]> = caseless::folded(text).collect();
        let mut fallback = vec![0; chars.len()];
        let mut fit = 0;
        for at in 1..chars.len() {
            while fit > 0 && chars[fit] != chars[at] {
                fit = fallback[fit - 1];
            }
            fit += usize::from(chars[fit] == chars[at]);
            fallback[at] = fit;
        }
        Self {
            chars,
            fallback: fallback.into(),
        }
    }

    fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// Reads up to the end of the first occurrence, if there is one.
    fn find(&self, chars: &mut impl Iterator<Item = char>) -> bool {
        let mut fit = 0;
        while fit < self.chars.len() {
            let Some(c) = chars.next() else {
                return false;
            };
            fit = self.next(fit, c);
        }
        true
    }

    /// Reads everything; whether it ends with the needle.
    fn ends(&self, chars: impl Iterator<Item = char>) -> bool {
        chars.fold(0, |fit, c| self.next(fit, c)) == self.chars.len()
    }

    /// How many characters fit after `c`, when `fit` did before.
    fn next(&self, mut fit: usize, c: char) -> usize {
        loop {
            steps::count(1);
            if self.chars.get(fit) == Some(&c) {
                return fit + 1;
            }
            match fit.checked_sub(1) {
                Some(last) => fit = self.fallback[last],
                None => return 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(&pattern.split('*').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn wildcards_stand_for_anything() {
        for (pattern, fits, fits_not) in [
            ("*", vec!["", "a", "äöü"], vec![]),
            ("a*", vec!["a", "A", "ab"], vec!["", "ba"]),
            ("*a", vec!["a", "baA", "aab a"], vec!["", "ab"]),
            ("*ab*", vec!["ab", "aab", "xABy"], vec!["a", "ba", "axb"]),
            ("a*a", vec!["aa", "aba"], vec!["a", "ab"]),
            ("ab*ba", vec!["abba", "abxba"], vec!["aba", "abb"]),
            ("*aab*", vec!["aaab", "caaabd"], vec!["aaa", "abab"]),
            ("*abab", vec!["ababab", "xabab"], vec!["aba", "ababa"]),
            ("a**b", vec!["ab", "axb"], vec!["a", "b"]),
            ("*a*b*c*", vec!["abc", "xaxbxcx"], vec!["acb", "cba"]),
            ("10.1.*", vec!["10.1.2.3", "10.1."], vec!["10.10.2.3"]),
            ("*ÄÖ*", vec!["xäöx"], vec!["xäx"]),
            ("*ss*e", vec!["Straße"], vec!["Strae"]),
        ] {
            for text in fits {
                assert!(glob(pattern).matches(text), "{pattern} {text}");
            }
            for text in fits_not {
                assert!(!glob(pattern).matches(text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn no_pattern_takes_more_than_linear_time() {
        let pattern = glob(&format!("{}b", "*aaaa".repeat(500)));
        for len in [10_000, 20_000] {
            let (steps, matches) = steps::of(|| pattern.matches(&"a".repeat(len)));
            assert!(!matches);
            // One to read a character, and twice as many as characters to compare.
            assert!((len..=3 * len).contains(&steps), "{steps} steps for {len}");
        }
    }
}

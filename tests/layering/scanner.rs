//! Just enough of a Rust reader: comments vanish, strings are kept apart, `use` trees are
//! flattened into paths, and what stands under `#[cfg(test)]` is marked.

use std::fmt;
use std::ops::RangeInclusive;

/// One file, cut up.
pub(crate) struct Source {
    /// Relative to the repository, with forward slashes.
    pub(crate) name: String,
    /// Words, `::` and single signs; neither comments nor string literals.
    pub(crate) tokens: Vec<Token>,
    /// String literals, quotes included.
    pub(crate) strings: Vec<Token>,
    /// Every path of two or more segments.
    pub(crate) paths: Vec<ImportPath>,
    tests: Vec<RangeInclusive<usize>>,
    lines: usize,
}

/// A piece of text and where it begins.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
}

/// A path as the compiler sees it: `use a::{b, c::d}` is two of them.
pub(crate) struct ImportPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
}

impl Source {
    /// Cuts up `text`, the content of the file `name`.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let (mut tokens, mut strings) = lex(text);
        let lines = text.lines().count();
        let is_test_file = name.ends_with("/tests.rs") || name.contains("/tests/");
        let tests = if is_test_file {
            vec![1..=lines]
        } else {
            test_parts(&tokens)
        };
        for token in tokens.iter_mut().chain(&mut strings) {
            token.in_test = tests.iter().any(|part| part.contains(&token.line));
        }
        let paths = paths(&tokens);
        Self {
            name: name.to_owned(),
            tokens,
            strings,
            paths,
            tests,
            lines,
        }
    }

    /// `src/store/memory.rs` is in `store`; `src/lib.rs` is in no room.
    pub(crate) fn room(&self) -> Option<&str> {
        Some(self.name.strip_prefix("src/")?.split_once('/')?.0)
    }

    /// What `path` takes from the crate's root: the name after `crate::`, after `gatepass::`,
    /// or after the `super::` of a room's front page.
    pub(crate) fn room_named_by<'p>(&self, path: &'p ImportPath) -> Option<&'p str> {
        let room = self.room()?;
        let [first, next, ..] = path.segments.as_slice() else {
            return None;
        };
        let from_root = match first.as_str() {
            "gatepass" => true,
            // In the binary these are the binary's own modules.
            "crate" | "super" if room == "bin" => false,
            "crate" => true,
            // `super::super` is another rule's business; in a module inside the file `super`
            // is the front page itself, which has no child of a room's name.
            "super" => self.name == format!("src/{room}/mod.rs") && !path.in_test,
            _ => false,
        };
        from_root.then_some(next.as_str())
    }

    /// The lines that give the crate another name: `crate as x`, `extern crate self as x`.
    pub(crate) fn aliases_of_the_crate(&self) -> Vec<usize> {
        let pairs = self.tokens.windows(2);
        pairs
            .filter(|pair| pair[0].text == "crate" && matches!(&*pair[1].text, "as" | "self"))
            .map(|pair| pair[0].line)
            .collect()
    }

    /// How many lines stand outside tests.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let in_test = |line: &usize| self.tests.iter().any(|part| part.contains(line));
        (1..=self.lines).filter(|line| !in_test(line)).count()
    }
}

impl ImportPath {
    /// Whether the path begins with these segments.
    pub(crate) fn starts_with(&self, start: &[&str]) -> bool {
        self.segments.len() >= start.len() && self.segments.iter().zip(start).all(|(a, b)| a == b)
    }
}

impl fmt::Display for ImportPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("::"))
    }
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn paths(tokens: &[Token]) -> Vec<ImportPath> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = is_word(text(tokens, at)) && text(tokens, at + 1) == "::";
        at = if begins {
            read_tree(tokens, at, &[], &mut found)
        } else {
            at + 1
        };
    }
    found
}

/// Reads the path or use tree at `at` below `prefix` and returns where it ends.
fn read_tree(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<ImportPath>,
) -> usize {
    let (line, in_test) = (tokens[at].line, tokens[at].in_test);
    let mut segments = prefix.to_vec();
    loop {
        match text(tokens, at) {
            "{" => {
                at += 1;
                while at < tokens.len() && text(tokens, at) != "}" {
                    at = match text(tokens, at) {
                        word if is_word(word) || word == "*" => {
                            read_tree(tokens, at, &segments, found)
                        }
                        _ => at + 1,
                    };
                }
                return at + 1;
            }
            // A leading `self` adds nothing to the path.
            "self" if segments.is_empty() => at += 1,
            word if is_word(word) || word == "*" => {
                segments.push(word.to_owned());
                at += 1;
            }
            // `Vec::<T>`: the type arguments are read on their own.
            _ => break,
        }
        if text(tokens, at) != "::" {
            break;
        }
        at += 1;
    }
    if text(tokens, at) == "as" && !prefix.is_empty() {
        at += 2;
    }
    found.push(ImportPath {
        segments,
        line,
        in_test,
    });
    at
}

/// The lines of every item under `#[cfg(test)]` or `#[cfg(all(test, ..))]`.
fn test_parts(tokens: &[Token]) -> Vec<RangeInclusive<usize>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_cfg = [0, 1, 2].map(|ahead| text(tokens, at + ahead)) == ["#", "[", "cfg"];
        if !is_cfg {
            at += 1;
            continue;
        }
        let first = at;
        at = after_bracket(tokens, at + 1);
        let has = |word: &str| tokens[first..at].iter().any(|token| token.text == word);
        if !has("test") || has("not") || has("any") {
            continue;
        }
        // Further attributes and the head of the item, then its block or its semicolon.
        while at < tokens.len() && !matches!(text(tokens, at), ";" | "{" | "}") {
            let nested = matches!(text(tokens, at), "[" | "(");
            at = if nested {
                after_bracket(tokens, at)
            } else {
                at + 1
            };
        }
        at = match text(tokens, at) {
            "{" => after_bracket(tokens, at),
            ";" => at + 1,
            // A field or an arm: it ends where what surrounds it ends.
            _ => at,
        };
        parts.push(tokens[first].line..=tokens[at - 1].line);
    }
    parts
}

/// Just past the bracket that closes the one at `open`.
fn after_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Cuts a file into code and string literals.
fn lex(text: &str) -> (Vec<Token>, Vec<Token>) {
    let chars: Vec<char> = text.chars().collect();
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let run = |at: usize, of: fn(char) -> bool| {
        at + chars[at.min(chars.len())..]
            .iter()
            .take_while(|c| of(**c))
            .count()
    };
    let (mut tokens, mut strings) = (Vec::new(), Vec::new());
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let token = |end: usize| {
            let text = chars[start..end.min(chars.len())].iter().collect();
            Token {
                text,
                line,
                in_test: false,
            }
        };
        match chars[at] {
            '/' if peek(at + 1) == '/' => at = run(at, |c| c != '\n'),
            '/' if peek(at + 1) == '*' => at = after_block_comment(&chars, at),
            '"' => {
                at = after_string(&chars, at);
                strings.push(token(at));
            }
            // `'\''`, `'\u{1f}'`: to the quote behind what was escaped. Else `'x'`.
            '\'' if peek(at + 1) == '\\' => at = run(at + 3, |c| c != '\'') + 1,
            '\'' if peek(at + 2) == '\'' => at += 3,
            ':' if peek(at + 1) == ':' => {
                at += 2;
                tokens.push(token(at));
            }
            c if c.is_alphabetic() || c == '_' => {
                at = run(at, |c| c.is_alphanumeric() || c == '_');
                let word: String = chars[start..at].iter().collect();
                let quote = run(at, |c| c == '#');
                match (word.as_str(), peek(quote)) {
                    ("r" | "br" | "cr", '"') => {
                        at = after_raw_string(&chars, quote + 1, quote - at);
                        strings.push(token(at));
                    }
                    // The prefix of a literal or of a raw identifier, not a word.
                    ("b" | "c", '"' | '\'') if quote == at => {}
                    ("r", _) if quote == at + 1 => at = quote,
                    _ => tokens.push(token(at)),
                }
            }
            c => {
                at += 1;
                if !c.is_whitespace() {
                    tokens.push(token(at));
                }
            }
        }
        at = at.min(chars.len());
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    (tokens, strings)
}

fn after_block_comment(chars: &[char], open: usize) -> usize {
    let (mut at, mut depth) = (open + 2, 1_usize);
    while at < chars.len() && depth > 0 {
        match &chars[at..chars.len().min(at + 2)] {
            ['/', '*'] => (at, depth) = (at + 2, depth + 1),
            ['*', '/'] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn after_string(chars: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn after_raw_string(chars: &[char], inside: usize, hashes: usize) -> usize {
    let closes = |at: &usize| {
        let behind = chars[at + 1..].iter().take(hashes);
        chars[*at] == '"' && behind.filter(|c| **c == '#').count() == hashes
    };
    (inside..chars.len())
        .find(closes)
        .map_or(chars.len(), |at| at + 1 + hashes)
}

//! The path of a request, read once, in one way.
//!
//! The path that rules are matched against is the path that is forwarded: what two programs
//! could read in two ways is either put into its one normal form or refused.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

/// A request's path in normal form (RFC 3986, section 6.2.2): absolute, without dot segments
/// and empty segments, percent-encoding in upper case and only where it is needed.
///
/// ```
/// use gatepass::domain::RequestPath;
///
/// assert_eq!(RequestPath::parse("/a/./b//%63")?.as_str(), "/a/b/c");
/// assert!(RequestPath::parse("/a%2f..%2fadmin").is_err());
/// # Ok::<(), gatepass::domain::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath<'a>(Cow<'a, str>);

/// Why a path is refused: programs disagree on what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not start with a slash.
    #[error("the path does not start with a slash")]
    NotAbsolute,
    /// A byte that may not stand in a path: a control, a blank, `#`, `\`, or not ASCII.
    #[error("the path has a byte that may not stand there")]
    IllegalByte,
    /// `%` without two hexadecimal digits.
    #[error("the path has a broken percent-encoding")]
    BrokenEncoding,
    /// An encoded slash, backslash or control.
    #[error("the path has an encoded slash, backslash or control character")]
    EncodedSeparator,
    /// A dot segment that climbs above the root, or one with parameters (`..;x`).
    #[error("the path has a dot segment that programs read differently")]
    Dots,
}

impl<'a> RequestPath<'a> {
    /// Reads `raw`, the path of a request without its query. Allocates only when `raw` has
    /// something in it that may not be in normal form.
    ///
    /// # Errors
    ///
    /// When programs would disagree on the meaning of `raw`; see [`PathError`].
    pub fn parse(raw: &'a str) -> Result<Self, PathError> {
        if !raw.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        let mut plain = true;
        let mut before = 0;
        for byte in raw.bytes() {
            match byte {
                b'/' | b'.' if before == b'/' => plain = false,
                b'%' => plain = false,
                b'#' | b'\\' | b'?' | 0..=b' ' | 0x7f.. => return Err(PathError::IllegalByte),
                _ => {}
            }
            before = byte;
        }
        if plain {
            return Ok(Self(Cow::Borrowed(raw)));
        }
        let normal = normalize(raw)?;
        Ok(Self(if normal == raw {
            Cow::Borrowed(raw)
        } else {
            Cow::Owned(normal)
        }))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below a prefix of `prefix_len` bytes that [`PathPrefix::strip`] found on it;
    /// `/` when nothing is left.
    #[must_use]
    pub fn below(&self, prefix_len: usize) -> RequestPath<'_> {
        match self.0.get(prefix_len..) {
            Some(rest) if rest.starts_with('/') => RequestPath(Cow::Borrowed(rest)),
            _ => RequestPath(Cow::Borrowed("/")),
        }
    }

    /// Whether the normal form is what came in.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }

    /// The path as a program that decodes it and drops `;parameters` reads it: what access
    /// rules are matched against, beside the path itself.
    #[must_use]
    pub fn decoded(&self) -> Cow<'_, str> {
        if !self.0.contains(['%', ';']) {
            return Cow::Borrowed(&self.0);
        }
        let decoded = percent_decode_str(&self.0).decode_utf8_lossy();
        let segments: Vec<&str> = decoded
            .split('/')
            .map(|s| s.split(';').next().unwrap_or_default())
            .collect();
        Cow::Owned(segments.join("/"))
    }
}

fn normalize(raw: &str) -> Result<String, PathError> {
    let decoded = decode_unreserved(raw)?;
    let mut out = String::with_capacity(decoded.len());
    let mut segments = decoded[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "" | "." => {}
            ".." => {
                let parent = out.rfind('/').ok_or(PathError::Dots)?;
                out.truncate(parent);
            }
            _ if matches!(segment.split([';']).next(), Some("." | "..")) => {
                return Err(PathError::Dots);
            }
            _ => {
                out.push('/');
                out.push_str(segment);
                continue;
            }
        }
        if last {
            out.push('/');
        }
    }
    if out.is_empty() {
        out.push('/');
    }
    Ok(out)
}

/// Decodes what needs no encoding, raises the rest to upper case.
fn decode_unreserved(raw: &str) -> Result<String, PathError> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest
            .as_bytes()
            .get(at + 1..at + 3)
            .ok_or(PathError::BrokenEncoding)?;
        let [high, low] = [digits[0], digits[1]].map(|d| char::from(d).to_digit(16));
        let (Some(high), Some(low)) = (high, low) else {
            return Err(PathError::BrokenEncoding);
        };
        let byte = u8::try_from(high * 16 + low).map_err(|_| PathError::BrokenEncoding)?;
        match byte {
            b'/' | b'\\' | 0..=0x1f | 0x7f => return Err(PathError::EncodedSeparator),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte))
            }
            _ => {
                out.push('%');
                for digit in digits {
                    out.push(char::from(digit.to_ascii_uppercase()));
                }
            }
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The path prefix of a space: empty, or `/` and segments of `a-z 0-9 - . _ ~`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PathPrefix(Box<str>);

/// Why a text is no path prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "prefix `{0}` is neither empty nor `/` followed by segments of the characters a-z 0-9 - . _ ~"
)]
pub struct PrefixError(String);

impl PathPrefix {
    /// The prefix `text`, as `/sales`; `/` and the empty text are the empty prefix.
    ///
    /// # Errors
    ///
    /// When it does not start with `/`, ends with one, has an empty or dot segment, or a
    /// character that would need case folding or encoding.
    pub fn new(text: &str) -> Result<Self, PrefixError> {
        if text.is_empty() || text == "/" {
            return Ok(Self::default());
        }
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._~".contains(&b);
        let segment = |s: &str| !s.is_empty() && s != "." && s != ".." && s.bytes().all(legal);
        match text.strip_prefix('/') {
            Some(rest)
                if text.len() <= 256
                    && rest.split('/').all(segment)
                    && !rest.starts_with(".gatepass") =>
            {
                Ok(Self(text.into()))
            }
            _ => Err(PrefixError(text.chars().take(80).collect())),
        }
    }

    /// As text; empty for the empty prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What follows the prefix in `path`; `None` when `path` is not below it. Whole segments
    /// only: `/sales` is no prefix of `/salesroom`. The rest is empty or starts with `/`.
    #[must_use]
    pub fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.0)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(raw: &str) -> Result<String, PathError> {
        RequestPath::parse(raw).map(|p| p.as_str().to_owned())
    }

    #[test]
    fn s06_one_normal_form() {
        for (raw, normal) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("//admin", "/admin"),
            ("/a//b/", "/a/b/"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/%2E/", "/a/"),
            ("/%61dmin", "/admin"),
            ("/a%3bx", "/a%3Bx"),
            ("/%c3%a4", "/%C3%A4"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/...", "/a/..."),
            ("/a;x=1/b", "/a;x=1/b"),
            ("/%7euser", "/~user"),
            ("/a%23b", "/a%23b"),
            ("/a%3Fb", "/a%3Fb"),
        ] {
            assert_eq!(parse(raw).as_deref(), Ok(normal), "{raw}");
        }
    }

    #[test]
    fn s06_what_programs_read_differently_is_refused() {
        for (raw, error) in [
            ("a", PathError::NotAbsolute),
            ("", PathError::NotAbsolute),
            ("*", PathError::NotAbsolute),
            ("/a\\b", PathError::IllegalByte),
            ("/a#b", PathError::IllegalByte),
            ("/ä", PathError::IllegalByte),
            ("/a b", PathError::IllegalByte),
            ("/a%2fb", PathError::EncodedSeparator),
            ("/a%2F..%2Fadmin", PathError::EncodedSeparator),
            ("/a%5cb", PathError::EncodedSeparator),
            ("/a%00", PathError::EncodedSeparator),
            ("/a%0d%0a", PathError::EncodedSeparator),
            ("/a%", PathError::BrokenEncoding),
            ("/a%4", PathError::BrokenEncoding),
            ("/a%zz", PathError::BrokenEncoding),
            ("/..", PathError::Dots),
            ("/a/../../b", PathError::Dots),
            ("/a/..;/b", PathError::Dots),
            ("/a/%2e%2e;x/b", PathError::Dots),
        ] {
            assert_eq!(parse(raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn parameters_and_encodings_hide_nothing_from_a_rule() {
        let decoded = |raw| RequestPath::parse(raw).unwrap().decoded().into_owned();
        assert_eq!(decoded("/admin;x/users"), "/admin/users");
        assert_eq!(decoded("/admin%3bx/users"), "/admin/users");
        assert_eq!(decoded("/sales%20room"), "/sales room");
    }

    #[test]
    fn a_prefix_matches_whole_segments() {
        let sales = PathPrefix::new("/sales").unwrap();
        assert_eq!(sales.strip("/sales"), Some(""));
        assert_eq!(sales.strip("/sales/x"), Some("/x"));
        assert_eq!(sales.strip("/salesroom"), None);
        assert_eq!(PathPrefix::new("/").unwrap().strip("/x"), Some("/x"));
        for bad in [
            "sales",
            "/Sales",
            "/a/",
            "/a//b",
            "/a/../b",
            "/a b",
            "/.gatepass",
        ] {
            assert!(PathPrefix::new(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn normal_form_is_stable(raw in "/[a-c./%;2eEfF56]{0,24}") {
            if let Ok(path) = RequestPath::parse(&raw) {
                let once = path.as_str().to_owned();
                let again = RequestPath::parse(&once).expect("a normal form is legal");
                prop_assert_eq!(again.as_str(), &once);
                prop_assert!(!once.contains("//"));
                prop_assert!(once.split('/').all(|s| s != "." && s != ".."));
            }
        }
    }
}

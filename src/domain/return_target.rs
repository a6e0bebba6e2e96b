//! Where a browser may be sent after a login: nowhere that a stranger chose.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

use super::{HostPattern, host_of_authority};

/// A redirect target that stays here: a path of this origin, or a URL of an allow-listed
/// host (OWASP, Unvalidated Redirects and Forwards).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTarget(String);

/// The target would, or could in some browser, lead elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the return target is neither a path of this origin nor on an allowed host")]
pub struct ReturnTargetError;

impl ReturnTarget {
    /// Bytes a target may have; longer ones are refused.
    pub const MAX: usize = 2048;

    /// Checks `raw`: a path (with query) of this origin, or an `http(s)` URL whose host
    /// matches one of `allowed`.
    ///
    /// The text is checked as it is and once more after percent-decoding it, as some
    /// program on the way may. Control bytes, blanks at the start, `\`, `//` at the start
    /// and `@` in the first segment are refused.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn parse(raw: &str, allowed: &[HostPattern]) -> Result<Self, ReturnTargetError> {
        if raw.is_empty() || raw.len() > Self::MAX || !raw.is_ascii() {
            return Err(ReturnTargetError);
        }
        let decoded: Cow<'_, str> = percent_decode_str(raw).decode_utf8_lossy();
        let safe = [raw, &decoded]
            .iter()
            .all(|text| is_local_path(text) || is_on_allowed_host(text, allowed));
        if safe {
            Ok(Self(raw.to_owned()))
        } else {
            Err(ReturnTargetError)
        }
    }

    /// The target, for a `Location` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || c == '\\')
}

fn is_local_path(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let first = path.split('/').nth(1).unwrap_or_default();
    is_clean(text) && text.starts_with('/') && !path.contains("//") && !first.contains('@')
}

fn is_on_allowed_host(text: &str, allowed: &[HostPattern]) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    is_clean(text)
        && host_of_authority(&rest[..end])
            .is_some_and(|host| allowed.iter().any(|a| a.matches(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s09_only_safe_targets_are_taken() {
        let allowed = [HostPattern::new("app.example.com").unwrap()];
        for good in [
            "/",
            "/a/b?c=d#e",
            "/a?u=//x",
            "/a%20b",
            "/users/@me",
            "https://app.example.com/x",
            "http://APP.example.com:8080",
        ] {
            assert!(
                ReturnTarget::parse(good, &allowed).is_ok(),
                "{good:?} was refused"
            );
        }
        for bad in [
            "",
            "a",
            "//evil.com",
            "/\\evil.com",
            "\\\\evil.com",
            "/\t/evil.com",
            "/%09/evil.com",
            "/%2fevil.com",
            "/%5cevil.com",
            "%2f%2fevil.com",
            "/a//b",
            "https:evil.com",
            "https:/evil.com",
            "https://evil.com",
            "https://app.example.com@evil.com",
            "https://app.example.com%40evil.com",
            "https://evil.com\\app.example.com",
            "javascript:alert(1)",
            " /a",
            "/@evil.com",
            "/%40evil.com",
            "/a\r\nSet-Cookie: x",
            "/a%0d%0aX: y",
            "https://app.example.com.evil.com",
            "http://[::1]/",
            "//app.example.com",
            "data:text/html,x",
            "/ä",
        ] {
            assert!(
                ReturnTarget::parse(bad, &allowed).is_err(),
                "{bad:?} was taken"
            );
        }
        assert!(ReturnTarget::parse(&format!("/{}", "a".repeat(2048)), &allowed).is_err());
    }
}

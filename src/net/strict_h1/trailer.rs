//! Which fields may not come after a body.

use super::grammar::field;
use super::violation::Violation;

/// Reads one trailer line that is not empty.
pub(super) fn check_trailer(line: &[u8]) -> Result<(), Violation> {
    let (name, _) = field(line)?;
    if may_be_trailer(name) {
        Ok(())
    } else {
        Err(Violation::Trailer)
    }
}

/// Whether a field called `name` may come after a body. Fields for framing, routing,
/// authentication, request modifiers and content may not: a recipient would have had to know
/// them before the body (RFC 9110, section 6.5.1).
#[must_use]
pub fn may_be_trailer(name: &[u8]) -> bool {
    let starts_with = |prefix: &[u8]| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let is = |forbidden: &&str| name.eq_ignore_ascii_case(forbidden.as_bytes());
    let begins = |prefix: &&str| starts_with(prefix.as_bytes());
    !FORBIDDEN.iter().any(is) && !FORBIDDEN_PREFIXES.iter().any(begins)
}

const FORBIDDEN: &[&str] = &[
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "www-authenticate",
];

const FORBIDDEN_PREFIXES: &[&str] = &[
    "accept",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "x-forwarded-",
    "x-original-",
    "x-real-",
];

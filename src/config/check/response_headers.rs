//! What a space says on all its responses.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};

use super::header_name::response_header_name;
use crate::app::options::IdentityHeaders;
use crate::config::report::Scope;

const VALUE: &str = "visible ASCII characters, blanks between them; or nothing, which takes the header \
                     off the upstream's responses";

/// The headers in `table`, of a space that tells its upstream `identity` of the user.
pub(super) fn response_headers(
    raw: Option<BTreeMap<String, String>>,
    identity: &[IdentityHeaders],
    table: &Scope<'_>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in raw.unwrap_or_default() {
        let at = table.key(&name);
        let value = match HeaderValue::from_str(value.trim()) {
            Ok(value) if value.to_str().is_ok() => Some(value),
            _ => {
                at.bad(&format!("`{value}` has other characters"), VALUE);
                None
            }
        };
        let (Some(name), Some(value)) = (response_header_name(&at, &name), value) else {
            continue;
        };
        if headers.iter().any(|(known, _)| *known == name) {
            at.conflict(
                "it is there twice, in another case",
                "allowed: each header once",
            );
        }
        let is_told = |profile: &IdentityHeaders| match profile {
            IdentityHeaders::Custom(custom) => custom.iter().any(|(told, _)| *told == name),
            _ => false,
        };
        if identity.iter().any(is_told) {
            at.conflict(
                "it tells the upstream who the user is, and never reaches a client",
                "allowed: a header that is not in `custom_headers`",
            );
        }
        headers.push((name, value));
    }
    headers
}

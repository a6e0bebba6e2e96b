//! The Xrf key: proof that a request was not made by a page of another site.

use http::{HeaderMap, Uri};

use super::error::QpsError;

/// Checks that the query and the header of a request have the same key, which no page can
/// have a browser send to another site without asking first.
///
/// # Errors
///
/// [`QpsError::Xrf`] unless both have it, once each: 16 letters and digits.
pub(super) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), QpsError> {
    let query = uri.query().unwrap_or_default();
    let mut in_query = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name.eq_ignore_ascii_case(PARAMETER))
        .map(|(_, value)| value);
    let mut in_headers = headers.get_all(HEADER).iter();
    let (Some(one), None) = (in_query.next(), in_query.next()) else {
        return Err(QpsError::Xrf);
    };
    let (Some(other), None) = (in_headers.next(), in_headers.next()) else {
        return Err(QpsError::Xrf);
    };
    let is_key = one.len() == LENGTH && one.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_key || other.as_bytes() != one.as_bytes() {
        return Err(QpsError::Xrf);
    }
    Ok(())
}

/// Its name in the query, in any case.
const PARAMETER: &str = "xrfkey";
const HEADER: &str = "x-qlik-xrfkey";
/// Characters of a key.
const LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn passes(query: &str, header: &[&str]) -> bool {
        let uri: Uri = format!("/qps/session?{query}").parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in header {
            headers.append(HEADER, HeaderValue::from_str(value).unwrap());
        }
        check(&uri, &headers).is_ok()
    }

    #[test]
    fn the_key_is_in_both_places_and_the_same() {
        let key = "0123456789abcXYZ";
        for name in ["xrfkey", "Xrfkey", "XRFKEY", "xrfKey", "a=b&%78rfkey"] {
            assert!(passes(&format!("{name}={key}"), &[key]), "{name}");
        }
        assert!(passes(&format!("a=1&xrfkey={key}&b"), &[key]));
        let same = format!("xrfkey={key}");
        for headers in [
            &[][..],
            &[""],
            &["0123456789abcXYz"],
            &["0123456789abcXY"],
            &[key, key],
        ] {
            assert!(!passes(&same, headers), "{headers:?}");
        }
        for query in [
            "",
            "xrfkey",
            "xrfkey=",
            "xrfkeys=0123456789abcXYZ",
            "xrfkey=0123456789abcXYZ&XrfKey=0123456789abcXYZ",
            "xrfkey=0123456789abcXYZ0",
        ] {
            assert!(!passes(query, &[key]), "{query}");
        }
        for odd in [
            "0123456789abc-YZ",
            "0123456789abc+YZ",
            "0123456789abcXYZ0",
            "",
            "a",
        ] {
            assert!(!passes(&format!("xrfkey={odd}"), &[odd]), "{odd}");
        }
    }
}

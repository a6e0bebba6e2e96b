//! The query string of a URL, read as a form.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::fault::Fault;

/// The parameters that some endpoint of the dialect knows, decoded. Others are ignored.
///
/// `+` and `%20` are spaces, pairs end at `&` and nowhere else, and a pair is split at its
/// first `=`; so `;`, `=` and `(` may stand in a value as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(&'static str, String)>);

const KNOWN: [&str; 10] = [
    "query",
    "fields",
    "expand",
    "order_by",
    "group_by",
    "limit",
    "offset",
    "dry_run",
    "exclude_current",
    "wait",
];

impl Form {
    fn parse(query: &str) -> Result<Self, Fault> {
        let mut known = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(name) = KNOWN.into_iter().find(|known| *known == name) else {
                continue;
            };
            if known.iter().any(|(other, _)| *other == name) {
                return Err(Fault::parameter(name, "one value, not several,"));
            }
            known.push((name, value.into_owned()));
        }
        Ok(Self(known))
    }

    /// The value of `name`; none and a blank one are the same.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.trim().is_empty())
    }

    /// The value of `name` as it is, blank or not.
    fn given(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| value.as_str())
    }

    /// The number that is the value of `name`; a blank one is none and an error.
    pub(super) fn number(&self, name: &str, expected: &str) -> Result<Option<u64>, Fault> {
        let parse = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| digits);
            number.ok_or_else(|| Fault::parameter(name, expected))
        };
        self.given(name).map(parse).transpose()
    }

    /// Whether `name` is `true`. A blank value is an error: `dry_run=` must not end anything.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.given(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Fault::parameter(name, "true or false")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_string_is_a_form() {
        for (text, query) in [
            ("query=%22id%3D1%22", "\"id=1\""),
            ("query=\"(id='a';id='b')\"", "\"(id='a';id='b')\""),
            ("&&query=a+b%20c%2Bd&", "a b c+d"),
            ("x=y;query=1&query=2;z", "2;z"),
            ("query=a=b=c&unknown&=", "a=b=c"),
            ("%71uery=1", "1"),
        ] {
            assert_eq!(
                Form::parse(text).unwrap().get("query"),
                Some(query),
                "{text}"
            );
        }
        for empty in ["", "&", "query", "query=", "?&query=+", "x=y;query=1"] {
            assert_eq!(Form::parse(empty).unwrap().get("query"), None, "{empty}");
        }
        // Of two filters, which is meant? Not a question to guess about.
        assert!(Form::parse("query=a&limit=1&query=b").is_err());
        assert!(Form::parse("other=a&other=b").is_ok());
    }

    #[test]
    fn numbers_and_flags_are_read_strictly() {
        let form = Form::parse("limit=10&offset=%2B1&dry_run=true&exclude_current=yes").unwrap();
        assert_eq!(form.number("limit", "a number").unwrap(), Some(10));
        assert_eq!(form.number("wait", "a number").unwrap(), None);
        assert!(form.number("offset", "a number").is_err());
        assert!(form.flag("dry_run").unwrap() && !form.flag("wait").unwrap());
        assert!(form.flag("exclude_current").is_err());
        let blank = Form::parse("limit=&dry_run=&exclude_current").unwrap();
        assert!(blank.number("limit", "a number").is_err());
        assert!(blank.flag("dry_run").is_err() && blank.flag("exclude_current").is_err());
    }
}

//! The session cookie: the one place that reads and sets it.

use http::Response;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use crate::domain::{CookiePolicy, Scheme, Token, TokenDigest};

/// What a request's cookies say about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// There is no session cookie.
    Nothing,
    /// There is one, and it is a token.
    Token(TokenDigest),
    /// There is one that is no token of ours, but may be a secret that a trusted program chose.
    Chosen(TokenDigest),
    /// There is one that is no token, or there are several: no session, and the cookie had
    /// better go.
    Unusable,
}

impl Presented {
    /// The digest by which a session is looked for.
    #[must_use]
    pub const fn digest(&self) -> Option<&TokenDigest> {
        match self {
            Self::Token(digest) | Self::Chosen(digest) => Some(digest),
            Self::Nothing | Self::Unusable => None,
        }
    }

    /// Whether a cookie that opens no session is of a kind that no client of ours keeps.
    pub(super) const fn is_odd(&self) -> bool {
        matches!(self, Self::Chosen(_) | Self::Unusable)
    }
}

/// A space's cookie, ready to be looked for and set.
#[derive(Clone, Debug)]
pub struct CookieNames {
    policy: CookiePolicy,
}

impl CookieNames {
    /// The cookie of `policy`.
    #[must_use]
    pub const fn new(policy: CookiePolicy) -> Self {
        Self { policy }
    }

    /// The cookie's name for a client that uses `scheme`.
    #[must_use]
    pub fn name(&self, scheme: Scheme) -> &str {
        match scheme {
            Scheme::Https => self.policy.tls_name(),
            Scheme::Http => self.policy.name(),
        }
    }

    /// Looks for the cookie in a request's headers. Allocates nothing.
    #[must_use]
    pub fn read(&self, headers: &HeaderMap, scheme: Scheme) -> Presented {
        self.read_values(
            headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes),
            scheme,
        )
    }

    /// As [`read`](Self::read), in the values of the `Cookie` headers.
    #[must_use]
    pub fn read_values<'v>(
        &self,
        values: impl IntoIterator<Item = &'v [u8]>,
        scheme: Scheme,
    ) -> Presented {
        let name = self.name(scheme).as_bytes();
        let mut found = None;
        for header in values {
            let mut rest = header;
            loop {
                let end = memchr::memchr(b';', rest);
                let pair = &rest[..end.unwrap_or(rest.len())];
                let value = pair
                    .trim_ascii()
                    .strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix(b"="));
                if let Some(value) = value
                    && found.replace(value).is_some()
                {
                    return Presented::Unusable;
                }
                match end {
                    Some(end) => rest = &rest[end + 1..],
                    None => break,
                }
            }
        }
        let Some(value) = found else {
            return Presented::Nothing;
        };
        match Token::parse(value) {
            Ok(token) => Presented::Token(token.digest()),
            Err(_) => TokenDigest::of_chosen(value).map_or(Presented::Unusable, Presented::Chosen),
        }
    }

    /// The header that gives `token` to the client.
    #[must_use]
    pub fn set(&self, token: &Token, scheme: Scheme) -> SetCookie {
        self.header(&token.expose(), "", scheme)
    }

    /// The header that takes the cookie back: the same attributes it was set with, and a
    /// time long past.
    #[must_use]
    pub fn remove(&self, scheme: Scheme) -> SetCookie {
        self.header("", "; Max-Age=0", scheme)
    }

    fn header(&self, value: &str, age: &str, scheme: Scheme) -> SetCookie {
        let name = self.name(scheme);
        let attributes = self.policy.attributes(age, scheme);
        let text = format!("{name}={value}{attributes}");
        let mut header = HeaderValue::try_from(text).expect("a token's text and a checked name");
        header.set_sensitive(true);
        SetCookie(header)
    }
}

/// `response` with the cookie of a session that was opened or left, if one was.
pub(super) fn with_cookie<B>(mut response: Response<B>, cookie: Option<SetCookie>) -> Response<B> {
    if let Some(cookie) = cookie {
        cookie.apply(response.headers_mut());
    }
    response
}

/// A `Set-Cookie` header for a response.
#[derive(Clone, Debug)]
pub struct SetCookie(HeaderValue);

impl SetCookie {
    /// The header's name.
    pub const NAME: HeaderName = SET_COOKIE;

    /// Adds it, before any that the upstream set.
    pub fn apply(self, headers: &mut HeaderMap) {
        let others: Vec<_> = match headers.entry(SET_COOKIE) {
            http::header::Entry::Occupied(entry) => entry.remove_entry_mult().1.collect(),
            http::header::Entry::Vacant(_) => Vec::new(),
        };
        headers.insert(SET_COOKIE, self.0);
        for other in others {
            headers.append(SET_COOKIE, other);
        }
    }

    /// Takes out of an upstream's response what would set a cookie of which `is_ours` holds;
    /// other cookies stay as they came, in their order. Costs nothing where there is none.
    pub fn withhold(headers: &mut HeaderMap, is_ours: impl Fn(&[u8]) -> bool) {
        let sets_ours = |value: &HeaderValue| is_ours(name_that_is_set(value.as_bytes()));
        if !headers.get_all(SET_COOKIE).iter().any(sets_ours) {
            return;
        }
        if let http::header::Entry::Occupied(entry) = headers.entry(SET_COOKIE) {
            let (name, values) = entry.remove_entry_mult();
            let others: Vec<_> = values.filter(|value| !sets_ours(value)).collect();
            for other in others {
                headers.append(name.clone(), other);
            }
        }
    }

    /// As a header field.
    #[must_use]
    pub fn into_field(self) -> (HeaderName, HeaderValue) {
        (SET_COOKIE, self.0)
    }
}

/// The name under which a browser sends back what this header sets. One without a name is
/// sent as its value alone, which then reads as name and value (RFC 6265bis, section 5.7).
fn name_that_is_set(header: &[u8]) -> &[u8] {
    let pair = header.split(|b| *b == b';').next().unwrap_or_default();
    let mut rest = pair.trim_ascii_start();
    while let [b'=', behind @ ..] = rest {
        rest = behind.trim_ascii_start();
    }
    let name = rest.split(|b| *b == b'=').next().unwrap_or_default();
    name.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::SameSite;

    fn names() -> CookieNames {
        CookieNames::new(CookiePolicy::default())
    }

    fn read(cookies: &[&str], scheme: Scheme) -> Presented {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).unwrap());
        }
        names().read(&headers, scheme)
    }

    #[test]
    fn the_cookie_is_found_among_others_under_the_name_of_the_scheme() {
        let token = Token::generate();
        let (text, digest) = (token.expose(), Presented::Token(token.digest()));
        for cookies in [
            format!("gatepass={text}"),
            format!("a=b; gatepass={text};c=d"),
            format!("xgatepass=1;  gatepass={text} "),
        ] {
            assert_eq!(read(&[&cookies], Scheme::Http), digest, "{cookies}");
            assert_eq!(
                read(&[&cookies], Scheme::Https),
                Presented::Nothing,
                "{cookies}"
            );
        }
        assert_eq!(
            read(&["a=b", &format!("__Host-gatepass={text}")], Scheme::Https),
            digest
        );
        assert_eq!(
            read(&[&format!("Gatepass={text}")], Scheme::Http),
            Presented::Nothing
        );
    }

    #[test]
    fn s14_a_malformed_or_duplicate_cookie_is_no_session() {
        let text = Token::generate().expose();
        let twice = format!("gatepass={text}; gatepass={text}");
        for cookies in [
            &["gatepass="][..],
            &["gatepass"],
            &["gatepass=\"x\""],
            &["gatepass=%41"],
            &[&twice],
            &[&format!("gatepass={text}"), "gatepass=x"],
            &["gatepass=\u{e4}"],
        ] {
            let expected = if cookies == ["gatepass"] {
                Presented::Nothing
            } else {
                Presented::Unusable
            };
            assert_eq!(read(cookies, Scheme::Http), expected, "{cookies:?}");
        }
    }

    #[test]
    fn a_long_enough_text_may_be_a_secret_that_somebody_chose() {
        let text = format!("{}x", Token::generate().expose());
        let presented = read(&[&format!("gatepass={text}")], Scheme::Http);
        let digest = TokenDigest::of_chosen(text.as_bytes()).unwrap();
        assert_eq!(presented, Presented::Chosen(digest));
        assert!(presented.is_odd());
    }

    #[test]
    fn s21_the_cookie_is_host_bound_secure_http_only_and_lax() {
        let token = Token::generate();
        let (name, value) = names().set(&token, Scheme::Https).into_field();
        assert_eq!(name, SET_COOKIE);
        assert_eq!(
            value.to_str().unwrap(),
            format!(
                "__Host-gatepass={}; Path=/; HttpOnly; Secure; SameSite=Lax",
                token.expose()
            )
        );
        assert!(value.is_sensitive() && value.len() < 4096);
        let plain = names().set(&token, Scheme::Http).into_field().1;
        assert_eq!(
            plain.to_str().unwrap(),
            format!(
                "gatepass={}; Path=/; HttpOnly; SameSite=Lax",
                token.expose()
            )
        );
    }

    #[test]
    fn s13_removal_names_the_attributes_that_the_cookie_was_set_with() {
        let removed = names().remove(Scheme::Https).into_field().1;
        assert_eq!(
            removed.to_str().unwrap(),
            "__Host-gatepass=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
        );
    }

    #[test]
    fn s21_no_cookie_is_larger_than_browsers_take() {
        let long = |n: usize| "x".repeat(n);
        let domain = [long(63), long(63), long(63), long(61)].join(".");
        let policy = CookiePolicy::new(&long(64), SameSite::None).unwrap();
        let names = CookieNames::new(policy.with_domain(&domain).unwrap().partitioned());
        let (_, value) = names.set(&Token::generate(), Scheme::Https).into_field();
        assert!(value.len() < 4096, "{value:?}");
    }

    #[test]
    fn s05_an_upstream_sets_no_cookie_of_ours() {
        let is_ours = |name: &[u8]| name == b"gatepass" || name == b"__Host-gatepass";
        let left = |values: &[&str]| -> Vec<String> {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    SET_COOKIE,
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                );
            }
            SetCookie::withhold(&mut headers, is_ours);
            let values = headers.get_all(SET_COOKIE).iter();
            values.map(|v| v.to_str().unwrap().to_owned()).collect()
        };
        for ours in [
            "gatepass=x",
            "gatepass=",
            "gatepass",
            " \tgatepass \t= x; Path=/",
            "__Host-gatepass=x; Secure; Path=/",
            "=gatepass=x",
            " = gatepass=x",
            "==gatepass=x",
            "gatepass; Path=/",
        ] {
            assert!(left(&[ours]).is_empty(), "{ours}");
            assert_eq!(left(&["a=1", ours, "b=2", ours]), ["a=1", "b=2"], "{ours}");
        }
        let others = [
            "Gatepass=x",
            "gatepass2=x",
            "xgatepass=x",
            "a=gatepass=x",
            "a=1; gatepass=x",
            "",
            "=",
        ];
        assert_eq!(left(&others), others);
    }

    #[test]
    fn our_cookie_comes_first() {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        names().remove(Scheme::Http).apply(&mut headers);
        let all: Vec<_> = headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|v| v.to_str().unwrap())
            .collect();
        assert!(
            all[0].starts_with("gatepass=;") && all[1..] == ["a=1", "b=2"],
            "{all:?}"
        );
    }

    proptest! {
        #[test]
        fn s14_no_bytes_panic_or_make_a_session(bytes in prop::collection::vec(prop_oneof![Just(b';'), Just(b'='), Just(b' '), 0x20_u8..=0xff], 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&[b"gatepass=", &bytes[..]].concat()) {
                let mut headers = HeaderMap::new();
                headers.insert(COOKIE, value);
                let presented = names().read(&headers, Scheme::Http);
                prop_assert!(!matches!(presented, Presented::Nothing));
            }
        }
    }
}

//! The dialect's cookies, the one place that reads and sets them: `LWSSO_COOKIE_KEY`, the
//! secret, and `OCTANE_USER`, a name to show.
//!
//! The names and the attributes `Path=/; HttpOnly` are what the dialect's clients look for,
//! so the `__Host-` prefix of the gateway's own cookie cannot be used; it is the side port's
//! check of `Origin` that keeps other sites from using the cookie.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

use crate::domain::{Connection, Scheme, SpaceId, Token, TokenDigest};

/// What a request's cookies say about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// There is no cookie.
    Nothing,
    /// The token of a session of this space.
    Token(TokenDigest, SpaceId),
    /// It is no token, or there are several.
    Unusable,
}

/// Looks for the secret in a request's headers.
pub(super) fn read(headers: &HeaderMap) -> Presented {
    let mut found = None;
    let values = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    for pair in values.flat_map(|value| value.split(|byte| *byte == b';')) {
        let value = pair
            .trim_ascii()
            .strip_prefix(NAME.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="));
        if let Some(value) = value
            && found.replace(value).is_some()
        {
            return Presented::Unusable;
        }
    }
    match found {
        None | Some(b"") => Presented::Nothing,
        Some(value) => parse(value).unwrap_or(Presented::Unusable),
    }
}

fn parse(value: &[u8]) -> Option<Presented> {
    let (token, space) = value.split_at_checked(Token::TEXT)?;
    let space = str::from_utf8(space.strip_prefix(b".")?).ok()?;
    let digest = Token::parse(token).ok()?.side_port_digest();
    Some(Presented::Token(digest, SpaceId::new(space).ok()?))
}

/// Gives a client the secret of its session of `space`, and its name.
pub(super) fn set(
    headers: &mut HeaderMap,
    token: &Token,
    space: &SpaceId,
    user: &str,
    connection: Option<&Connection>,
) {
    let secret = format!("{}.{space}", token.expose());
    append(headers, NAME, &secret, "", connection);
    append(headers, USER, user, "", connection);
}

/// Takes both back, with the attributes that they were set with.
pub(super) fn remove(headers: &mut HeaderMap, connection: Option<&Connection>) {
    append(headers, NAME, "", "; Max-Age=0", connection);
    append(headers, USER, "", "; Max-Age=0", connection);
}

fn append(
    headers: &mut HeaderMap,
    name: &str,
    value: &str,
    age: &str,
    connection: Option<&Connection>,
) {
    let secure = match connection.map(|connection| connection.scheme) {
        Some(Scheme::Https) => "; Secure",
        Some(Scheme::Http) | None => "",
    };
    let text = format!("{name}={value}; Path=/{age}; HttpOnly{secure}; SameSite=Strict");
    let mut header = HeaderValue::try_from(text).expect("a token, a space's id or a key's id");
    header.set_sensitive(true);
    headers.append(SET_COOKIE, header);
}

const NAME: &str = "LWSSO_COOKIE_KEY";
const USER: &str = "OCTANE_USER";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_value(cookie: &str) -> Presented {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).unwrap());
        read(&headers)
    }

    #[test]
    fn what_is_set_is_read() {
        let (token, space) = (Token::generate(), SpaceId::new("a.~1").unwrap());
        let mut headers = HeaderMap::new();
        set(&mut headers, &token, &space, "ops", None);
        let set: Vec<_> = headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        let (pair, attributes) = set[0].split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
        assert!(set[1].starts_with("OCTANE_USER=ops; Path=/; "));
        let cookie = format!("OCTANE_USER=ops; {pair}");
        let expected = Presented::Token(token.side_port_digest(), space);
        assert_eq!(read_value(&cookie), expected);
        assert_ne!(token.side_port_digest(), token.digest());
    }

    #[test]
    fn s21_secure_is_for_tls_and_s13_removal_has_the_same_attributes() {
        let connection = |scheme| Connection {
            peer: ([127, 0, 0, 1], 1).into(),
            client_ip: [127, 0, 0, 1].into(),
            scheme,
        };
        for (scheme, secure) in [(Scheme::Http, false), (Scheme::Https, true)] {
            let (mut given, mut taken) = (HeaderMap::new(), HeaderMap::new());
            let connection = connection(scheme);
            let space = SpaceId::new("1").unwrap();
            set(
                &mut given,
                &Token::generate(),
                &space,
                "u",
                Some(&connection),
            );
            remove(&mut taken, Some(&connection));
            for (given, taken) in given
                .get_all(SET_COOKIE)
                .iter()
                .zip(taken.get_all(SET_COOKIE))
            {
                let attributes = |value: &HeaderValue| {
                    let text = value.to_str().unwrap().replace("; Max-Age=0", "");
                    text.split_once(';').unwrap().1.to_owned()
                };
                assert!(given.is_sensitive());
                assert_eq!(attributes(given), attributes(taken));
                assert_eq!(attributes(given).contains("Secure"), secure);
            }
            assert_eq!(taken.get_all(SET_COOKIE).iter().count(), 2);
        }
    }

    #[test]
    fn s14_anything_else_is_no_session() {
        let token = Token::generate().expose();
        for nothing in ["", "a=b", "xLWSSO_COOKIE_KEY=1", "LWSSO_COOKIE_KEY="] {
            assert_eq!(read_value(nothing), Presented::Nothing, "{nothing}");
        }
        for unusable in [
            format!("LWSSO_COOKIE_KEY={token}"),
            format!("LWSSO_COOKIE_KEY={token}."),
            format!("LWSSO_COOKIE_KEY={token}.a/b"),
            format!("LWSSO_COOKIE_KEY={token}x.1"),
            format!("LWSSO_COOKIE_KEY={token}.1; LWSSO_COOKIE_KEY={token}.1"),
            format!("LWSSO_COOKIE_KEY=é{}.1", &token[2..]),
        ] {
            assert_eq!(read_value(&unusable), Presented::Unusable, "{unusable}");
        }
    }
}

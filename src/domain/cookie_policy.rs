//! How a space's session cookie looks.

/// The cookie's `SameSite` attribute (RFC 6265bis, section 5.6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Sent on top-level navigation from elsewhere, not with other cross-site requests.
    #[default]
    Lax,
    /// Never sent with a cross-site request.
    Strict,
    /// Always sent; browsers take it only with `Secure`.
    None,
}

impl SameSite {
    /// As in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// A space's session cookie: its name and when it is sent.
///
/// Over TLS the cookie is `__Host-<name>` with `Secure` and `Path=/`, so that no other host,
/// not even a subdomain, can plant one. Over plain HTTP browsers take neither the prefix nor
/// `Secure`; there it is `<name>`, and only there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    host_name: Box<str>,
    same_site: SameSite,
}

/// Why a text can be no cookie's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cookie name `{0}` is not 1 to 64 token characters (RFC 9110) without a `__Host-` or `__Secure-` prefix"
)]
pub struct CookieNameError(String);

const PREFIX: &str = "__Host-";

impl CookiePolicy {
    /// A cookie called `name`.
    ///
    /// # Errors
    ///
    /// When `name` is empty, longer than 64 characters, has a character that is no token
    /// character (RFC 9110, section 5.6.2), or brings a cookie prefix of its own.
    pub fn new(name: &str, same_site: SameSite) -> Result<Self, CookieNameError> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let lower = name.to_ascii_lowercase();
        let prefixed = lower.starts_with("__host-") || lower.starts_with("__secure-");
        if (1..=64).contains(&name.len()) && name.bytes().all(token) && !prefixed {
            Ok(Self {
                host_name: format!("{PREFIX}{name}").into(),
                same_site,
            })
        } else {
            Err(CookieNameError(name.chars().take(80).collect()))
        }
    }

    /// The cookie's name over plain HTTP, and the stem of the one over TLS.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.host_name[PREFIX.len()..]
    }

    /// The cookie's name over TLS.
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// When browsers send it.
    #[must_use]
    pub const fn same_site(&self) -> SameSite {
        self.same_site
    }
}

impl Default for CookiePolicy {
    fn default() -> Self {
        Self {
            host_name: "__Host-gatepass".into(),
            same_site: SameSite::Lax,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_without_a_prefix() {
        let policy = CookiePolicy::new("x-y", SameSite::Strict).unwrap();
        assert_eq!((policy.name(), policy.host_name()), ("x-y", "__Host-x-y"));
        for bad in [
            "",
            "a b",
            "a=b",
            "a;b",
            "ä",
            "__Host-a",
            "__secure-a",
            &"x".repeat(65),
        ] {
            assert!(
                CookiePolicy::new(bad, SameSite::Lax).is_err(),
                "{bad:?} was taken"
            );
        }
    }
}

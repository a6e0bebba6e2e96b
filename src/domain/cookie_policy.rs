//! How a space's session cookie looks.

use super::{HostPattern, Scheme};

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
    /// No attribute: what that means is the browser's matter, most take it for a looser `Lax`.
    Unset,
}

impl SameSite {
    /// As in the header; `None` when there is no attribute.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Lax => Some("Lax"),
            Self::Strict => Some("Strict"),
            Self::None => Some("None"),
            Self::Unset => None,
        }
    }
}

/// A space's session cookie: its name and when it is sent.
///
/// Over TLS the cookie is `__Host-<name>` with `Secure` and `Path=/`, so that no other host,
/// not even a subdomain, can plant one; for a whole domain it is `__Secure-<name>`, which
/// every host of the domain can. Over plain HTTP browsers take neither the prefix nor
/// `Secure`; there it is `<name>`, and only there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    /// The prefix and the name.
    tls_name: Box<str>,
    prefix: &'static str,
    same_site: SameSite,
    is_partitioned: bool,
    domain: Option<Box<str>>,
}

/// Why a text can be no cookie's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cookie name `{0}` is not 1 to 64 token characters (RFC 9110) without a `__Host-` or `__Secure-` prefix"
)]
pub struct CookieNameError(String);

/// Why a text can be no cookie's domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cookie domain `{0}` is not the name of a domain of two labels or more")]
pub struct CookieDomainError(String);

const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";

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
                tls_name: format!("{HOST}{name}").into(),
                prefix: HOST,
                same_site,
                is_partitioned: false,
                domain: None,
            })
        } else {
            Err(CookieNameError(name.chars().take(80).collect()))
        }
    }

    /// Kept apart by the site that the browser shows it in (`Partitioned`, CHIPS): for an
    /// application inside other sites' frames. Of use with [`SameSite::None`] over TLS only.
    #[must_use]
    pub const fn partitioned(mut self) -> Self {
        self.is_partitioned = true;
        self
    }

    /// Sent to `domain` and every host below it, each of which can then read, replace or
    /// plant it.
    ///
    /// # Errors
    ///
    /// When `domain` is no name of two labels or more.
    pub fn with_domain(mut self, domain: &str) -> Result<Self, CookieDomainError> {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
        let (name, last) = match HostPattern::new(domain) {
            Ok(HostPattern::Exact(name)) => {
                let last = name.rsplit_once('.').map(|(_, last)| is_number(last));
                (name, last)
            }
            _ => ("".into(), None),
        };
        // Neither `com` nor an address.
        if last != Some(false) {
            return Err(CookieDomainError(domain.chars().take(80).collect()));
        }
        self.domain = Some(name);
        if self.prefix == HOST {
            self = self.prefixed(SECURE);
        }
        Ok(self)
    }

    /// Called by its name alone, over TLS too: for programs that set the cookie themselves
    /// and know no prefix. Browsers then let others set it, too.
    #[must_use]
    pub fn without_prefix(self) -> Self {
        self.prefixed("")
    }

    fn prefixed(mut self, prefix: &'static str) -> Self {
        self.tls_name = format!("{prefix}{}", self.name()).into();
        self.prefix = prefix;
        self
    }

    /// The cookie's name over plain HTTP, and the stem of the one over TLS.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.tls_name[self.prefix.len()..]
    }

    /// The cookie's name over TLS.
    #[must_use]
    pub fn tls_name(&self) -> &str {
        &self.tls_name
    }

    /// When browsers send it.
    #[must_use]
    pub const fn same_site(&self) -> SameSite {
        self.same_site
    }

    /// Whether browsers keep it apart by the site that they show it in.
    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        self.is_partitioned
    }

    /// The domain whose hosts it is sent to; `None` for the host that set it.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// What stands behind name and value in the header, for a client that uses `scheme`:
    /// `; Path=/; HttpOnly` and the rest. `age` comes behind the path.
    #[must_use]
    pub fn attributes(&self, age: &str, scheme: Scheme) -> String {
        let mut text = format!("; Path=/{age}");
        if let Some(domain) = &self.domain {
            text += "; Domain=";
            text += domain;
        }
        text += "; HttpOnly";
        // Browsers take SameSite=None and Partitioned with Secure only; without it, Lax is
        // what they assume.
        let same_site = match (scheme, self.same_site) {
            (Scheme::Http, SameSite::None) => SameSite::Lax,
            (_, same_site) => same_site,
        };
        if scheme == Scheme::Https {
            text += "; Secure";
        }
        if let Some(same_site) = same_site.as_str() {
            text += "; SameSite=";
            text += same_site;
        }
        if self.is_partitioned && scheme == Scheme::Https {
            text += "; Partitioned";
        }
        text
    }
}

impl Default for CookiePolicy {
    fn default() -> Self {
        Self {
            tls_name: "__Host-gatepass".into(),
            prefix: HOST,
            same_site: SameSite::Lax,
            is_partitioned: false,
            domain: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(name: &str) -> CookiePolicy {
        CookiePolicy::new(name, SameSite::Lax).unwrap()
    }

    #[test]
    fn names_are_tokens_without_a_prefix() {
        let policy = CookiePolicy::new("x-y", SameSite::Strict).unwrap();
        assert_eq!((policy.name(), policy.tls_name()), ("x-y", "__Host-x-y"));
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

    #[test]
    fn the_prefix_is_the_strictest_that_holds() {
        let names =
            |policy: &CookiePolicy| (policy.name().to_owned(), policy.tls_name().to_owned());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let wide = cookie("a").with_domain(".Example.COM").unwrap();
        assert_eq!(names(&wide), pair("a", "__Secure-a"));
        assert_eq!(wide.domain(), Some("example.com"));
        assert_eq!(names(&wide.without_prefix()), pair("a", "a"));
        let bare = cookie("a")
            .without_prefix()
            .with_domain("a.example")
            .unwrap();
        assert_eq!(names(&bare), pair("a", "a"));
        assert_eq!(
            names(&CookiePolicy::default()),
            pair("gatepass", "__Host-gatepass")
        );
        for bad in [
            "",
            ".",
            "com",
            "*.example.com",
            "10.0.0.1",
            "[::1]",
            "a b.c",
            "a;.c",
            "localhost",
        ] {
            assert!(cookie("a").with_domain(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn s21_attributes_follow_the_scheme() {
        let none = CookiePolicy::new("a", SameSite::None)
            .unwrap()
            .partitioned();
        assert_eq!(
            none.attributes("", Scheme::Https),
            "; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
        );
        assert_eq!(
            none.attributes("", Scheme::Http),
            "; Path=/; HttpOnly; SameSite=Lax"
        );
        let unset = CookiePolicy::new("a", SameSite::Unset).unwrap();
        let unset = unset.with_domain("example.com").unwrap();
        assert_eq!(
            unset.attributes("; Max-Age=0", Scheme::Https),
            "; Path=/; Max-Age=0; Domain=example.com; HttpOnly; Secure"
        );
    }
}

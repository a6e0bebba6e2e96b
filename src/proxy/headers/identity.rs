//! Tells an upstream who the user is, in the headers that it knows.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::hop_by_hop;
use super::names::{
    REMOTE_EMAIL, REMOTE_GROUPS, REMOTE_NAME, REMOTE_USER, X_FORWARDED_EMAIL, X_FORWARDED_FOR,
    X_FORWARDED_GROUPS, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PREFERRED_USERNAME,
    X_FORWARDED_PREFIX, X_FORWARDED_PROTO, X_FORWARDED_USER, X_QLIK_PROXY_SESSION, X_QLIK_SECURITY,
    X_QLIK_USER, X_QLIK_VIRTUAL_PROXY_PREFIX, X_REAL_IP,
};
use super::template::Template;
use crate::domain::{PathPrefix, Scheme, Session};

/// A set of headers that carries an identity.
///
/// | profile | headers |
/// |---|---|
/// | `x-forwarded` | `X-Forwarded-User` (id), `-Preferred-Username` (name), `-Email`, `-Groups` |
/// | `remote` | `Remote-User` (id), `Remote-Name`, `Remote-Email`, `Remote-Groups` |
/// | `qlik` | `X-Qlik-User`, `X-Qlik-Security`, `X-Qlik-ProxySession`, `X-Qlik-Virtual-Proxy-Prefix` |
/// | `custom` | one header of any name, its value a [`Template`] |
///
/// What a session does not have is absent, not empty (S02). Values are UTF-8 as it is, which
/// HTTP calls obs-text and upstreams commonly read; only `qlik` percent-encodes. Lists are
/// joined by commas, with `%`, `,` and blanks at an item's ends percent-encoded, so that no
/// item can pass for two. Values with control characters are left out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Profile {
    /// As oauth2-proxy and its kin.
    XForwarded {
        /// The attribute whose values are the groups; [`Profile::GROUPS`] by default.
        groups: String,
    },
    /// As Authelia and its kin.
    Remote {
        /// The attribute whose values are the groups.
        groups: String,
    },
    /// As the Qlik Sense Proxy Service.
    Qlik {
        /// The space's path prefix.
        prefix: PathPrefix,
    },
    /// A header of one's own.
    Custom {
        /// Its name.
        name: HeaderName,
        /// Its value.
        value: Template,
    },
}

impl Profile {
    /// The attribute that holds groups where nothing else is configured.
    pub const GROUPS: &str = "group";

    /// The headers this profile may set.
    #[must_use]
    pub fn names(&self) -> Vec<&HeaderName> {
        match self {
            Self::XForwarded { .. } => vec![
                &X_FORWARDED_USER,
                &X_FORWARDED_PREFERRED_USERNAME,
                &X_FORWARDED_EMAIL,
                &X_FORWARDED_GROUPS,
            ],
            Self::Remote { .. } => {
                vec![&REMOTE_USER, &REMOTE_NAME, &REMOTE_EMAIL, &REMOTE_GROUPS]
            }
            Self::Qlik { .. } => vec![
                &X_QLIK_USER,
                &X_QLIK_SECURITY,
                &X_QLIK_PROXY_SESSION,
                &X_QLIK_VIRTUAL_PROXY_PREFIX,
            ],
            Self::Custom { name, .. } => vec![name],
        }
    }
}

/// The profiles of a space, none of which gets in another's way.
#[derive(Clone, Debug, Default)]
pub struct Profiles(Box<[Profile]>);

/// Why profiles do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Two profiles set the same header, or names that upstreams mistake for each other.
    #[error("two identity headers are called `{0}`")]
    Duplicate(HeaderName),
    /// A header that HTTP or the gateway needs for something else.
    #[error("`{0}` cannot carry an identity: it has a meaning of its own")]
    Reserved(HeaderName),
}

impl Profiles {
    /// These profiles together.
    ///
    /// # Errors
    ///
    /// When a header would be set twice, or a custom one is called as one that has a meaning
    /// of its own (`Host`, `Cookie`, `Connection`, `Authorization`, `X-Forwarded-For`, ...).
    pub fn new(profiles: impl IntoIterator<Item = Profile>) -> Result<Self, ProfileError> {
        let profiles: Box<[Profile]> = profiles.into_iter().collect();
        let mut seen: Vec<&HeaderName> = Vec::new();
        for name in profiles.iter().flat_map(Profile::names) {
            check_name(name)?;
            if seen.iter().any(|s| look_alike(s, name)) {
                return Err(ProfileError::Duplicate(name.clone()));
            }
            seen.push(name);
        }
        Ok(Self(profiles))
    }

    /// Every header they may set: what [`Scrub::new`](super::Scrub::new) needs to know of
    /// all spaces.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().flat_map(Profile::names)
    }

    /// The finished headers for `session`, asked for over `scheme`.
    pub(super) fn finish(
        &self,
        session: &Session,
        scheme: Scheme,
    ) -> Box<[(HeaderName, HeaderValue)]> {
        let mut out = Vec::new();
        for profile in &self.0 {
            let identity = session.identity();
            let groups = |attribute| joined(identity.attributes().values(attribute));
            let mut set = |name: &HeaderName, value: Option<HeaderValue>| {
                out.extend(value.map(|v| (name.clone(), v)));
            };
            let text = |t: &str| HeaderValue::from_str(t).ok();
            match profile {
                Profile::XForwarded { groups: attribute } => {
                    set(&X_FORWARDED_USER, text(identity.id()));
                    set(&X_FORWARDED_PREFERRED_USERNAME, text(identity.name()));
                    set(&X_FORWARDED_EMAIL, identity.email().and_then(text));
                    set(
                        &X_FORWARDED_GROUPS,
                        groups(attribute).as_deref().and_then(text),
                    );
                }
                Profile::Remote { groups: attribute } => {
                    set(&REMOTE_USER, text(identity.id()));
                    set(&REMOTE_NAME, text(identity.name()));
                    set(&REMOTE_EMAIL, identity.email().and_then(text));
                    set(&REMOTE_GROUPS, groups(attribute).as_deref().and_then(text));
                }
                Profile::Qlik { prefix } => {
                    set(&X_QLIK_USER, text(&qlik_user(session)));
                    set(&X_QLIK_SECURITY, text(&qlik_security(session, scheme)));
                    set(&X_QLIK_PROXY_SESSION, text(&session.id().to_string()));
                    let prefix = prefix.as_str().trim_start_matches('/');
                    set(&X_QLIK_VIRTUAL_PROXY_PREFIX, text(prefix));
                }
                Profile::Custom { name, value } => set(name, value.render(session)),
            }
        }
        out.into()
    }
}

/// `values` as one comma-separated value; `None` when there is nothing to say.
pub(super) fn joined(values: &[Box<str>]) -> Option<String> {
    let mut out = String::new();
    for value in sayable(values) {
        if !out.is_empty() {
            out.push(',');
        }
        let last = value.len() - 1;
        for (at, c) in value.char_indices() {
            match c {
                '%' => out.push_str("%25"),
                ',' => out.push_str("%2C"),
                ' ' if at == 0 || at == last => out.push_str("%20"),
                _ => out.push(c),
            }
        }
    }
    Some(out).filter(|o| !o.is_empty())
}

/// Those that may stand in a header and say something.
pub(super) fn sayable(values: &[Box<str>]) -> impl Iterator<Item = &str> {
    values
        .iter()
        .map(|v| &**v)
        .filter(|v| !v.is_empty() && !v.contains(char::is_control))
}

/// Refuses names that mean something else already.
pub(super) fn check_name(name: &HeaderName) -> Result<(), ProfileError> {
    let ours = [
        &X_FORWARDED_FOR,
        &X_FORWARDED_HOST,
        &X_FORWARDED_PORT,
        &X_FORWARDED_PREFIX,
        &X_FORWARDED_PROTO,
        &X_REAL_IP,
    ];
    let http = [
        "authorization",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "cookie2",
        "date",
        "expect",
        "forwarded",
        "host",
        "origin",
        "proxy",
        "range",
        "referer",
        "set-cookie",
        "trailer",
        "user-agent",
        "via",
    ];
    let taken = ours.iter().chain(&hop_by_hop::NAMES).map(|n| n.as_str());
    let known = http.into_iter().chain(taken);
    if known.into_iter().any(|k| same_fold(k, name.as_str())) {
        Err(ProfileError::Reserved(name.clone()))
    } else {
        Ok(())
    }
}

/// Whether an upstream could mistake one name for the other.
pub(super) fn look_alike(a: &HeaderName, b: &HeaderName) -> bool {
    same_fold(a.as_str(), b.as_str())
}

fn same_fold(a: &str, b: &str) -> bool {
    super::name_set::NameSet::new([a], &[]).contains(b)
}

fn qlik_user(session: &Session) -> String {
    let identity = session.identity();
    format!(
        "UserDirectory={}; UserId={}",
        utf8_percent_encode(identity.directory(), ENCODED),
        utf8_percent_encode(identity.id(), ENCODED)
    )
}

fn qlik_security(session: &Session, scheme: Scheme) -> String {
    let mut out = format!(
        "SecureRequest={}; Context=AppAccess",
        scheme == Scheme::Https
    );
    for attribute in session.identity().attributes().iter() {
        let name = utf8_percent_encode(&attribute.name, ENCODED);
        for value in sayable(&attribute.values) {
            // Writing to a String cannot fail.
            let _ = write!(out, "; {name}={}", utf8_percent_encode(value, ENCODED));
        }
    }
    out
}

/// Everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::headers::tests::session;

    fn set(profile: Profile, rich: bool) -> Vec<(String, String)> {
        let session = session(rich);
        let headers = Profiles::new([profile])
            .unwrap()
            .finish(&session, Scheme::Https);
        let text = |v: &HeaderValue| {
            let text = String::from_utf8(v.as_bytes().to_vec()).unwrap();
            text.replace(&session.id().to_string(), "ID")
        };
        headers
            .iter()
            .map(|(n, v)| (n.to_string(), text(v)))
            .collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn each_profile_says_who_it_is_in_its_own_way() {
        let groups = || Profile::GROUPS.to_owned();
        assert_eq!(
            set(Profile::XForwarded { groups: groups() }, true),
            pairs(&[
                ("x-forwarded-user", "jörg"),
                ("x-forwarded-preferred-username", "Jörg Ä"),
                ("x-forwarded-email", "j@b.c"),
                ("x-forwarded-groups", "a b,c%2Cd"),
            ])
        );
        assert_eq!(
            set(
                Profile::Remote {
                    groups: "roles".into()
                },
                true
            ),
            pairs(&[
                ("remote-user", "jörg"),
                ("remote-name", "Jörg Ä"),
                ("remote-email", "j@b.c"),
                ("remote-groups", "100%25,%20x%20"),
            ])
        );
        let prefix = PathPrefix::new("/sales").unwrap();
        assert_eq!(
            set(Profile::Qlik { prefix }, true),
            pairs(&[
                ("x-qlik-user", "UserDirectory=LAB; UserId=j%C3%B6rg"),
                (
                    "x-qlik-security",
                    "SecureRequest=true; Context=AppAccess; group=a%20b; group=c%2Cd; roles=100%25; roles=%20x%20"
                ),
                ("x-qlik-proxysession", "ID"),
                ("x-qlik-virtual-proxy-prefix", "sales"),
            ])
        );
        let custom = Profile::Custom {
            name: HeaderName::from_static("webauth-user"),
            value: Template::parse("{user_id}@{space}").unwrap(),
        };
        assert_eq!(set(custom, true), pairs(&[("webauth-user", "jörg@1001")]));
    }

    #[test]
    fn s02_what_a_session_lacks_is_absent() {
        let groups = || Profile::GROUPS.to_owned();
        assert_eq!(
            set(Profile::XForwarded { groups: groups() }, false),
            pairs(&[
                ("x-forwarded-user", "ann"),
                ("x-forwarded-preferred-username", "ann")
            ])
        );
        assert_eq!(
            set(Profile::Remote { groups: groups() }, false),
            pairs(&[("remote-user", "ann"), ("remote-name", "ann")])
        );
        let prefix = PathPrefix::default();
        let qlik = set(Profile::Qlik { prefix }, false);
        assert_eq!(qlik[1].1, "SecureRequest=true; Context=AppAccess");
        assert_eq!(qlik[3], ("x-qlik-virtual-proxy-prefix".into(), "".into()));
    }

    #[test]
    fn headers_are_set_once_and_none_is_misused() {
        let custom = |name| Profile::Custom {
            name: HeaderName::from_static(name),
            value: Template::parse("x").unwrap(),
        };
        let error = |profiles: Vec<Profile>| Profiles::new(profiles).err();
        for name in [
            "host",
            "cookie",
            "transfer_encoding",
            "x_forwarded_for",
            "x-real-ip",
        ] {
            let name_ = HeaderName::from_static(name);
            assert_eq!(
                error(vec![custom(name)]),
                Some(ProfileError::Reserved(name_))
            );
        }
        let remote = Profile::Remote { groups: "g".into() };
        assert_eq!(
            error(vec![remote, custom("remote_user")]),
            Some(ProfileError::Duplicate(HeaderName::from_static(
                "remote_user"
            )))
        );
        assert!(error(vec![custom("a"), custom("x-forwarded-account")]).is_none());
    }
}

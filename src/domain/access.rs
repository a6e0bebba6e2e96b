//! A space's access rules: which users may use which paths.

use std::borrow::Cow;
use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use smallvec::SmallVec;

use super::{Attributes, Method, RequestPath, Session};

/// What a rule asks of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// The attribute has at least one of the values, compared exactly.
    Attribute {
        /// The attribute's name.
        name: Box<str>,
        /// The values that open.
        any_of: Box<[Box<str>]>,
    },
    /// Somebody in particular: any method but anonymous.
    SignedIn,
}

impl Requirement {
    fn is_met(&self, attributes: &Attributes, method: Method) -> bool {
        match self {
            Self::Attribute { name, any_of } => {
                attributes.values(name).iter().any(|v| any_of.contains(v))
            }
            Self::SignedIn => method != Method::Anonymous,
        }
    }
}

/// One rule: requests to these paths, with these methods, need this.
#[derive(Clone, Debug)]
pub struct AccessRule {
    glob: GlobMatcher,
    methods: Box<[Box<str>]>,
    requirement: Requirement,
}

/// Why a text is no path pattern.
#[derive(Clone, Debug, thiserror::Error)]
#[error("path pattern `{pattern}`: {reason}")]
pub struct RuleError {
    pattern: String,
    reason: String,
}

impl RuleError {
    pub(super) fn new(pattern: &str, reason: &str) -> Self {
        Self {
            pattern: pattern.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

impl AccessRule {
    /// A rule for the paths that `pattern` matches, below the space's prefix: `*` matches
    /// within a segment, `**` any number of segments; `/admin/**` covers `/admin` too.
    /// Matched without case, since a rule only ever narrows. An empty `methods` means all.
    ///
    /// # Errors
    ///
    /// When `pattern` does not start with `/` or is no glob.
    pub fn new(
        pattern: &str,
        methods: &[String],
        requirement: Requirement,
    ) -> Result<Self, RuleError> {
        if !pattern.starts_with('/') {
            return Err(RuleError::new(pattern, "it does not start with a slash"));
        }
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .case_insensitive(true)
            .build()
            .map_err(|e| RuleError::new(pattern, &e.kind().to_string()))?
            .compile_matcher();
        let methods = methods
            .iter()
            .map(|m| m.to_ascii_uppercase().into())
            .collect();
        Ok(Self {
            glob,
            methods,
            requirement,
        })
    }

    fn covers(&self, method: &str, path: &RulePath<'_>) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|m| &**m == method))
            && path.forms().any(|form| self.glob.is_match(form))
    }
}

/// A path in the forms that rules look at: as it is, as a folder, and both of it decoded.
/// Allocates for none of them, unless the path is long or encoded.
struct RulePath<'p> {
    path: &'p str,
    folder: Folder,
    decoded: Option<(String, Folder)>,
}

/// A path with a slash behind it; empty when it has one.
type Folder = SmallVec<[u8; 256]>;

impl<'p> RulePath<'p> {
    fn new(path: &'p RequestPath<'_>) -> Self {
        let decoded = match path.decoded() {
            Cow::Borrowed(_) => None,
            Cow::Owned(decoded) => {
                let folder = folder(&decoded);
                Some((decoded, folder))
            }
        };
        Self {
            path: path.as_str(),
            folder: folder(path.as_str()),
            decoded,
        }
    }

    fn forms(&self) -> impl Iterator<Item = &str> {
        let decoded = self.decoded.iter();
        let decoded = decoded.flat_map(|(path, folder)| [Some(&**path), text(folder)]);
        [Some(self.path), text(&self.folder)]
            .into_iter()
            .chain(decoded)
            .flatten()
    }
}

fn folder(path: &str) -> Folder {
    let mut folder = Folder::new();
    if !path.ends_with('/') {
        folder.extend_from_slice(path.as_bytes());
        folder.push(b'/');
    }
    folder
}

fn text(folder: &Folder) -> Option<&str> {
    str::from_utf8(folder)
        .ok()
        .filter(|folder| !folder.is_empty())
}

/// The rules of a space. A request must meet every rule that covers it; what no rule covers
/// is open to every session.
#[derive(Clone, Debug, Default)]
pub struct AccessRules(Box<[AccessRule]>);

/// A rule that covers the request is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("access rule {} is not met", .rule + 1)]
pub struct Denied {
    /// Which rule, counted from 0 in the order of the configuration.
    pub rule: usize,
}

impl AccessRules {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a request of `session` for `path` (below the space's prefix).
    ///
    /// # Errors
    ///
    /// [`Denied`] with the first rule that covers the request and is not met.
    pub fn check(
        &self,
        session: &Session,
        method: &str,
        path: &RequestPath<'_>,
    ) -> Result<(), Denied> {
        if self.0.is_empty() {
            return Ok(());
        }
        let path = RulePath::new(path);
        for (rule, r) in self.0.iter().enumerate() {
            if r.covers(method, &path)
                && !r
                    .requirement
                    .is_met(session.identity().attributes(), session.method())
            {
                return Err(Denied { rule });
            }
        }
        Ok(())
    }
}

impl AccessRules {
    /// The rules that cover a request for `path`.
    pub fn covering<'r>(
        &'r self,
        method: &'r str,
        path: &'r RequestPath<'_>,
    ) -> impl Iterator<Item = &'r AccessRule> {
        let path = RulePath::new(path);
        self.0.iter().filter(move |rule| rule.covers(method, &path))
    }
}

impl fmt::Display for AccessRule {
    /// The pattern and what it needs: `/admin/**: attribute group is one of admins`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            write!(f, "{} ", self.methods.join("|"))?;
        }
        write!(f, "{}: ", self.glob.glob())?;
        match &self.requirement {
            Requirement::Attribute { name, any_of } => {
                write!(f, "attribute {name} is one of {}", any_of.join(", "))
            }
            Requirement::SignedIn => f.write_str("somebody in particular, not anonymous"),
        }
    }
}

impl FromIterator<AccessRule> for AccessRules {
    fn from_iter<T: IntoIterator<Item = AccessRule>>(rules: T) -> Self {
        Self(rules.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        ClientInfo, Identity, ManualClock, NewSession, SessionPolicy, SpaceId, SpaceState, Token,
    };

    fn session(groups: &[&str], method: Method) -> Session {
        let attributes: Attributes = [("group", groups.iter().copied())].into_iter().collect();
        let identity = Identity::new("D", "u").unwrap().with_attributes(attributes);
        let new = NewSession {
            identity: Arc::new(identity),
            method,
            client: ClientInfo::default(),
            license: None,
            sign_on: None,
        };
        let space = SpaceState::new(SpaceId::new("1").unwrap(), SessionPolicy::default());
        Session::start(new, space, Token::generate().digest(), &ManualClock::new())
    }

    fn rules() -> AccessRules {
        let admins = Requirement::Attribute {
            name: "group".into(),
            any_of: ["admins".into()].into(),
        };
        [
            AccessRule::new("/admin/**", &[], admins.clone()).unwrap(),
            AccessRule::new("/orders/*", &["delete".to_owned()], admins).unwrap(),
            AccessRule::new("/me", &[], Requirement::SignedIn).unwrap(),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn every_covering_rule_must_be_met() {
        let check = |s: &Session, m: &str, p: &str| {
            rules()
                .check(s, m, &RequestPath::parse(p).unwrap())
                .map_err(|d| d.rule)
        };
        let (sales, admin) = (
            session(&["sales"], Method::Jwt),
            session(&["sales", "admins"], Method::Jwt),
        );
        for path in [
            "/admin",
            "/admin/",
            "/admin/x/y",
            "/ADMIN/x",
            "/admin;v=1/x",
            "/%61dmin",
            "//admin",
            "/admin%3bx/y",
        ] {
            assert_eq!(check(&sales, "GET", path), Err(0), "{path}");
            assert_eq!(check(&admin, "GET", path), Ok(()), "{path}");
        }
        assert_eq!(check(&sales, "GET", "/administrator"), Ok(()));
        assert_eq!(check(&sales, "DELETE", "/orders/7"), Err(1));
        assert_eq!(check(&sales, "GET", "/orders/7"), Ok(()));
        assert_eq!(
            check(&session(&[], Method::Anonymous), "GET", "/me"),
            Err(2)
        );
    }

    #[test]
    fn a_pattern_is_absolute() {
        assert!(AccessRule::new("admin", &[], Requirement::SignedIn).is_err());
        assert!(AccessRule::new("/a[", &[], Requirement::SignedIn).is_err());
    }
}

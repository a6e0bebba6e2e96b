//! A space's access rules: which users may use which paths, and after how long a pause.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use smallvec::SmallVec;

use super::{Attributes, Method, RequestPath, Session, Tick};

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
    requirement: Option<Requirement>,
    idle_timeout: Option<Duration>,
    is_activity: bool,
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
    /// Without a `requirement` the rule is there for what is added to it.
    ///
    /// # Errors
    ///
    /// When `pattern` does not start with `/` or is no glob.
    pub fn new(
        pattern: &str,
        methods: &[String],
        requirement: impl Into<Option<Requirement>>,
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
            requirement: requirement.into(),
            idle_timeout: None,
            is_activity: true,
        })
    }

    /// Such a request ends a session that was not active for `timeout`, and its user must
    /// authenticate anew. What counts is the session's last activity before the request, on
    /// whatever path; so this is of use below the space's own idle timeout only.
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Such a request is no activity: it does not keep its session alive. For what a page
    /// asks for by itself, again and again.
    #[must_use]
    pub const fn without_activity(mut self) -> Self {
        self.is_activity = false;
        self
    }

    fn is_met(&self, session: &Session) -> bool {
        self.requirement
            .as_ref()
            .is_none_or(|r| r.is_met(session.identity().attributes(), session.method()))
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

/// What the rules say of a request that has a live session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ruling {
    /// The session was idle, as far as this process knows, for longer than a rule that covers
    /// the request allows.
    TooIdle {
        /// What the rule allows.
        allowed: Duration,
    },
    /// It was not.
    Ruled {
        /// Whether the rules are met.
        met: Result<(), Denied>,
        /// Whether the request, met or not, counts as activity of its session.
        is_activity: bool,
    },
}

impl Ruling {
    /// What is said where no rule covers the request.
    pub const OPEN: Self = Self::Ruled {
        met: Ok(()),
        is_activity: true,
    };
}

impl AccessRules {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the rules say of a request of `session` at `now` for `path` (below the space's
    /// prefix). The session must not have been touched for this request yet.
    pub fn rule(
        &self,
        session: &Session,
        method: &str,
        path: &RequestPath<'_>,
        now: Tick,
    ) -> Ruling {
        if self.0.is_empty() {
            return Ruling::OPEN;
        }
        let (mut met, mut is_activity) = (Ok(()), true);
        let path = RulePath::new(path);
        for (rule, r) in self.0.iter().enumerate() {
            if !r.covers(method, &path) {
                continue;
            }
            // Before what is required: a denied request is activity, and must not refresh
            // what a later one is measured by.
            let is_over = |timeout: &Duration| now.since(session.last_active_tick()) >= *timeout;
            if let Some(allowed) = r.idle_timeout.filter(is_over) {
                return Ruling::TooIdle { allowed };
            }
            is_activity &= r.is_activity;
            if met.is_ok() && !r.is_met(session) {
                met = Err(Denied { rule });
            }
        }
        Ruling::Ruled { met, is_activity }
    }

    /// Checks what is required of `session` for a request to `path` (below the space's
    /// prefix), whenever it was active.
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
        let unmet = |(_, r): &(usize, &AccessRule)| r.covers(method, &path) && !r.is_met(session);
        match self.0.iter().enumerate().find(unmet) {
            Some((rule, _)) => Err(Denied { rule }),
            None => Ok(()),
        }
    }

    /// Whether a request for `path` counts as activity of its session.
    #[must_use]
    pub fn is_activity(&self, method: &str, path: &RequestPath<'_>) -> bool {
        self.0.iter().all(|rule| rule.is_activity)
            || self.covering(method, path).all(|rule| rule.is_activity)
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
    /// The pattern and what it says, as in `/admin/**: attribute group is one of admins; idle
    /// for less than 300s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            write!(f, "{} ", self.methods.join("|"))?;
        }
        write!(f, "{}: ", self.glob.glob())?;
        let mut between = "";
        let mut say = |what: fmt::Arguments<'_>| {
            let result = write!(f, "{between}{what}");
            between = "; ";
            result
        };
        match &self.requirement {
            Some(Requirement::Attribute { name, any_of }) => say(format_args!(
                "attribute {name} is one of {}",
                any_of.join(", ")
            ))?,
            Some(Requirement::SignedIn) => {
                say(format_args!("somebody in particular, not anonymous"))?
            }
            None => {}
        }
        if let Some(timeout) = self.idle_timeout {
            say(format_args!("idle for less than {timeout:?}"))?;
        }
        if !self.is_activity {
            say(format_args!("counts as no activity"))?;
        }
        Ok(())
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
        ClientInfo, Clock as _, Identity, ManualClock, NewSession, SessionPolicy, SpaceId,
        SpaceState, Token,
    };

    fn session(groups: &[&str], method: Method) -> Session {
        session_at(groups, method, &ManualClock::new())
    }

    fn session_at(groups: &[&str], method: Method, clock: &ManualClock) -> Session {
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
        Session::start(new, space, Token::generate().digest(), clock)
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
    fn s19_a_rule_with_an_idle_timeout_comes_before_what_is_required() {
        let clock = ManualClock::new();
        let (admin, sales) = (
            session_at(&["admins"], Method::Jwt, &clock),
            session_at(&["sales"], Method::Jwt, &clock),
        );
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let admins = Requirement::Attribute {
            name: "group".into(),
            any_of: ["admins".into()].into(),
        };
        let rules: AccessRules = [
            AccessRule::new("/admin/**", &[], admins)
                .unwrap()
                .with_idle_timeout(minutes(5)),
            AccessRule::new("/**/poll", &[], None)
                .unwrap()
                .without_activity(),
        ]
        .into_iter()
        .collect();
        let rule = |s: &Session, path: &str| {
            rules.rule(s, "GET", &RequestPath::parse(path).unwrap(), clock.tick())
        };
        let ruled = |met, is_activity| Ruling::Ruled { met, is_activity };
        clock.advance(minutes(5) - Duration::from_millis(1));
        assert_eq!(rule(&admin, "/admin/x"), Ruling::OPEN);
        assert_eq!(rule(&admin, "/admin/poll"), ruled(Ok(()), false));
        let denied = Denied { rule: 0 };
        assert_eq!(rule(&sales, "/admin/poll"), ruled(Err(denied), false));
        clock.advance(Duration::from_millis(1));
        let allowed = minutes(5);
        let too_idle = Ruling::TooIdle { allowed };
        assert_eq!(rule(&admin, "/admin/x"), too_idle);
        assert_eq!(rule(&sales, "/admin/x"), too_idle);
        assert_eq!(rule(&admin, "/x"), Ruling::OPEN);
        assert_eq!(rule(&admin, "/x/poll"), ruled(Ok(()), false));
        let path = |path| RequestPath::parse(path).unwrap();
        assert!(rules.is_activity("GET", &path("/admin/x")));
        assert!(!rules.is_activity("GET", &path("/POLL")));
        let said: Vec<_> = rules.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "/admin/**: attribute group is one of admins; idle for less than 300s",
                "/**/poll: counts as no activity"
            ]
        );
    }

    #[test]
    fn a_pattern_is_absolute() {
        assert!(AccessRule::new("admin", &[], Requirement::SignedIn).is_err());
        assert!(AccessRule::new("/a[", &[], Requirement::SignedIn).is_err());
    }
}

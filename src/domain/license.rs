//! Rules that say which license a session uses and what kind of client opened it.

use std::sync::Arc;

use globset::{Glob, GlobMatcher};

use super::{AccessType, Attributes, ClientType, RuleError};

/// Something a rule looks at. A pattern's `*` matches anything; values compare without
/// wildcards exactly.
#[derive(Clone, Debug)]
pub enum Condition {
    /// One of the attribute's values matches the pattern.
    Attribute {
        /// The attribute's name.
        name: Box<str>,
        /// What a value must look like.
        pattern: GlobMatcher,
    },
    /// The request header is there and matches the pattern.
    Header {
        /// The header's name, in lower case.
        name: Box<str>,
        /// What its value must look like.
        pattern: GlobMatcher,
    },
}

impl Condition {
    /// That a value of attribute `name` looks like `pattern`.
    ///
    /// # Errors
    ///
    /// When `pattern` is no glob.
    pub fn attribute(name: &str, pattern: &str) -> Result<Self, RuleError> {
        Ok(Self::Attribute {
            name: name.into(),
            pattern: glob(pattern)?,
        })
    }

    /// That request header `name` looks like `pattern`.
    ///
    /// # Errors
    ///
    /// When `pattern` is no glob.
    pub fn header(name: &str, pattern: &str) -> Result<Self, RuleError> {
        Ok(Self::Header {
            name: name.to_ascii_lowercase().into(),
            pattern: glob(pattern)?,
        })
    }

    fn holds<'h>(&self, attributes: &Attributes, header: &dyn Fn(&str) -> Option<&'h str>) -> bool {
        match self {
            Self::Attribute { name, pattern } => attributes
                .values(name)
                .iter()
                .any(|v| pattern.is_match(&**v)),
            Self::Header { name, pattern } => header(name).is_some_and(|v| pattern.is_match(v)),
        }
    }
}

fn glob(pattern: &str) -> Result<GlobMatcher, RuleError> {
    Glob::new(pattern)
        .map(|g| g.compile_matcher())
        .map_err(|e| RuleError::new(pattern, &e.kind().to_string()))
}

/// When all conditions hold, the rule gives what it has; of several rules the first that
/// gives a thing decides it.
#[derive(Clone, Debug, Default)]
pub struct ClassifyRule {
    /// All must hold; none means always.
    pub when: Vec<Condition>,
    /// The license to use.
    pub license: Option<Arc<str>>,
    /// The kind of client.
    pub client_type: Option<ClientType>,
    /// The kind of access.
    pub access_type: Option<AccessType>,
}

/// What the rules made of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classification {
    /// The license the session uses.
    pub license: Option<Arc<str>>,
    /// The kind of client, when a rule says.
    pub client_type: Option<ClientType>,
    /// The kind of access, when a rule says.
    pub access_type: Option<AccessType>,
}

impl Classification {
    /// What `rules` say of a login with these attributes and headers.
    pub fn by<'h>(
        rules: &[ClassifyRule],
        attributes: &Attributes,
        header: &dyn Fn(&str) -> Option<&'h str>,
    ) -> Self {
        let mut found = Self::default();
        for rule in rules
            .iter()
            .filter(|r| r.when.iter().all(|c| c.holds(attributes, header)))
        {
            found.license = found.license.or_else(|| rule.license.clone());
            found.client_type = found.client_type.or(rule.client_type);
            found.access_type = found.access_type.or(rule.access_type);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_gives_a_thing_decides_it() {
        let rules = [
            ClassifyRule {
                when: vec![Condition::header("HPECLIENTTYPE", "HPE_CI_*").unwrap()],
                client_type: Some(ClientType::Ci),
                ..Default::default()
            },
            ClassifyRule {
                when: vec![Condition::attribute("group", "admins").unwrap()],
                license: Some("professional".into()),
                ..Default::default()
            },
            ClassifyRule {
                license: Some("analyzer".into()),
                client_type: Some(ClientType::Ui),
                ..Default::default()
            },
        ];
        let admin: Attributes = [("group", ["sales", "admins"])].into_iter().collect();
        let ci = |name: &str| (name == "hpeclienttype").then_some("HPE_CI_CLIENT");
        let found = Classification::by(&rules, &admin, &ci);
        assert_eq!(
            (found.license.as_deref(), found.client_type),
            (Some("professional"), Some(ClientType::Ci))
        );
        let found = Classification::by(&rules, &Attributes::none(), &|_| None);
        assert_eq!(
            (found.license.as_deref(), found.client_type),
            (Some("analyzer"), Some(ClientType::Ui))
        );
    }
}

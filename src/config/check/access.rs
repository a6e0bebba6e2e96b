//! The rules of a space: `access` and `classify`.

use std::time::Duration;

use crate::config::raw::{RawAccess, RawClassify, RawCondition, RawRequirement};
use crate::config::report::{Scope, read, read_some};
use crate::domain::{AccessRule, AccessType, ClassifyRule, ClientType, Condition, Requirement};

const PATH: &str =
    "a path with `*` for a part of a segment and `**` for any segments, such as `/admin/**`";
const REQUIRE: &str =
    "`{ attribute = \"group\", any_of = [\"admins\"] }` or `{ signed_in = true }`";
const METHODS: &str = "methods of HTTP or WebDAV, such as `POST`; without the key, all";

/// RFC 9110, RFC 5789, RFC 4918, RFC 3253, RFC 5323 and QUERY.
const KNOWN_METHODS: [&str; 18] = [
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LOCK",
    "MKCOL",
    "MOVE",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REPORT",
    "SEARCH",
    "UNLOCK",
];

const CONDITION: &str = "`{ attribute = \"group\", matches = \"admins\" }` or \
                         `{ header = \"X-Client\", matches = \"ci-*\" }`";

/// A rule of a space whose sessions end after `longest` without a request.
pub(super) fn access_rule(at: &Scope<'_>, raw: RawAccess, longest: Duration) -> Option<AccessRule> {
    let methods = read_some(at, "methods", raw.methods, METHODS, method);
    let idle_timeout = read(at, "idle_timeout", raw.idle_timeout, |at, text| {
        let timeout = at.duration(&text)?;
        if timeout > longest {
            at.conflict(
                "it has no effect: the space's sessions end before, by their own `idle_timeout`",
                "allowed: at most `space.session.idle_timeout` (30m by default)",
            );
        }
        Some(timeout)
    });
    let is_quiet = raw.activity == Some(false);
    let has_effect = at.has("idle_timeout") || is_quiet || at.key("activity").is_broken();
    let is_required = raw.require.is_some();
    let requirement = read(at, "require", raw.require, requirement);
    if !is_required && !has_effect {
        at.key("require").missing(&format!(
            "{REQUIRE}; or without it, `idle_timeout` or `activity = false`"
        ));
    }
    let Some(pattern) = raw.path else {
        at.key("path").missing(PATH);
        return None;
    };
    let is_known = requirement.is_some() || (has_effect && !is_required);
    // The pattern is checked even when what it requires is not known.
    let rule = AccessRule::new(&pattern, &methods.unwrap_or_default(), requirement);
    let mut rule = at.key("path").accept(rule, PATH).filter(|_| is_known)?;
    if let Some(timeout) = idle_timeout {
        rule = rule.with_idle_timeout(timeout);
    }
    Some(if is_quiet {
        rule.without_activity()
    } else {
        rule
    })
}

/// A method somebody uses. Any token is one, but a rule for `DELET` would guard nothing.
fn method(at: &Scope<'_>, text: String) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    if !KNOWN_METHODS.contains(&upper.as_str()) {
        at.bad(&format!("found `{text}`"), METHODS);
        return None;
    }
    Some(upper)
}

fn requirement(at: &Scope<'_>, raw: RawRequirement) -> Option<Requirement> {
    match (raw.attribute, raw.any_of, raw.signed_in) {
        (None, None, Some(true)) => Some(Requirement::SignedIn),
        (Some(name), Some(values), None) => {
            let name = at
                .key("attribute")
                .filled(&name, "the name of an attribute")?;
            let allowed = "values of the attribute";
            let values = read_some(at, "any_of", Some(values), allowed, |_, value| Some(value))?;
            Some(Requirement::Attribute {
                name: name.into(),
                any_of: values.into_iter().map(Into::into).collect(),
            })
        }
        _ => {
            at.bad("it asks for nothing, or for two things at once", REQUIRE);
            None
        }
    }
}

pub(super) fn classify_rule(at: &Scope<'_>, raw: RawClassify) -> Option<ClassifyRule> {
    let when = raw.when.map(|when| {
        let here = at.key("when");
        let is_list = when.is_list;
        let conditions = when.values.into_iter().enumerate();
        conditions
            .filter_map(|(index, raw)| {
                let at = if is_list {
                    here.index(index)
                } else {
                    here.clone()
                };
                condition(&at, raw)
            })
            .collect()
    });
    let rule = ClassifyRule {
        when: when.unwrap_or_default(),
        license: read(at, "license", raw.license, |at, text| {
            at.filled(&text, "the name of a license").map(Into::into)
        }),
        client_type: read(at, "client_type", raw.client_type, |at, text| {
            let types = [
                ("ui", ClientType::Ui),
                ("integration", ClientType::Integration),
                ("ci", ClientType::Ci),
            ];
            at.choose(&text, &types)
        }),
        access_type: read(at, "access_type", raw.access_type, |at, text| {
            at.choose(&text, &[("ui", AccessType::Ui), ("api", AccessType::Api)])
        }),
    };
    let gives = ["license", "client_type", "access_type"];
    if !gives.iter().any(|key| at.has(key)) {
        at.unused(
            "this rule gives nothing",
            "allowed: at least one of `license`, `client_type`, `access_type`",
        );
    }
    Some(rule)
}

fn condition(at: &Scope<'_>, raw: RawCondition) -> Option<Condition> {
    let Some(pattern) = raw.matches else {
        at.key("matches").missing(CONDITION);
        return None;
    };
    let matches = at.key("matches");
    match (raw.attribute, raw.header) {
        (Some(name), None) => matches.accept(Condition::attribute(&name, &pattern), CONDITION),
        (None, Some(name)) => {
            let _: http::HeaderName = at.key("header").parse(&name, "the name of a header")?;
            matches.accept(Condition::header(&name, &pattern), CONDITION)
        }
        _ => {
            at.bad("it looks at nothing, or at two things at once", CONDITION);
            None
        }
    }
}

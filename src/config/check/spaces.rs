//! The spaces among each other.

use super::cookie::over_tls;
use super::space::space;
use crate::app::options::{EdgeOptions, SpaceOptions};
use crate::config::raw::RawSpace;
use crate::config::report::Scope;
use crate::domain::HostPattern;

pub(super) fn spaces(
    raw: Option<Vec<RawSpace>>,
    edge: &EdgeOptions,
    at: &Scope<'_>,
) -> Option<Vec<SpaceOptions>> {
    let written = raw.as_ref().map_or(0, Vec::len);
    if written == 0 {
        at.missing("at least one table `[[space]]`");
        return None;
    }
    let raw = raw.unwrap_or_default();
    let read: Vec<Option<SpaceOptions>> = raw
        .into_iter()
        .enumerate()
        .map(|(index, raw)| space(raw, &at.index(index)))
        .collect();
    for (index, later) in read.iter().enumerate() {
        let earlier = read[..index].iter().flatten();
        if let Some(later) = later {
            over_tls(&later.cookie, edge, &at.index(index));
            earlier.for_each(|earlier| compare(earlier, later, &at.index(index)));
        }
    }
    read.into_iter().collect()
}

/// What two spaces may not share.
fn compare(earlier: &SpaceOptions, later: &SpaceOptions, at: &Scope<'_>) {
    let id = &earlier.id;
    if later.id == *id {
        at.key("id").conflict(
            &format!("there is a space `{id}` already"),
            "allowed: each id once",
        );
        return;
    }
    if earlier.prefix == later.prefix && same_host(&earlier.hosts, &later.hosts) {
        at.conflict(
            &format!("space `{id}` answers to the same host and prefix"),
            "allowed: a pair of `hosts` and `prefix` that no other space has",
        );
    } else if earlier.cookie.name() == later.cookie.name() && may_share_cookies(earlier, later) {
        // The bare name is what every spelling has in common, and what it is over plain HTTP.
        let name = later.cookie.name();
        at.key("cookie").key("name").conflict_or_missing(
            &format!("space `{id}` has the cookie `{name}` on the same host"),
            "allowed: a name that no other space on the host or domain has",
        );
    }
}

fn same_host(one: &[HostPattern], other: &[HostPattern]) -> bool {
    match (one.is_empty(), other.is_empty()) {
        (true, true) => true,
        (false, false) => one.iter().any(|host| other.contains(host)),
        _ => false,
    }
}

/// Whether a browser may send the cookies of the one to the other.
fn may_share_cookies(one: &SpaceOptions, other: &SpaceOptions) -> bool {
    let reaches = |from: &SpaceOptions, to: &SpaceOptions| {
        let domain = from.cookie.domain();
        domain.is_some_and(|domain| {
            to.hosts.is_empty() || to.hosts.iter().any(|host| host.may_be_within(domain))
        })
    };
    may_share_a_host(&one.hosts, &other.hosts) || reaches(one, other) || reaches(other, one)
}

/// Whether both answer to some host.
fn may_share_a_host(one: &[HostPattern], other: &[HostPattern]) -> bool {
    let overlap = |a: &HostPattern, b: &HostPattern| match (a, b) {
        (HostPattern::Exact(name), pattern) | (pattern, HostPattern::Exact(name)) => {
            pattern.matches(name)
        }
        (a, b) => a == b,
    };
    one.is_empty() || other.is_empty() || one.iter().any(|a| other.iter().any(|b| overlap(a, b)))
}

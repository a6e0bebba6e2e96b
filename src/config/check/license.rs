//! The seats of licenses.

use crate::config::raw::RawLicense;
use crate::config::report::{Scope, read};
use crate::domain::{ClassifyRule, LimitPolicy, SeatLimit};

const NAME: &str = "the name of a license that a rule in `classify` gives";
const SEATS: &str = "1 to 1000000";

/// The seats of a space's licenses, which its `rules` give; without them when they cannot be
/// read themselves.
pub(super) fn licenses(
    raw: Option<Vec<RawLicense>>,
    at: &Scope<'_>,
    rules: Option<&[ClassifyRule]>,
) -> Vec<SeatLimit> {
    let mut limits: Vec<SeatLimit> = Vec::new();
    for (index, raw) in raw.unwrap_or_default().into_iter().enumerate() {
        let at = at.index(index);
        let Some(limit) = limit(raw, &at) else {
            continue;
        };
        let name = at.key("name");
        if limits.iter().any(|l| l.license == limit.license) {
            name.conflict(
                "this license has its seats already",
                "allowed: each license once",
            );
        } else if rules.is_some_and(|rules| !gives(rules, &limit)) {
            name.bad("no session gets this license", NAME);
        }
        limits.push(limit);
    }
    limits
}

fn gives(rules: &[ClassifyRule], limit: &SeatLimit) -> bool {
    let mut given = rules.iter().filter_map(|rule| rule.license.as_ref());
    given.any(|license| *license == limit.license)
}

fn limit(raw: RawLicense, at: &Scope<'_>) -> Option<SeatLimit> {
    if raw.name.is_none() {
        at.key("name").missing(NAME);
    }
    if raw.seats.is_none() {
        at.key("seats").missing(SEATS);
    }
    let name = read(at, "name", raw.name, |at, text| at.filled(&text, NAME));
    let seats = read(at, "seats", raw.seats, |at, n| at.number(n, 1, 1_000_000));
    let policy = read(at, "on_limit", raw.on_limit, |at, text| {
        let policies = [
            ("refuse", LimitPolicy::Refuse),
            ("end-oldest", LimitPolicy::EndOldest),
        ];
        at.choose(&text, &policies)
    });
    Some(SeatLimit {
        license: name?.into(),
        seats: u32::try_from(seats?).ok()?,
        policy: policy.unwrap_or(LimitPolicy::Refuse),
    })
}

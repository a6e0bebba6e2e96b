//! The query parameters of the ticket dialect. Their names are written in any case, as its
//! clients do, and in any percent-encoding.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::authn::Consumed;
use crate::authn::request::named_in_any_case;

const TICKET: [&str; 2] = ["qlikticket", "x-qlik-ticket"];
const FORCE: &str = "forceauthentication";

/// What a query says of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presented<'q> {
    Nothing,
    /// The one ticket, whatever its text.
    One(Cow<'q, str>),
    /// More than one, or one that is not text: two programs would not agree on it.
    Unclear,
}

/// The ticket in `query`. Allocates nothing where there is none.
pub(super) fn ticket(query: &str) -> Presented<'_> {
    let mut found = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| TICKET.iter().any(|known| named_in_any_case(name, known)));
    match (found.next(), found.next()) {
        (None, _) => Presented::Nothing,
        (Some((_, value)), None) => percent_decode_str(value)
            .decode_utf8()
            .map_or(Presented::Unclear, Presented::One),
        (Some(_), Some(_)) => Presented::Unclear,
    }
}

/// Whether `query` names a ticket, whatever it is worth.
#[must_use]
pub fn brings_ticket(query: &str) -> bool {
    ticket(query) != Presented::Nothing
}

/// Whether `query` has `forceauthentication=yes`: who is nobody is to log in, even where
/// anonymous users are taken in.
#[must_use]
pub fn forces_login(query: &str) -> bool {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .any(|(name, value)| named_in_any_case(name, FORCE) && named_in_any_case(value, "yes"))
}

/// What no upstream sees of a query.
pub(super) fn consumed() -> Vec<Consumed> {
    TICKET
        .into_iter()
        .chain([FORCE])
        .map(|name| Consumed::AnyCaseParameter(name.into()))
        .collect()
}

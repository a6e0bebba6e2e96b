//! The headers of what is forwarded: what a client may say, and what the gateway says.
//!
//! [`HeaderRules`] is built once per space and does everything, in this order:
//!
//! 1. **hop-by-hop** ([`hop_by_hop`]): `Connection` is read on the client's own request, so
//!    what it names can delete nothing that the gateway adds later (S03).
//! 2. **scrub** ([`scrub`]): every name the gateway asserts, in any spelling, goes, whether or
//!    not a value will take its place (S01, S02).
//! 3. **cookies and consumed** ([`cookies`]): the gateway's own cookies, and what an
//!    authenticator took for itself, go (S05).
//! 4. **forwarded** ([`forwarded`]): `X-Forwarded-*` and `X-Real-IP` are rebuilt from the
//!    socket; only a trusted proxy's are built upon (S04).
//! 5. **identity** ([`identity`]): the session's finished headers are inserted.
//! 6. **assertion** ([`assertion`]): and the signed form of the same.
//!
//! A response loses what is hop-by-hop, what only upstreams are told, and cookies under the
//! names of the gateway's ([`cookies`]); then the space's own headers for responses are set.
//!
//! A request of a browser with a prepared session costs one pass over its names; values are
//! clones of shared bytes.

pub mod assertion;
pub mod cookies;
pub mod forwarded;
pub mod hop_by_hop;
pub mod identity;
mod name_set;
mod names;
mod published_keys;
mod responses;
mod rules;
pub mod scrub;
pub mod template;

pub use assertion::{Assertion, AssertionKey, AssertionKeyError};
pub use cookies::CookieNames;
pub use forwarded::{ConnectionHeaders, Peer};
pub use hop_by_hop::Exchange;
pub use identity::{Profile, ProfileError, Profiles};
pub use names::X_GATEPASS_ASSERTION;
pub use published_keys::PublishedKeys;
pub use responses::{ResponseHeaderError, ResponseHeaders};
pub use rules::{HeaderRules, RequestFacts};
pub use scrub::Scrub;
pub use template::{Template, TemplateError};

#[cfg(test)]
mod tests;

//! Takes out of a message whatever only the gateway may say (S01, S02, S05).

use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

use super::hop_by_hop;
use super::name_set::NameSet;
use super::names::{FORWARDED, FORWARDED_PREFIXES, IDENTITY};

/// The names that may not pass: from a client to an upstream, and from an upstream to a
/// client.
///
/// From a client: the identity headers of every profile, the assertion, the forwarded family
/// (`X-Forwarded-*`, `Forwarded`, `X-Real-IP`, `X-Original-*` and their kin), what
/// authenticators consume, and what is hop-by-hop. From an upstream: the identity headers, the
/// assertion and what is hop-by-hop. Names are compared without case and with all punctuation
/// alike, so `X_Forwarded.User` goes with `X-Forwarded-User`; every duplicate goes.
///
/// They go in every space, also where they are not set and for anonymous users: an upstream
/// that trusts `Remote-User` must never see one that a client wrote.
#[derive(Clone, Debug)]
pub struct Scrub {
    inbound: NameSet,
    outbound: NameSet,
}

/// Names found in one message. More than these eight means that somebody is trying.
pub(super) type Found = SmallVec<[HeaderName; 8]>;

impl Scrub {
    /// The scrub of a gateway that, beside its own names, asserts `asserted` (the custom
    /// names and assertion headers of *all* spaces) and whose authenticators consume
    /// `consumed`.
    #[must_use]
    pub fn new<'n>(
        asserted: impl IntoIterator<Item = &'n HeaderName>,
        consumed: impl IntoIterator<Item = &'n HeaderName>,
    ) -> Self {
        let mut names: Vec<&str> = IDENTITY.iter().map(|n| n.as_str()).collect();
        names.extend(asserted.into_iter().map(HeaderName::as_str));
        names.extend(hop_by_hop::NAMES.iter().map(|n| n.as_str()));
        let outbound = NameSet::new(&names, &[]);
        names.extend(FORWARDED);
        names.extend(consumed.into_iter().map(HeaderName::as_str));
        Self {
            inbound: NameSet::new(&names, &FORWARDED_PREFIXES),
            outbound,
        }
    }

    /// Scrubs what a client sent: trailers, or headers outside of
    /// [`HeaderRules`](super::HeaderRules), which does this with all the rest.
    pub fn inbound(&self, headers: &mut HeaderMap) {
        remove(headers, &self.find_inbound(headers));
    }

    /// Scrubs what an upstream sent, such as trailers.
    pub fn outbound(&self, headers: &mut HeaderMap) {
        remove(headers, &self.find_outbound(headers));
    }

    /// Whether a header called `name` is taken out of responses.
    pub(super) fn withholds(&self, name: &HeaderName) -> bool {
        self.outbound.contains(name.as_str())
    }

    pub(super) fn find_inbound(&self, headers: &HeaderMap) -> Found {
        find(&self.inbound, headers)
    }

    pub(super) fn find_outbound(&self, headers: &HeaderMap) -> Found {
        find(&self.outbound, headers)
    }
}

impl Default for Scrub {
    /// The scrub of a gateway without custom names.
    fn default() -> Self {
        Self::new([], [])
    }
}

pub(super) fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

fn find(set: &NameSet, headers: &HeaderMap) -> Found {
    let mut found = Found::new();
    for name in headers.keys() {
        if set.contains(name.as_str()) {
            found.push(name.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const CUSTOM: &str = "hdr-usr";

    fn asserted() -> Vec<String> {
        let mut names: Vec<String> = IDENTITY.iter().map(|n| n.to_string()).collect();
        names.extend(FORWARDED.map(str::to_owned));
        names.extend(FORWARDED_PREFIXES.map(|p| format!("{p}anything")));
        names.push(CUSTOM.to_owned());
        names
    }

    fn spelled(name: &str, seeds: &[u8]) -> String {
        name.bytes()
            .zip(seeds.iter().cycle())
            .map(|(byte, seed)| match byte {
                b'-' => char::from(b"-_.~!"[usize::from(*seed) % 5]),
                _ if seed % 2 == 0 => char::from(byte.to_ascii_uppercase()),
                _ => char::from(byte),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn s01_no_spelling_of_an_asserted_name_passes(
            picks in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..40), 1..4_usize), 0..12),
            others in prop::collection::vec("[a-w][a-z]{2,9}(-[a-z]{2,9})?-q", 0..12),
        ) {
            let names = asserted();
            let custom = HeaderName::from_static(CUSTOM);
            let scrub = Scrub::new([&custom], []);
            let mut headers = HeaderMap::new();
            for other in &others {
                headers.append(HeaderName::try_from(other).unwrap(), HeaderValue::from_static("kept"));
            }
            let kept = headers.clone();
            for (pick, seeds, times) in &picks {
                let name = HeaderName::try_from(spelled(&names[pick.index(names.len())], seeds)).unwrap();
                for _ in 0..*times {
                    headers.append(name.clone(), HeaderValue::from_static("evil"));
                }
            }
            scrub.inbound(&mut headers);
            prop_assert_eq!(headers, kept);
        }
    }

    #[test]
    fn s05_identity_never_reaches_the_client() {
        let mut headers = HeaderMap::new();
        for name in IDENTITY {
            headers.append(name, HeaderValue::from_static("x"));
        }
        headers.append("x_forwarded_user", HeaderValue::from_static("x"));
        headers.append("x-original-size", HeaderValue::from_static("12"));
        headers.append("etag", HeaderValue::from_static("e"));
        Scrub::default().outbound(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(headers.contains_key("etag") && headers.contains_key("x-original-size"));
    }
}

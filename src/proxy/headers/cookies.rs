//! Takes the gateway's cookies out of a request (S05).

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

/// The names of the gateway's cookies, of all spaces: each with and without the prefixes
/// that browsers know.
#[derive(Clone, Debug, Default)]
pub struct CookieNames {
    /// Sorted.
    stems: Box<[Box<[u8]>]>,
    /// Bit n: a stem has n bytes (63: that or more).
    lengths: u64,
}

impl CookieNames {
    /// The cookies called `names`; a `__Host-` or `__Secure-` in front makes no difference.
    #[must_use]
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut stems: Vec<Box<[u8]>> = names
            .into_iter()
            .map(|n| stem(n.as_ref().as_bytes()).into())
            .collect();
        stems.sort_unstable();
        stems.dedup();
        let lengths = stems.iter().fold(0, |bits, s| bits | bit(s.len()));
        Self {
            stems: stems.into(),
            lengths,
        }
    }

    /// Whether a cookie called `name` is one of them; with case, as cookies compare.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        let stem = stem(name);
        self.lengths & bit(stem.len()) != 0
            && self.stems.binary_search_by(|s| (**s).cmp(stem)).is_ok()
    }

    /// Takes them out of `headers`. Other cookies stay as they came, byte for byte; a
    /// `Cookie` header with nothing left goes. Costs one allocation, and none when no cookie
    /// of ours is there or no other.
    pub fn strip(&self, headers: &mut HeaderMap) {
        let mut values = headers.get_all(COOKIE).iter();
        match (values.next(), values.next()) {
            (None, _) => {}
            (Some(value), None) => match self.rest(value.as_bytes()) {
                Rest::All => {}
                Rest::Nothing => {
                    headers.remove(COOKIE);
                }
                Rest::Some(rest) => {
                    // Not `insert`: it makes room for a new header first.
                    if let Some(value) = headers.get_mut(COOKIE) {
                        *value = rest;
                    }
                }
            },
            // HTTP/2 lets a client send its cookies in pieces.
            (Some(_), Some(_)) => {
                let mut rest: SmallVec<[HeaderValue; 8]> = SmallVec::new();
                for value in headers.get_all(COOKIE) {
                    match self.rest(value.as_bytes()) {
                        Rest::All => rest.push(value.clone()),
                        Rest::Nothing => {}
                        Rest::Some(value) => rest.push(value),
                    }
                }
                headers.remove(COOKIE);
                for value in rest {
                    headers.append(COOKIE, value);
                }
            }
        }
    }

    fn is_ours(&self, pair: &[u8]) -> bool {
        pair.iter()
            .position(|b| *b == b'=')
            .is_some_and(|at| self.contains(pair[..at].trim_ascii()))
    }

    fn rest(&self, value: &[u8]) -> Rest {
        let pairs = || value.split(|b| *b == b';');
        if !pairs().any(|pair| self.is_ours(pair)) {
            return Rest::All;
        }
        let mut kept: SmallVec<[u8; 1024]> = SmallVec::new();
        for pair in pairs().filter(|pair| !self.is_ours(pair)) {
            if kept.is_empty() {
                kept.extend_from_slice(pair.trim_ascii_start());
            } else {
                kept.push(b';');
                kept.extend_from_slice(pair);
            }
        }
        if kept.trim_ascii().is_empty() {
            return Rest::Nothing;
        }
        // Bytes of a legal value are legal.
        HeaderValue::from_bytes(&kept).map_or(Rest::Nothing, Rest::Some)
    }
}

/// What is left of a `Cookie` header.
enum Rest {
    All,
    Nothing,
    Some(HeaderValue),
}

fn stem(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"__Host-")
        .or_else(|| name.strip_prefix(b"__Secure-"))
        .unwrap_or(name)
}

fn bit(len: usize) -> u64 {
    1 << len.min(63)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strip(values: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(COOKIE, value.parse().unwrap());
        }
        CookieNames::new(["gatepass", "other"]).strip(&mut headers);
        let texts = headers.get_all(COOKIE).iter();
        texts.map(|v| v.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn s05_only_the_gateways_cookies_go() {
        for (before, after) in [
            ("gatepass=t", vec![]),
            ("__Host-gatepass=t", vec![]),
            ("a=1; gatepass=t", vec!["a=1"]),
            ("gatepass=t; a=1", vec!["a=1"]),
            ("a=1;  gatepass = t;b=2", vec!["a=1;b=2"]),
            (
                "a=1; gatepass=t; b=\"x y\"; gatepass=u",
                vec!["a=1; b=\"x y\""],
            ),
            ("__Secure-other=1; __Host-a=2", vec!["__Host-a=2"]),
            ("gatepass=t; ", vec![]),
            (
                "Gatepass=1; gatepass2=2; xgatepass=3",
                vec!["Gatepass=1; gatepass2=2; xgatepass=3"],
            ),
            ("a=gatepass=t;;  b", vec!["a=gatepass=t;;  b"]),
        ] {
            assert_eq!(strip(&[before]), after, "{before}");
        }
        assert_eq!(
            strip(&["a=1", "gatepass=t", "b=2; other=3"]),
            ["a=1", "b=2"]
        );
        assert!(strip(&["gatepass=t", "other=u"]).is_empty());
    }

    proptest! {
        #[test]
        fn s05_no_cookie_of_ours_is_left_and_no_other_is_lost(
            picks in prop::collection::vec((0..6_usize, "[a-z0-9=]{0,5}"), 0..10),
            split in any::<bool>(),
        ) {
            let names = ["gatepass", "__Host-gatepass", "other", "a", "gate", "__Host-b"];
            let pairs: Vec<_> = picks.iter().map(|(n, v)| format!("{}={v}", names[*n])).collect();
            let sent = if split { pairs.clone() } else { vec![pairs.join("; ")] };
            let left = strip(&sent.iter().filter(|s| !s.is_empty()).map(|s| &**s).collect::<Vec<_>>());
            let theirs: Vec<_> = picks.iter().zip(&pairs).filter(|((n, _), _)| *n > 2).map(|(_, p)| p.clone()).collect();
            prop_assert_eq!(left.join("; "), theirs.join("; "));
        }
    }
}

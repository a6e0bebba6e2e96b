//! What belongs to one connection and not to the message (RFC 9110, section 7.6.1; S03).

use std::sync::LazyLock;

use http::HeaderMap;
use http::header::{
    CONNECTION, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use smallvec::SmallVec;

use super::name_set::NameSet;
use super::names::{
    FORWARDED, FORWARDED_PREFIXES, HTTP2_SETTINGS, IDENTITY, KEEP_ALIVE, PROXY_CONNECTION,
};

/// Fields that are never forwarded as they came. `Trailer` is not among them: it announces
/// trailers, which are forwarded.
pub(super) static NAMES: [&HeaderName; 9] = [
    &CONNECTION,
    &HTTP2_SETTINGS,
    &KEEP_ALIVE,
    &PROXY_AUTHENTICATE,
    &PROXY_AUTHORIZATION,
    &PROXY_CONNECTION,
    &TE,
    &TRANSFER_ENCODING,
    &UPGRADE,
];

/// What a message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Exchange {
    /// A request and its response.
    Message,
    /// Another protocol, once the upstream has agreed to it.
    Upgrade,
}

/// What a message's hop-by-hop fields say, read before they go.
#[derive(Debug, Default)]
pub(super) struct Hop {
    /// The protocol to switch to, asked for by `Connection: upgrade` and `Upgrade`.
    pub(super) upgrade: Option<HeaderValue>,
    /// Whether the sender takes trailers.
    pub(super) trailers: bool,
    /// Fields that `Connection` names and that are there.
    pub(super) named: SmallVec<[HeaderName; 2]>,
}

impl Hop {
    /// Reads the fields in `found`, which are in `headers`.
    pub(super) fn read(headers: &HeaderMap, found: &[HeaderName]) -> Self {
        let mut hop = Self::default();
        let (mut wants_upgrade, mut has_upgrade) = (false, false);
        for name in found {
            if *name == CONNECTION {
                wants_upgrade = hop.read_connection(headers);
            } else if *name == UPGRADE {
                has_upgrade = true;
            } else if *name == TE {
                hop.trailers = tokens(headers, &TE).any(|t| t.eq_ignore_ascii_case(b"trailers"));
            }
        }
        if wants_upgrade && has_upgrade {
            hop.upgrade = headers
                .get(UPGRADE)
                .filter(|_| may_switch(headers))
                .cloned();
        }
        hop
    }

    /// Whether `Connection` asks for an upgrade. What else it names is noted, unless it is a
    /// field that is meant for the recipient of the message: RFC 9110 forbids senders to name
    /// one, and clients that do it all the same want an upstream to see less than the gateway
    /// saw (CVE-2024-45410, CVE-2026-29054).
    fn read_connection(&mut self, headers: &HeaderMap) -> bool {
        let mut upgrade = false;
        for token in tokens(headers, &CONNECTION) {
            if token.eq_ignore_ascii_case(b"keep-alive") || token.eq_ignore_ascii_case(b"close") {
                continue;
            }
            if token.eq_ignore_ascii_case(b"upgrade") {
                upgrade = true;
                continue;
            }
            let Ok(token) = str::from_utf8(token) else {
                continue;
            };
            if headers.contains_key(token)
                && !END_TO_END.contains(token)
                && let Ok(name) = HeaderName::try_from(token)
                && !self.named.contains(&name)
            {
                self.named.push(name);
            }
        }
        upgrade
    }

    /// Whether another protocol is asked for.
    pub(super) fn exchange(&self) -> Exchange {
        if self.upgrade.is_some() {
            Exchange::Upgrade
        } else {
            Exchange::Message
        }
    }

    /// Says for the next hop what has to be said anew.
    pub(super) fn rebuild(self, headers: &mut HeaderMap) {
        if let Some(protocol) = self.upgrade {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol);
        } else if self.trailers {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
}

/// Fields that no `Connection` can delete.
static END_TO_END: LazyLock<NameSet> = LazyLock::new(|| {
    let prefixes = ["accept", "access-control-", "content-", "if-", "sec-"];
    let prefixes: Vec<&str> = prefixes.into_iter().chain(FORWARDED_PREFIXES).collect();
    NameSet::new(
        [
            "age",
            "allow",
            "authorization",
            "cache-control",
            "cookie",
            "date",
            "etag",
            "expect",
            "expires",
            "from",
            "host",
            "last-modified",
            "location",
            "max-forwards",
            "origin",
            "pragma",
            "range",
            "referer",
            "referrer-policy",
            "retry-after",
            "server",
            "set-cookie",
            "strict-transport-security",
            "trailer",
            "user-agent",
            "vary",
            "via",
            "www-authenticate",
            "x-content-type-options",
            "x-frame-options",
            "x-requested-with",
        ]
        .into_iter()
        .chain(FORWARDED)
        .chain(IDENTITY.iter().map(|n| n.as_str())),
        &prefixes,
    )
});

/// Switching to another version of HTTP or to TLS is for this hop alone, and a tunnel to an
/// upstream that does it would carry requests that nobody checks.
fn may_switch(headers: &HeaderMap) -> bool {
    tokens(headers, &UPGRADE).all(|protocol| {
        let name = protocol.split(|b| *b == b'/').next().unwrap_or_default();
        ![&b"h2c"[..], b"h2", b"http", b"tls"]
            .iter()
            .any(|refused| name.eq_ignore_ascii_case(refused))
    })
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

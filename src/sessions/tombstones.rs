//! Tokens that must stay dead although somebody may still be writing them.

use std::hash::BuildHasherDefault;
use std::time::Duration;

use crate::domain::{SessionEnd, Tick, TokenDigest};
use crate::store::index::FromKey;
use crate::sync::map::DashMap;

/// Digests of ended sessions, kept for longer than any load from a store takes.
#[derive(Debug, Default)]
pub(super) struct Tombstones(DashMap<TokenDigest, Tombstone, BuildHasherDefault<FromKey>>);

#[derive(Debug)]
struct Tombstone {
    end: SessionEnd,
    until: Tick,
}

/// Longer than the longest writer: every store call has a shorter time limit.
const KEPT: Duration = Duration::from_secs(120);

impl Tombstones {
    pub(super) fn bury(&self, digest: TokenDigest, end: SessionEnd, now: Tick) {
        let until = now.after(KEPT);
        self.0.insert(digest, Tombstone { end, until });
    }

    pub(super) fn has(&self, digest: &TokenDigest, now: Tick) -> bool {
        self.0.get(digest).is_some_and(|tomb| now < tomb.until)
    }

    /// How the session of `digest` ended.
    pub(super) fn end_of(&self, digest: &TokenDigest, now: Tick) -> Option<SessionEnd> {
        let tomb = self.0.get(digest)?;
        (now < tomb.until).then(|| tomb.end.clone())
    }

    pub(super) fn sweep(&self, now: Tick) {
        self.0.retain(|_, tomb| now < tomb.until);
    }
}

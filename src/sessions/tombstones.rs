//! Tokens that must stay dead although somebody may still be writing them.

use std::hash::BuildHasherDefault;
use std::time::Duration;

use crate::domain::{Tick, TokenDigest};
use crate::store::index::FromKey;
use crate::sync::map::DashMap;

/// Digests of ended sessions, kept for longer than any load from a store takes.
#[derive(Debug, Default)]
pub(super) struct Tombstones(DashMap<TokenDigest, Tick, BuildHasherDefault<FromKey>>);

/// Longer than the longest writer: every store call has a shorter time limit.
const KEPT: Duration = Duration::from_secs(120);

impl Tombstones {
    pub(super) fn bury(&self, digest: TokenDigest, now: Tick) {
        self.0.insert(digest, now.after(KEPT));
    }

    pub(super) fn has(&self, digest: &TokenDigest, now: Tick) -> bool {
        self.0.get(digest).is_some_and(|until| now < *until)
    }

    pub(super) fn sweep(&self, now: Tick) {
        self.0.retain(|_, until| now < *until);
    }
}

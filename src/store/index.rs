//! Indexes of sessions that cost one pointer an entry: the key is read from the session.

use std::borrow::Borrow;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use crate::domain::{Session, SessionId, TokenDigest};
use crate::sync::map::DashMap;

/// Shards of every large map: so many that a scan, which holds one shard at a time, stalls
/// an insert for microseconds only.
pub(crate) const SHARDS: usize = 1024;

/// A set of sessions found by the digest of their token.
pub(crate) type DigestIndex = DashMap<ByDigest, (), BuildHasherDefault<FromKey>>;
/// A set of sessions found by their id.
pub(crate) type IdIndex = DashMap<ById, (), BuildHasherDefault<FromKey>>;

/// A session that stands under its digest.
#[derive(Clone)]
pub(crate) struct ByDigest(pub(crate) Arc<Session>);

/// A session that stands under its id.
#[derive(Clone)]
pub(crate) struct ById(pub(crate) Arc<Session>);

impl Borrow<TokenDigest> for ByDigest {
    fn borrow(&self) -> &TokenDigest {
        self.0.digest()
    }
}

impl PartialEq for ByDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest() == other.0.digest()
    }
}

impl Eq for ByDigest {}

impl Hash for ByDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest().hash(state);
    }
}

impl Borrow<SessionId> for ById {
    fn borrow(&self) -> &SessionId {
        self.0.id_ref()
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id_ref().hash(state);
    }
}

/// The hasher for keys that are random already: the eight bytes they give are the hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct FromKey(u64);

impl Hasher for FromKey {
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }

    /// Keys of these maps give their eight bytes at once; anything else still hashes.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// An empty map with enough shards for `SHARDS`' purpose.
pub(crate) fn sharded<K: Eq + Hash, V>() -> DashMap<K, V, BuildHasherDefault<FromKey>> {
    sharded_with(0)
}

/// As [`sharded`], with room for `expected` entries.
pub(crate) fn sharded_with<K: Eq + Hash, V>(
    expected: usize,
) -> DashMap<K, V, BuildHasherDefault<FromKey>> {
    let hasher = BuildHasherDefault::default();
    DashMap::with_capacity_and_hasher_and_shard_amount(expected, hasher, SHARDS)
}

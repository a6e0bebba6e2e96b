//! A map that threads share, with the interface of the one that is used outside models.
//!
//! One lock for all of it: that two keys share a shard is always possible, and whoever holds
//! an entry while they touch the map again is found out. Walks let others in between any two
//! entries, as walks over shards do. Nothing is hashed, so that a schedule can be repeated.

use std::borrow::Borrow;
use std::fmt;
use std::hash::RandomState;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use shuttle::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) struct DashMap<K, V, S = RandomState> {
    entries: RwLock<Vec<(K, V)>>,
    hasher: PhantomData<fn() -> S>,
}

/// An entry that is looked at.
pub(crate) struct Ref<'m, K, V> {
    entries: RwLockReadGuard<'m, Vec<(K, V)>>,
    at: usize,
}

/// An entry that may be changed.
pub(crate) struct RefMut<'m, K, V> {
    entries: RwLockWriteGuard<'m, Vec<(K, V)>>,
    at: usize,
}

/// A place in the map, taken or not.
pub(crate) enum Entry<'m, K, V> {
    Occupied(RefMut<'m, K, V>),
    Vacant(VacantEntry<'m, K, V>),
}

pub(crate) struct VacantEntry<'m, K, V> {
    entries: RwLockWriteGuard<'m, Vec<(K, V)>>,
    key: K,
}

impl<K: Eq, V, S> DashMap<K, V, S> {
    pub(crate) fn with_capacity_and_hasher_and_shard_amount(_: usize, _: S, _: usize) -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<(K, V)>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<(K, V)>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get<Q: Eq + ?Sized>(&self, key: &Q) -> Option<Ref<'_, K, V>>
    where
        K: Borrow<Q>,
    {
        let entries = self.read();
        let at = find(&entries, key)?;
        Some(Ref { entries, at })
    }

    pub(crate) fn contains_key<Q: Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    pub(crate) fn insert(&self, key: K, value: V) -> Option<V> {
        let mut entries = self.write();
        match find(&entries, &key) {
            Some(at) => Some(std::mem::replace(&mut entries[at].1, value)),
            None => {
                entries.push((key, value));
                None
            }
        }
    }

    pub(crate) fn remove<Q: Eq + ?Sized>(&self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let mut entries = self.write();
        let at = find(&entries, key)?;
        Some(entries.remove(at))
    }

    pub(crate) fn remove_if_mut<Q: Eq + ?Sized>(
        &self,
        key: &Q,
        remove: impl FnOnce(&K, &mut V) -> bool,
    ) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let mut entries = self.write();
        let at = find(&entries, key)?;
        let (key, value) = &mut entries[at];
        remove(key, value).then(|| entries.remove(at))
    }

    pub(crate) fn entry(&self, key: K) -> Entry<'_, K, V> {
        let entries = self.write();
        match find(&entries, &key) {
            Some(at) => Entry::Occupied(RefMut { entries, at }),
            None => Entry::Vacant(VacantEntry { entries, key }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.read().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Clone + Eq, V, S> DashMap<K, V, S> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Ref<'_, K, V>> {
        let keys: Vec<K> = self.read().iter().map(|(key, _)| key.clone()).collect();
        keys.into_iter().filter_map(|key| self.get(&key))
    }

    pub(crate) fn retain(&self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let keys: Vec<K> = self.read().iter().map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.remove_if_mut(&key, |key, value| !keep(key, value));
        }
    }
}

impl<'m, K: Clone + Eq, V, S> IntoIterator for &'m DashMap<K, V, S> {
    type Item = Ref<'m, K, V>;
    type IntoIter = Box<dyn Iterator<Item = Ref<'m, K, V>> + 'm>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

impl<K: Eq, V, S> Default for DashMap<K, V, S> {
    fn default() -> Self {
        Self {
            entries: RwLock::new(Vec::new()),
            hasher: PhantomData,
        }
    }
}

impl<K: Eq, V> DashMap<K, V> {
    pub(crate) fn new() -> Self {
        Self::default()
    }
}

impl<K, V, S> fmt::Debug for DashMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DashMap")
    }
}

impl<'m, K, V> Entry<'m, K, V> {
    pub(crate) fn or_default(self) -> RefMut<'m, K, V>
    where
        V: Default,
    {
        match self {
            Self::Occupied(entry) => entry,
            Self::Vacant(entry) => entry.insert(V::default()),
        }
    }
}

impl<'m, K, V> VacantEntry<'m, K, V> {
    pub(crate) fn insert(self, value: V) -> RefMut<'m, K, V> {
        let Self { mut entries, key } = self;
        entries.push((key, value));
        let at = entries.len() - 1;
        RefMut { entries, at }
    }
}

impl<K, V> Ref<'_, K, V> {
    pub(crate) fn key(&self) -> &K {
        &self.entries[self.at].0
    }

    pub(crate) fn value(&self) -> &V {
        &self.entries[self.at].1
    }
}

impl<K, V> RefMut<'_, K, V> {
    pub(crate) fn get(&self) -> &V {
        self
    }

    pub(crate) fn get_mut(&mut self) -> &mut V {
        self
    }
}

impl<K, V> Deref for Ref<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K, V> Deref for RefMut<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.entries[self.at].1
    }
}

impl<K, V> DerefMut for RefMut<'_, K, V> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.entries[self.at].1
    }
}

fn find<K: Borrow<Q>, V, Q: Eq + ?Sized>(entries: &[(K, V)], key: &Q) -> Option<usize> {
    entries.iter().position(|(k, _)| k.borrow() == key)
}

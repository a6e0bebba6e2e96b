//! Things that are kept for a short time, in memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::domain::Tick;

/// A bounded map whose entries go when their time is up. All have the same lifetime, as a
/// rule, so the first to come is the first to go.
#[derive(Debug)]
pub(super) struct ShortLived<K, V> {
    entries: HashMap<K, (V, Tick)>,
    order: VecDeque<(K, Tick)>,
    max: usize,
}

impl<K: Clone + Eq + Hash, V> ShortLived<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            max,
        }
    }

    /// Whether as many are kept as may be.
    pub(super) fn is_full(&mut self, now: Tick) -> bool {
        self.drop_old(now);
        self.entries.len() >= self.max
    }

    /// Keeps `value` for `lifetime`; the oldest goes when there are too many.
    pub(super) fn put(&mut self, key: K, value: V, lifetime: Duration, now: Tick) {
        self.drop_old(now);
        while self.order.len() >= self.max {
            let Some((oldest, _)) = self.order.pop_front() else {
                break;
            };
            self.entries.remove(&oldest);
        }
        let until = now.after(lifetime);
        self.order.push_back((key.clone(), until));
        self.entries.insert(key, (value, until));
    }

    /// Takes what is kept under `key`.
    pub(super) fn take(&mut self, key: &K, now: Tick) -> Option<V> {
        let (value, until) = self.entries.remove(key)?;
        (now < until).then_some(value)
    }

    /// Looks at what is kept under `key`.
    pub(super) fn get(&self, key: &K, now: Tick) -> Option<&V> {
        let (value, until) = self.entries.get(key)?;
        (now < *until).then_some(value)
    }

    fn drop_old(&mut self, now: Tick) {
        while let Some((key, _)) = self.order.pop_front_if(|(_, until)| *until <= now) {
            self.entries.remove(&key);
        }
    }
}

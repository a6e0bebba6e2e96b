//! The tasks that can be asked about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use crate::domain::{SpaceId, TaskId, Tick, Timestamp};

/// Tasks that have not ended, and for a time those that have.
#[derive(Debug)]
pub(super) struct Kept {
    by_id: BTreeMap<TaskId, Arc<Entry>>,
    next: TaskId,
    time: Duration,
    max_ended: usize,
}

impl Kept {
    pub(super) fn new(start: Timestamp, time: Duration, max_ended: usize) -> Self {
        let first = u64::try_from(start.unix_millis()).unwrap_or(0).max(1);
        Self {
            by_id: BTreeMap::new(),
            next: TaskId::new(first),
            time,
            max_ended,
        }
    }

    /// Keeps a task of an earlier process. New ones get higher ids than it.
    pub(super) fn restore(&mut self, entry: Entry) {
        self.next = self.next.max(entry.id.next());
        self.by_id.insert(entry.id, Arc::new(entry));
    }

    /// Keeps a task of another process unless its id is taken. New ones get higher ids than it.
    pub(super) fn import(&mut self, entry: &Arc<Entry>) -> bool {
        if self.by_id.contains_key(&entry.id) {
            return false;
        }
        self.next = self.next.max(entry.id.next());
        self.by_id.insert(entry.id, Arc::clone(entry));
        true
    }

    /// All tasks, oldest first.
    pub(super) fn all(&self, now: Tick) -> Vec<Arc<Entry>> {
        let all = self.by_id.values().filter(|entry| !self.is_old(entry, now));
        all.cloned().collect()
    }

    /// The id of the next task, where nobody else gives ids.
    pub(super) fn number(&mut self) -> TaskId {
        let id = self.next;
        self.next = id.next();
        id
    }

    /// Keeps a new task.
    pub(super) fn add(&mut self, entry: Arc<Entry>) {
        self.by_id.insert(entry.id, entry);
    }

    /// The tasks that have not ended.
    pub(super) fn unfinished(&self) -> Vec<Arc<Entry>> {
        let unfinished = |entry: &&Arc<Entry>| entry.ended_at().is_none();
        self.by_id.values().filter(unfinished).cloned().collect()
    }

    pub(super) fn get(&self, id: TaskId, now: Tick) -> Option<&Arc<Entry>> {
        self.by_id.get(&id).filter(|entry| !self.is_old(entry, now))
    }

    /// The tasks of `space`, newest first.
    pub(super) fn of_space(&self, space: &SpaceId, now: Tick) -> Vec<Arc<Entry>> {
        let of_space = self.by_id.values().rev().filter(|e| e.space == *space);
        of_space.filter(|e| !self.is_old(e, now)).cloned().collect()
    }

    /// Forgets what has ended too long ago, and the oldest of too many.
    pub(super) fn prune(&mut self, now: Tick) {
        let mut ended: Vec<(Tick, TaskId)> = Vec::new();
        let time = self.time;
        self.by_id.retain(|id, entry| match entry.ended_at() {
            Some(at) if now.since(at) >= time => false,
            Some(at) => {
                ended.push((at, *id));
                true
            }
            None => true,
        });
        let excess = ended.len().saturating_sub(self.max_ended);
        ended.sort_unstable();
        for (_, id) in &ended[..excess] {
            self.by_id.remove(id);
        }
    }

    fn is_old(&self, entry: &Entry, now: Tick) -> bool {
        entry
            .ended_at()
            .is_some_and(|at| now.since(at) >= self.time)
    }
}

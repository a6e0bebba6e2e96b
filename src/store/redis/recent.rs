//! What this node was told is done, for as long as a failover may undo it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::{Session, Tick, UserKey, UserLock};
use crate::store::Epoch;

/// The writes that Redis acknowledged to this node in the last two minutes.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Said>);

/// What was said to Redis. Sessions are the very ones of the table, or of the answer.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) opened: Window<Arc<Session>>,
    pub(super) ended: Window<Arc<Session>>,
    pub(super) epochs: Window<Epoch>,
    pub(super) locks: Window<SaidLock>,
}

/// A lock, or that there is none, and its number in the order of its shard.
#[derive(Clone, Debug)]
pub(super) struct SaidLock {
    pub(super) user: UserKey,
    pub(super) lock: Option<UserLock>,
    pub(super) number: u64,
}

/// What happened in the last while, in its order.
#[derive(Debug)]
pub(super) struct Window<T>(VecDeque<(Tick, T)>);

/// Longer than any failover takes.
const KEPT: Duration = Duration::from_secs(120);

/// As much as is kept of each kind: a pointer and a time, and of ended ones the session.
const MAX: usize = 1 << 20;

impl Recent {
    pub(super) fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Window<T> {
    pub(super) fn push(&mut self, now: Tick, what: T) {
        self.forget(now);
        if self.0.len() == MAX {
            self.0.pop_front();
        }
        self.0.push_back((now, what));
    }

    /// What is in the window at `now`.
    pub(super) fn all(&mut self, now: Tick) -> Vec<T> {
        self.forget(now);
        self.0.iter().map(|(_, what)| what.clone()).collect()
    }

    fn forget(&mut self, now: Tick) {
        while self.0.front().is_some_and(|(at, _)| now.since(*at) >= KEPT) {
            self.0.pop_front();
        }
    }
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets() {
        let mut window = Window::default();
        let start = Tick::from_millis(5);
        window.push(start, 'a');
        let later = start.after(KEPT / 2);
        window.push(later, 'b');
        assert_eq!(window.all(later), ['a', 'b']);
        assert_eq!(window.all(start.after(KEPT)), ['b']);
        assert!(window.all(later.after(KEPT)).is_empty());
    }
}

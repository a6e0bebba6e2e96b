//! Whether Redis still has what it has acknowledged.
//!
//! A shard counts the writes of a node that it acknowledges, and says with each how many there
//! were. When it has fewer than the node knows of, it has lost some: another server took over
//! that had not heard of them, or somebody has emptied it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::keys::{SHARDS, Shard};
use crate::domain::Tick;
use crate::store::StoreError;

/// What a node knows of what Redis should have.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The writes of this node that each shard has acknowledged.
    marks: [AtomicU64; SHARDS as usize],
    lost: AtomicBool,
    /// Up to this tick, what is not there may be said again by another node.
    unsure_until: AtomicU64,
}

/// For how long after a new connection, or after this node has said again what was lost,
/// others may still have to.
const OTHERS: Duration = Duration::from_secs(2);

impl History {
    /// The writes of this node that `shard` is known to have.
    pub(super) fn mark(&self, shard: Shard) -> u64 {
        self.marks[usize::from(shard.number())].load(Ordering::Acquire)
    }

    /// That `shard` has acknowledged the write `mark` that was asked for when `before` were
    /// known; `false` when some of these are gone.
    pub(super) fn acknowledged(&self, shard: Shard, before: u64, mark: u64) -> bool {
        if mark > before {
            let known = &self.marks[usize::from(shard.number())];
            known.fetch_max(mark, Ordering::AcqRel);
            return true;
        }
        self.note_lost(shard, mark);
        false
    }

    /// That `shard` has no more than `mark` writes of this node, and had more.
    pub(super) fn note_lost(&self, shard: Shard, mark: u64) {
        self.marks[usize::from(shard.number())].store(mark, Ordering::Release);
        self.lost.store(true, Ordering::Release);
    }

    /// Whether writes were lost that have not been said again.
    pub(super) fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// That what was lost is about to be said again.
    pub(super) fn begin_saying(&self) {
        self.lost.store(false, Ordering::Release);
        self.unsure_until.store(u64::MAX, Ordering::Release);
    }

    /// That it has to be said again later.
    pub(super) fn say_later(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// That other nodes may have something to say again that is missing now.
    pub(super) fn wait_for_others(&self, now: Tick) {
        let until = now.after(OTHERS).as_millis();
        self.unsure_until.store(until, Ordering::Release);
    }

    /// That nothing is known, for what is not there at `now` may have been lost.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] for that time.
    pub(super) fn believe_missing(&self, now: Tick) -> Result<(), StoreError> {
        if now.as_millis() < self.unsure_until.load(Ordering::Acquire) {
            let why = "what Redis does not have may have been lost, and come back";
            return Err(StoreError::Unavailable(why.into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_is_no_more_than_was_known_tells_of_a_loss() {
        let (history, shard) = (History::default(), Shard::read(3).unwrap());
        assert!(history.acknowledged(shard, 0, 1));
        // Two that were under way at once, answered in either order.
        assert!(history.acknowledged(shard, 1, 3));
        assert!(history.acknowledged(shard, 1, 2));
        assert_eq!((history.mark(shard), history.has_lost()), (3, false));
        assert!(!history.acknowledged(shard, 3, 2));
        assert_eq!((history.mark(shard), history.has_lost()), (2, true));
    }

    #[test]
    fn what_is_missing_is_not_believed_for_a_while() {
        let (history, now) = (History::default(), Tick::from_millis(1000));
        assert!(history.believe_missing(now).is_ok());
        history.begin_saying();
        assert!(history.believe_missing(now.after(OTHERS)).is_err());
        history.wait_for_others(now);
        assert!(history.believe_missing(now).is_err());
        assert!(history.believe_missing(now.after(OTHERS)).is_ok());
    }
}

//! The part of a space that all its sessions share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Lifetime, LimitPolicy, SessionPolicy, SpaceId, UserLimit};

/// A space as its sessions see it: its id, the policy in force now, and the number of its
/// open sessions.
///
/// One per space and process; every session points to it, so a changed policy holds for the
/// sessions that are open already.
#[derive(Debug)]
pub struct SpaceState {
    id: SpaceId,
    idle_ms: AtomicU64,
    absolute_ms: AtomicU64,
    /// `max << 1 | (policy == EndOldest)`; 0 for no limit.
    limit: AtomicU64,
    open: AtomicUsize,
}

impl SpaceState {
    /// The state of space `id` under `policy`, with no session open.
    #[must_use]
    pub fn new(id: SpaceId, policy: SessionPolicy) -> Arc<Self> {
        let state = Self {
            id,
            idle_ms: AtomicU64::new(0),
            absolute_ms: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        };
        state.set_policy(policy);
        Arc::new(state)
    }

    /// The space's id.
    #[must_use]
    pub const fn id(&self) -> &SpaceId {
        &self.id
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> SessionPolicy {
        let limit = self.limit.load(Ordering::Relaxed);
        SessionPolicy {
            lifetime: self.lifetime(),
            limit: u32::try_from(limit >> 1)
                .ok()
                .filter(|max| *max > 0)
                .map(|max| UserLimit {
                    max,
                    policy: if limit & 1 == 1 {
                        LimitPolicy::EndOldest
                    } else {
                        LimitPolicy::Refuse
                    },
                }),
        }
    }

    /// How long sessions may live, from now on.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        Lifetime {
            idle: Duration::from_millis(self.idle_ms.load(Ordering::Relaxed)),
            absolute: Duration::from_millis(self.absolute_ms.load(Ordering::Relaxed)),
        }
    }

    /// Puts `policy` into force, for open sessions too.
    pub fn set_policy(&self, policy: SessionPolicy) {
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        self.idle_ms
            .store(millis(policy.lifetime.idle), Ordering::Relaxed);
        self.absolute_ms
            .store(millis(policy.lifetime.absolute), Ordering::Relaxed);
        let limit = policy.limit.map_or(0, |limit| {
            u64::from(limit.max.max(1)) << 1 | u64::from(limit.policy == LimitPolicy::EndOldest)
        });
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Sessions open in this process.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a session that was opened.
    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a session that was closed.
    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_back_as_it_was_set() {
        let state = SpaceState::new(SpaceId::new("1").unwrap(), SessionPolicy::default());
        assert_eq!(state.policy(), SessionPolicy::default());
        for policy in [LimitPolicy::Refuse, LimitPolicy::EndOldest] {
            let wanted = SessionPolicy {
                lifetime: Lifetime {
                    idle: Duration::from_secs(1),
                    absolute: Duration::from_secs(2),
                },
                limit: Some(UserLimit { max: 5, policy }),
            };
            state.set_policy(wanted);
            assert_eq!(state.policy(), wanted);
        }
    }
}

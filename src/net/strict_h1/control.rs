//! The server's hold on a guarded connection.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, Version};

use super::grammar::lists;
use super::violation::Violation;

/// Tells a [`StrictHttp1`](super::StrictHttp1) what becomes of an upgrade request, and what
/// it refused. One per connection, cheap to clone.
#[derive(Clone, Debug)]
pub struct FramingControl {
    shared: Arc<Shared>,
}

/// A request that asks for an upgrade, and whose connection waits for a decision. Dropping
/// it is the decision to stay with HTTP/1.
#[derive(Debug)]
#[must_use = "dropping it refuses the upgrade"]
pub struct PendingUpgrade {
    control: FramingControl,
}

/// What the guard and its control share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    decision: AtomicU8,
    waker: Mutex<Option<Waker>>,
    violation: OnceLock<Violation>,
}

/// What was decided about an upgrade request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Open,
    Tunnel,
    Resume,
}

/// Whether the guard holds the bytes behind a request with this version and these headers:
/// HTTP/1.1, an Upgrade field, and `upgrade` among the Connection options.
#[must_use]
pub fn asks_for_upgrade(version: Version, headers: &HeaderMap) -> bool {
    version == Version::HTTP_11
        && headers.contains_key(UPGRADE)
        && headers
            .get_all(CONNECTION)
            .iter()
            .any(|value| lists(value.as_bytes(), b"upgrade"))
}

impl FramingControl {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The decision that a request with this version and these headers (as they came, before
    /// any is removed) waits for; `None` when it does not ask for an upgrade. Call it once
    /// per request, and hold the result until the response's status is known.
    pub fn upgrade(&self, version: Version, headers: &HeaderMap) -> Option<PendingUpgrade> {
        asks_for_upgrade(version, headers).then(|| PendingUpgrade {
            control: self.clone(),
        })
    }

    /// From now on everything passes unchecked, first what was held back. Only for a
    /// request that asked for an upgrade; otherwise it does nothing and says `false`.
    pub fn tunnel(&self) -> bool {
        self.shared.decide(TUNNEL)
    }

    /// The connection stays HTTP/1, and what was held back is checked as the next request.
    /// Only for a request that asked for an upgrade; otherwise it does nothing and says
    /// `false`.
    pub fn resume(&self) -> bool {
        self.shared.decide(RESUME)
    }

    /// What was refused on this connection, for its log.
    #[must_use]
    pub fn violation(&self) -> Option<Violation> {
        self.shared.violation.get().copied()
    }
}

impl PendingUpgrade {
    /// The upgrade happens: [`FramingControl::tunnel`]. To be called before the 101 goes
    /// out; on `false` it must not go out.
    #[must_use]
    pub fn tunnel(self) -> bool {
        // The drop that follows finds nothing left to decide.
        self.control.tunnel()
    }
}

impl Drop for PendingUpgrade {
    fn drop(&mut self) {
        self.control.resume();
    }
}

impl Shared {
    /// A request asks for an upgrade.
    pub(super) fn ask(&self) {
        self.decision.store(ASKED, Ordering::Release);
    }

    /// The server's decision on it.
    pub(super) fn decision(&self) -> Decision {
        match self.decision.load(Ordering::Acquire) {
            TUNNEL => Decision::Tunnel,
            RESUME => Decision::Resume,
            _ => Decision::Open,
        }
    }

    /// As [`Shared::decision`]; while it is open, the task is woken when it is made.
    pub(super) fn poll_decision(&self, cx: &Context<'_>) -> Decision {
        {
            let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        // After the waker: a decision made in between is seen here.
        self.decision()
    }

    /// A decision was carried out.
    pub(super) fn settle(&self) {
        self.decision.store(NONE, Ordering::Release);
    }

    pub(super) fn refused(&self, violation: Violation) {
        // Set once: a guard refuses once.
        let _ = self.violation.set(violation);
    }

    fn decide(&self, decision: u8) -> bool {
        let decided = self
            .decision
            .compare_exchange(ASKED, decision, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if decided {
            let waker = self
                .waker
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        decided
    }
}

const NONE: u8 = 0;
const ASKED: u8 = 1;
const TUNNEL: u8 = 2;
const RESUME: u8 = 3;

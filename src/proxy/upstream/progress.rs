//! How far a request's body has come.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http_body::Body;

/// The body of a request to an upstream.
pub trait UpstreamBody:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
    /// How far it has come; `None` when it is empty. The limit on the wait for the response
    /// runs from the body's last progress.
    fn progress(&self) -> Option<Progress>;
}

/// How far a request's body has come, for those who do not hold the body.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The tick of the last frame, or [`CLIENT`].
    last: AtomicU64,
    complete: AtomicBool,
}

impl Progress {
    /// A frame went to the upstream at the tick `now`.
    pub fn moved(&self, now: u64) {
        self.0.last.store(now, Ordering::Relaxed);
    }

    /// The upstream would take more; the client has not sent it.
    pub fn waits_for_client(&self) {
        self.0.last.store(CLIENT, Ordering::Relaxed);
    }

    /// The end was read at the tick `now`.
    pub fn ended(&self, now: u64) {
        self.moved(now);
        self.0.complete.store(true, Ordering::Relaxed);
    }

    /// Whether the body was read to its end. A client's connection on which it was not is
    /// closed by hyper, unless the rest fits in one read (S36).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.complete.load(Ordering::Relaxed)
    }

    /// Since which tick the upstream is the one that is waited for; `None` while it is the
    /// client.
    pub(super) fn upstream_since(&self) -> Option<u64> {
        Some(self.0.last.load(Ordering::Relaxed)).filter(|last| *last != CLIENT)
    }
}

const CLIENT: u64 = u64::MAX;

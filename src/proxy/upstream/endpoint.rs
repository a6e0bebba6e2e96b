//! One address on one worker: its idle connections, its places and those who wait for one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::client::conn::http1::SendRequest;
use tokio::sync::oneshot;

use super::health::Health;
use super::{PoolStats, UpstreamAddress};
use crate::proxy::deadline::Deadlines;

/// One address. The places of an address are the requests that may be in flight to it; as
/// a connection is opened only where no idle one is left, they bound its connections too.
pub(super) struct Endpoint<B> {
    pub(super) address: UpstreamAddress,
    pub(super) health: Health,
    pub(super) deadlines: Deadlines,
    /// Written under the lock, read without it to choose an address.
    in_flight: AtomicUsize,
    state: Mutex<State<B>>,
}

struct State<B> {
    /// The one that was used last is at the end, and is used first.
    idle: Vec<Idle<B>>,
    waiting: VecDeque<oneshot::Sender<Permit<B>>>,
}

struct Idle<B> {
    sender: SendRequest<B>,
    /// The tick from which on it is not used any more.
    until: u64,
}

/// A place at an address. Dropped, it goes to the one who has waited longest.
pub(super) struct Permit<B>(Option<Arc<Endpoint<B>>>);

/// What an address has for a request.
pub(super) enum Checkout<B> {
    /// A place and an idle connection.
    Ready(Permit<B>, SendRequest<B>),
    /// A place; the connection is still to be opened.
    Open(Permit<B>),
    /// All places are taken; one will come this way.
    Queued(oneshot::Receiver<Permit<B>>),
    /// All places are taken, and so many wait already.
    Full(usize),
}

impl<B> Endpoint<B> {
    pub(super) fn new(address: UpstreamAddress, deadlines: Deadlines) -> Self {
        Self {
            address,
            health: Health::default(),
            deadlines,
            in_flight: AtomicUsize::new(0),
            state: Mutex::new(State {
                idle: Vec::new(),
                waiting: VecDeque::new(),
            }),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn checkout(self: &Arc<Self>, places: usize, queue: usize) -> Checkout<B> {
        let mut state = self.state();
        let in_flight = self.in_flight();
        if in_flight >= places {
            if state.waiting.len() >= queue {
                state.waiting.retain(|waiter| !waiter.is_closed());
            }
            if state.waiting.len() >= queue {
                return Checkout::Full(state.waiting.len());
            }
            let (waiter, queued) = oneshot::channel();
            state.waiting.push_back(waiter);
            return Checkout::Queued(queued);
        }
        self.in_flight.store(in_flight + 1, Ordering::Relaxed);
        let sender = state.pop(self.deadlines.now());
        drop(state);
        let permit = Permit(Some(Arc::clone(self)));
        match sender {
            Some(sender) => Checkout::Ready(permit, sender),
            None => Checkout::Open(permit),
        }
    }

    /// An idle connection for one who has a place already.
    pub(super) fn idle(&self) -> Option<SendRequest<B>> {
        self.state().pop(self.deadlines.now())
    }

    /// Drops what has been idle for too long.
    pub(super) fn sweep(&self) {
        let now = self.deadlines.now();
        let mut state = self.state();
        state.idle.retain(|idle| idle.is_usable(now));
        if state.idle.is_empty() {
            state.idle.shrink_to_fit();
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.state();
        PoolStats {
            idle: state.idle.len(),
            in_flight: self.in_flight(),
            waiting: state.waiting.iter().filter(|w| !w.is_closed()).count(),
            out: self.health.is_out(self.deadlines.now()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees a place: the first who still waits gets it.
    fn free(self: Arc<Self>, idle: Option<Idle<B>>) {
        let mut state = self.state();
        state.idle.extend(idle);
        let Some(mut waiter) = state.waiting.pop_front() else {
            self.in_flight
                .store(self.in_flight() - 1, Ordering::Relaxed);
            return;
        };
        drop(state);
        let mut permit = Permit(Some(Arc::clone(&self)));
        while let Err(mut refused) = waiter.send(permit) {
            // That one has given up; its permit must not come back here by being dropped.
            let place = refused.0.take();
            let mut state = self.state();
            match state.waiting.pop_front() {
                Some(next) => waiter = next,
                None => {
                    self.in_flight
                        .store(self.in_flight() - 1, Ordering::Relaxed);
                    return;
                }
            }
            permit = Permit(place);
        }
    }
}

impl<B> State<B> {
    fn pop(&mut self, now: u64) -> Option<SendRequest<B>> {
        while let Some(idle) = self.idle.pop() {
            if idle.is_usable(now) {
                return Some(idle.sender);
            }
        }
        None
    }
}

impl<B> Idle<B> {
    /// A connection that the upstream has closed, or has said something on that nobody
    /// asked for, is not ready.
    fn is_usable(&self, now: u64) -> bool {
        now < self.until && self.sender.is_ready()
    }
}

impl<B> Permit<B> {
    pub(super) fn endpoint(&self) -> &Arc<Endpoint<B>> {
        self.0
            .as_ref()
            .expect("a permit has its place until it is dropped")
    }

    /// Frees the place and leaves `sender` for the next request, for `ticks`.
    pub(super) fn leave(mut self, sender: SendRequest<B>, ticks: u64) {
        if let Some(endpoint) = self.0.take() {
            let until = endpoint.deadlines.now().saturating_add(ticks);
            endpoint.free(Some(Idle { sender, until }));
        }
    }
}

impl<B> Drop for Permit<B> {
    fn drop(&mut self) {
        if let Some(endpoint) = self.0.take() {
            endpoint.free(None);
        }
    }
}

impl<B> fmt::Debug for Endpoint<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

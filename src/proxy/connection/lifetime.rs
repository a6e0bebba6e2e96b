//! How a connection is driven to its end: by itself, by a shutdown, or by its own rules.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::net::{Draining, Tracked};

/// A connection's place in the count of open ones, and its share of a shutdown.
#[derive(Debug)]
pub(in crate::proxy) struct Lifetime {
    peer: SocketAddr,
    tracked: Tracked,
    draining: Draining,
}

/// What a connection's own rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It goes on.
    GoOn,
    /// What is under way is finished, nothing new begins.
    Finish,
    /// It is dropped as it is.
    Cut,
}

/// A connection that can be told to finish what it is doing.
pub(super) trait Graceful: Future<Output = hyper::Result<()>> {
    /// Tells it.
    fn finish(self: Pin<&mut Self>);
}

impl Lifetime {
    /// Of a connection from `peer`, which counts as open from now on.
    pub(in crate::proxy) fn new(peer: SocketAddr, draining: &Draining) -> Self {
        Self {
            peer,
            tracked: draining.track(),
            draining: draining.clone(),
        }
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Waits for `what`; nothing once a shutdown has begun.
    pub(super) async fn unless_draining<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.tracked.begun() => None,
            done = what => Some(done),
        }
    }

    /// Drives `connection` until it ends, is cut at a shutdown, or by `rules`.
    pub(super) async fn drive<C: Graceful>(
        self,
        connection: C,
        mut rules: impl FnMut(&mut Context<'_>) -> Next,
    ) {
        let mut connection = pin!(connection);
        let (mut begun, mut cut) = (pin!(self.tracked.begun()), pin!(self.tracked.cut()));
        let mut watching = false;
        let mut finishing = false;
        let ended = poll_fn(|cx| {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            match rules(cx) {
                Next::GoOn => {}
                Next::Finish => {
                    connection.as_mut().finish();
                    cx.waker().wake_by_ref();
                }
                Next::Cut => return Poll::Ready(None),
            }
            // Asked once before the drain: this task's waker stays the same, and it is woken
            // then.
            if !watching || self.draining.has_begun() {
                watching = true;
                if !finishing && begun.as_mut().poll(cx).is_ready() {
                    finishing = true;
                    connection.as_mut().finish();
                    cx.waker().wake_by_ref();
                }
                if cut.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        });
        let peer = self.peer;
        match ended.await {
            Some(Err(error)) => tracing::debug!(%peer, %error, "a client's connection failed"),
            Some(Ok(())) => {}
            None => tracing::debug!(%peer, "a client's connection was cut"),
        }
    }
}

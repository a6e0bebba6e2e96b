//! The time limits of waiting for a head.
//!
//! Only hyper knows whether a connection waits for the next request or is still busy with
//! the last one, and it says so through its header-read timer: started when it begins to
//! wait, polled while it waits, dropped when the head is there. But hyper has one duration
//! for an idle connection and for a slow head, and its usual timer registers anew for every
//! request. So this timer answers hyper instead, with what the guard knows (whether a head
//! has begun), two durations, and one real timer per connection that is seldom moved.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use hyper::server::conn::http1;
use tokio::time::Instant;

use crate::net::timeouts::{FOREVER, LazySleep, Timeouts, after};

/// What a connection waits for, and the timer of that wait.
#[derive(Debug, Default)]
pub(super) struct HeadWait {
    awaited: AtomicU8,
    sleep: Mutex<LazySleep>,
}

/// What comes next on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Awaited {
    /// The first request, or the rest of it.
    First = 0,
    /// Another request.
    Next = 1,
    /// The rest of a head that has begun.
    Rest = 2,
}

#[derive(Debug)]
struct HeadTimer {
    wait: Arc<HeadWait>,
    head: Duration,
    idle: Duration,
}

#[derive(Debug)]
struct HeadSleep {
    wait: Arc<HeadWait>,
    head: Duration,
    first_until: Instant,
    idle_until: Instant,
    rest_until: Option<Instant>,
}

impl HeadWait {
    /// Makes `builder` wait for heads by `timeouts`.
    pub(super) fn configure(self: &Arc<Self>, timeouts: Timeouts, builder: &mut http1::Builder) {
        let timer = HeadTimer {
            wait: Arc::clone(self),
            head: timeouts.head.min(FOREVER),
            idle: timeouts.idle.min(FOREVER),
        };
        builder.header_read_timeout(timer.idle).timer(timer);
    }

    #[inline]
    pub(super) fn set(&self, awaited: Awaited) {
        self.awaited.store(awaited as u8, Ordering::Relaxed);
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    /// `deadline` is hyper's: [`HeadTimer::idle`] after the wait began.
    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        let idle_until = Instant::from_std(deadline);
        Box::pin(HeadSleep {
            wait: Arc::clone(&self.wait),
            head: self.head,
            first_until: idle_until - self.idle + self.head,
            idle_until,
            rest_until: None,
        })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let awaited = self.wait.awaited.load(Ordering::Relaxed);
        let deadline = if awaited == Awaited::First as u8 {
            self.first_until
        } else if awaited == Awaited::Rest as u8 {
            let head = self.head;
            *self.rest_until.get_or_insert_with(|| after(head))
        } else {
            self.idle_until
        };
        let mut sleep = self
            .wait
            .sleep
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sleep.poll_until(cx, deadline)
    }
}

impl Sleep for HeadSleep {}
